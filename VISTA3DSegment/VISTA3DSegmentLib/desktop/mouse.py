"""What the mouse does in the views: it places clicks, it draws a box, or it is the host's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..scene.place_mode import PlaceMode
from ..workspace.workspace import Workspace
from .box_mode import BoxMode


class Mouse:
    """See the module; for the scan that is open.

    Args:
        application: qSlicerApplication.
        workspace: in which the scan is open.
        changed: called when the mouse does something else; ``settle`` is to be called soon.
    """

    def __init__(self, application: Any, workspace: Workspace, changed: Callable[[], None]) -> None:
        logic = application.applicationLogic()
        nodes = logic.GetInteractionNode(), logic.GetSelectionNode()
        self._clicks = PlaceMode(*nodes, workspace.annotator.markups.nodes)
        self._clicks.changed.connect(lambda _sign: changed())
        self._box = BoxMode(*nodes, workspace.asking, changed)

    @property
    def sign(self) -> bool | None:
        """What the next click in a view will be: True positive, False negative, None no click of ours."""
        return self._clicks.sign

    @property
    def draws(self) -> bool:
        """The next click in a view is a corner of a box."""
        return self._box.on

    @property
    def is_ours(self) -> bool:
        """The next click in a view is a prompt."""
        return self.draws or self.sign is not None

    def click(self, positive: bool) -> None:
        """From now on the mouse places clicks."""
        self._box.stop()
        self._clicks.start(positive)

    def draw(self) -> None:
        """From now on the mouse draws a box.

        Raises:
            SegmentationError: no engine can be asked now.
        """
        self._clicks.stop()
        self._box.start()

    def let_go(self) -> None:
        """The mouse is the host's again."""
        self._box.stop()
        self._clicks.stop()

    def settle(self) -> None:
        """After ``Workspace.pump``: leave nothing behind of what has ended."""
        self._box.settle()

    def close(self) -> None:
        """Let go, and listen no more."""
        self._box.close()
        self._clicks.close()
