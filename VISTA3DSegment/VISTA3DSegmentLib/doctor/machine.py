"""Facts about this computer that decide how fast a model runs; read without importing torch."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryFile

FEATURES = {
    "avx2": "AVX2",
    "avx512f": "AVX512",
    "avx512_bf16": "AVX512-BF16",
    "amx_tile": "AMX",
    "amx_bf16": "AMX-BF16",
}
"""Flags of Linux that matter for the network, and the names under which processors are sold."""

CPUINFO = Path("/proc/cpuinfo")
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True)
class Processor:
    """The processor.

    Args:
        name: as the system calls it.
        cores: that this process may use.
        features: which of ``FEATURES`` it has; None where that cannot be read.
    """

    name: str
    cores: int
    features: tuple[str, ...] | None


@dataclass(frozen=True)
class Memory:
    """Main memory in bytes; None where the system does not say."""

    total_bytes: int | None
    free_bytes: int | None


def processor() -> Processor:
    """The processor of this computer."""
    if CPUINFO.is_file():
        return Processor(*_of_cpuinfo(CPUINFO.read_text(encoding="utf-8", errors="replace")))
    name = _sysctl("machdep.cpu.brand_string") if sys.platform == "darwin" else ""
    return Processor(name or platform.processor() or platform.machine(), os.cpu_count() or 1, None)


def _of_cpuinfo(text: str) -> tuple[str, int, tuple[str, ...] | None]:
    entries = [line.partition(":") for line in text.splitlines()]
    facts = {key.strip(): value.strip() for key, _, value in entries}
    flags = facts.get("flags", facts.get("Features", "")).split()
    name = facts.get("model name") or platform.machine()
    features = tuple(name for flag, name in FEATURES.items() if flag in flags)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return name, cores, features


def _sysctl(key: str) -> str:
    try:
        asked = subprocess.run(["/usr/sbin/sysctl", "-n", key], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip()


def memory() -> Memory:
    """Main memory, as far as this process may use it: a container's limit counts."""
    if sys.platform == "win32":
        return _memory_of_windows()
    total, free = _pages("SC_PHYS_PAGES"), _pages("SC_AVPHYS_PAGES")
    limits = [limit for path in CGROUP_LIMITS if (limit := _limit(path)) is not None]
    if total is not None and limits:
        total = min(total, *limits)
        free = None if free is None else min(free, total)
    return Memory(total, free)


def _pages(name: str) -> int | None:
    try:
        pages = os.sysconf(name)
        return pages * os.sysconf("SC_PAGE_SIZE") if pages > 0 else None
    except (ValueError, OSError):  # macOS does not count the free ones
        return None


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None  # "max": no limit


def _memory_of_windows() -> Memory:
    # GlobalMemoryStatusEx fills a MEMORYSTATUSEX: two DWORDs, then seven DWORDLONGs, of which the first two are asked.
    status = (ctypes.c_uint64 * 8)()
    ctypes.memmove(status, (ctypes.c_uint32 * 1)(64), 4)
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009  # typing knows it on Windows only
    if not kernel.GlobalMemoryStatusEx(ctypes.byref(status)):
        return Memory(None, None)
    return Memory(int(status[1]), int(status[2]))


@dataclass(frozen=True)
class Place:
    """A folder for files.

    Args:
        free_bytes: of its disk; None where the system does not say.
        problem: why nothing can be written there, in the system's words; "" if it can.
    """

    free_bytes: int | None
    problem: str


def place(folder: Path) -> Place:
    """How much room a folder has, and whether it can be written, by trying; of one that is not made yet, its parent."""
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    except OSError as error:
        return Place(None, error.strerror or str(error))
    try:
        free = shutil.disk_usage(there).free
    except OSError:
        free = None
    try:
        TemporaryFile(dir=there).close()
    except OSError as error:
        return Place(free, error.strerror or str(error))
    return Place(free, "")


def versions(distributions: tuple[str, ...]) -> dict[str, str | None]:
    """The installed version of each distribution; None if it is not installed."""
    return {name: _version(name) for name in distributions}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder; 0 if it does not exist."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
