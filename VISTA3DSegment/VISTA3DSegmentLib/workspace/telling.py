"""How the work stands, in the words that every shell shows."""

from __future__ import annotations

import numpy as np

from ..durations import time_left
from ..prompts import Ras
from ..scene.latency import Latency
from ..session.targeting import objects_at
from ..volume import Volume
from .workspace import Workspace

HISTORY_LINES = 30
FIRST_HINT = "Press Segment to find every organ of this scan, or name one to find it alone."
EMPTY_HINT = "Click on {}, or draw a box around it."
RUN_HINT = "Looking for the structures. Esc cancels."
NEXT_HINT = "Click where an organ is wrong: Add grows it, Remove (ctrl-click) shrinks it."


def size(volume: Volume) -> str:
    """Voxels and spacing of a scan."""
    voxels = " x ".join(str(n) for n in volume.shape_kji[::-1])
    return f"{voxels} voxels, {' x '.join(f'{mm:.3g}' for mm in volume.spacing_mm)} mm"


def hint(workspace: Workspace) -> str:
    """What to do next; "": no scan is open."""
    if workspace.volume is None:
        return ""
    first_step = RUN_HINT if is_running(workspace) else FIRST_HINT
    next_step = NEXT_HINT if workspace.segments() else first_step
    chosen = workspace.annotator.session.annotation.objects.get(workspace.annotator.selected or "")
    if chosen is not None and not chosen.placed and not chosen.mask.mask.any():
        next_step = EMPTY_HINT.format(chosen.structure.name)
    return why_no_click(workspace) or next_step


def why_no_click(workspace: Workspace) -> str:
    """Why clicks cannot be used; "" if they can."""
    if workspace.volume is None:
        return "No scan is open."
    broken = workspace.annotator.session.broken
    return "" if broken is None else str(broken)


def why_no_run(workspace: Workspace) -> str:
    """Why an automatic run cannot be started; "" if it can."""
    if workspace.volume is None:
        return "Open a scan first."
    loading = workspace.annotator.session.ready is None
    return why_no_click(workspace) or ("The model is being loaded." if loading else "")


def is_running(workspace: Workspace) -> bool:
    """An automatic run is under way."""
    return workspace.volume is not None and workspace.annotator.session.running


def is_busy(workspace: Workspace) -> bool:
    """Something is computed or loaded."""
    if workspace.volume is None:
        return False
    session = workspace.annotator.session
    return bool(session.busy) or session.running or (session.ready is None and session.broken is None)


def percent(workspace: Workspace) -> float | None:
    """How much of the automatic run is done, 0 to 100; None: not known yet."""
    progress = workspace.run
    return 100 * progress.done / progress.total if progress and progress.total else None


def progress_of_run(workspace: Workspace) -> str:
    """How far the automatic run is: windows, time left, what arrived last."""
    progress = workspace.run
    if progress is None:
        return "Starting"
    left = time_left(progress.seconds_left)
    windows = f"{progress.done} of {progress.total} windows"
    return ", ".join([windows, *([left] if left else []), *workspace.arrived[-2:]])


def engine(workspace: Workspace) -> str:
    """The model and what runs it; "" while it is not there."""
    ready = None if workspace.volume is None else workspace.annotator.session.ready
    model, runs_on = workspace.estimator.specification, ready.identity.partition(" ")[2] if ready else ""
    return f"{model.name} {model.version}, {runs_on}" if runs_on else ""


def latency(measured: Latency) -> str:
    """How fast the last click was."""
    parts = [
        ("voxels", measured.voxels_seconds), ("2-D", measured.slices_seconds), ("3-D", measured.surface_seconds)
    ]  # fmt: skip
    told = " / ".join(f"{name} {1000 * seconds:.0f}" for name, seconds in parts if seconds is not None)
    return f"click to {told} ms"


def history(workspace: Workspace) -> tuple[list[str], list[str]]:
    """What was done, the latest first, and what was undone, the next to redo last: one above the other as they are."""
    if workspace.volume is None:
        return [], []
    steps = workspace.annotator.session.history
    return (
        [str(step) for step in reversed(steps.done[-HISTORY_LINES:])],
        [str(step) for step in steps.undone[-HISTORY_LINES:]],
    )


def under(workspace: Workspace, ras: Ras) -> str:
    """What is seen at a position (RAS, mm): the segments, and the grey value; "": it is outside the scan."""
    volume = workspace.volume
    if volume is None:
        return ""
    kji = tuple(int(at) for at in np.round(volume.ijk_of(ras))[::-1])
    if not all(0 <= at < size for at, size in zip(kji, volume.shape_kji, strict=True)):
        return ""
    grey = f"{volume.array[kji]:.0f} HU" if volume.looks_like_hounsfield else f"{volume.array[kji]:g}"
    annotation, display = workspace.annotator.session.annotation, workspace.annotator.segmentation_node.GetDisplayNode()
    seen = [n for n in objects_at(annotation, volume, ras) if display.GetSegmentVisibility(n)]
    return "  ".join(filter(None, [", ".join(annotation[n].structure.name for n in seen), grey]))
