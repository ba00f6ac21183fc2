"""What the processor can do that decides how the network runs on it. Needs neither torch nor OpenVINO."""

from __future__ import annotations

from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
LINUX_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


@cache
def processor_has_bf16() -> bool:
    """Whether the processor computes with bfloat16 itself (AVX512-BF16, AMX-BF16), so that it is faster than float32.

    OpenVINO is asked where it is installed, for it knows what its kernels can use; else Linux.
    """
    by_openvino = _openvino_says()
    return by_openvino if by_openvino is not None else _linux_says(CPUINFO)


def _openvino_says() -> bool | None:
    try:
        import openvino
    except ImportError:
        return None
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _linux_says(cpuinfo: Path) -> bool:
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line.partition(":")[2] for line in text.splitlines() if line.startswith("flags")), "")
    return not LINUX_FLAGS.isdisjoint(flags.split())
