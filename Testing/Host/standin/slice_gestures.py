"""What a user of a test does in the slice views: press, place a point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer

from .border import errors
from .gestures import process_events, raise_errors


def press_in_slice(view: str, ras: Sequence[float], keys: str = "") -> None:
    """Press and release the left button at a place of the patient; the slice goes there first.

    Args:
        view: ``Red``, ``Green`` or ``Yellow``.
        ras: the place, in mm.
        keys: ``ctrl`` and ``shift`` where these are held, ``ctrl+shift``.
    """
    before = len(errors)
    widget = slicer.app.layoutManager().sliceWidget(view)
    widget.mrmlSliceNode().JumpSliceByOffsetting(*ras)
    x, y, _ = widget.sliceView().convertRASToXYZ(list(ras))
    interactor = widget.sliceView().interactor()
    interactor.SetEventInformation(round(x), round(y), int("ctrl" in keys), int("shift" in keys))
    for event in ("LeftButtonPressEvent", "LeftButtonReleaseEvent"):
        interactor.InvokeEvent(event)
    process_events()
    raise_errors(before)


def place_point(ras: Sequence[float]) -> Any:
    """Place a point as a click does while points are placed, and return the node.

    Slicer shows a preview of the point before the click, with a PointAddedEvent of its own; this cannot be had here.

    Raises:
        AssertionError: no points are placed now, or what listens raised.
    """
    before = len(errors)
    logic = slicer.app.applicationLogic()
    interaction, selection = logic.GetInteractionNode(), logic.GetSelectionNode()
    if interaction.GetCurrentInteractionMode() != interaction.Place:
        raise AssertionError("No points are placed now: a click would turn the view.")
    node = slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID() or "")
    if node is None:
        raise AssertionError("No node is chosen into which points are placed.")
    node.AddControlPointWorld(list(ras))
    if not interaction.GetPlaceModePersistence():
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    process_events()
    raise_errors(before)
    return node
