"""Time as people say it."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Seconds as people say them: "34 s", "2 min 10 s", "1 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def time_left(seconds: float | None) -> str:
    """What can honestly be said about the end: nothing before a window has been measured, nor in the last moment."""
    return "" if seconds is None or round(seconds) == 0 else f"about {duration(seconds)} left"
