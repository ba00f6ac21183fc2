"""Controls that say what they are, to eyes and to screen readers, and why they cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ...session.signals import Signal


def icon_button(
    label: str, icon: str, click: Any, why_not: str = "''", pressed: str = "", color: str = "", **options: Any
) -> None:
    """A small button with a picture.

    Args:
        label: what it does; its tooltip and its accessible name.
        icon: name of a picture.
        click: what is called.
        why_not: expression of the page: why it cannot be used, '' if it can.
        pressed: expression of the page, for a switch: whether it is on.
        color: expression of the page; "" for none.
        options: of the button.
    """
    name = f"{label.split(' (')[0]}"
    attributes = [f'aria-label="{name}"', *([f':aria-pressed="!!({pressed})"'] if pressed else [])]
    with html.Span(classes="why"):
        tooltip(label, why_not)
        v3.VBtn(
            icon=icon,
            click=click,
            disabled=(f"!!({why_not})",),
            active=(pressed,) if pressed else False,
            color=(color,) if color else None,
            variant="text",
            density="comfortable",
            size="small",
            raw_attrs=attributes,
            **options,
        )


def text_button(label: str, click: Any, why_not: str = "''", tip: str = "", **options: Any) -> None:
    """A button with words; see ``icon_button``."""
    with html.Span(classes="why"):
        tooltip(tip, why_not)
        v3.VBtn(
            label, click=click, disabled=(f"!!({why_not})",), raw_attrs=[f'aria-label="{label}"'],
            **{"size": "small", "variant": "tonal", **options},
        )  # fmt: skip


def tooltip(text: str, why_not: str) -> None:
    """What a control does, shown when the mouse rests on it; or why it cannot be used."""
    v3.VTooltip(
        text=(f"({why_not}) || {text!r}",), activator="parent", location="bottom", open_delay=350, max_width=320,
        disabled=(f"!(({why_not}) || {text!r})",),
    )  # fmt: skip


def raising(signal: Signal[None]) -> Callable[[], None]:
    """What a control is given to call, so that others hear of it."""
    return lambda: signal.emit(None)


def section(title: str) -> Any:
    """A part of the side panel, with a heading; to be filled."""
    with html.Div(classes="section", raw_attrs=['role="region"', f'aria-label="{title}"']) as part:
        html.Div(title, classes="section-title", raw_attrs=['role="heading"', 'aria-level="2"'])
    return part
