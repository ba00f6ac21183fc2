"""The menu of a marker: flip its sign, or delete it."""

from __future__ import annotations

from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ...session.signals import Signal
from ..state import PageState
from .controls import raising


class MarkerMenuPanel:
    """See the module.

    Args:
        state: of the page.
    """

    def __init__(self, state: TypedState[PageState]) -> None:
        self.flip_asked: Signal[None] = Signal()
        self.delete_asked: Signal[None] = Signal()
        marker = state.name.marker
        with (
            v3.VMenu(v_model=(marker.shown,), target=(f"[{marker.x}, {marker.y}]",), location="end"),
            v3.VList(density="compact", raw_attrs=['aria-label="Marker"']),
        ):
            v3.VListSubheader(f"{{{{ {marker.title} }}}}")
            v3.VListItem(title="Flip its sign", prepend_icon="mdi-plus-minus-variant", click=raising(self.flip_asked))
            v3.VListItem(title="Delete it", prepend_icon="mdi-delete-outline", click=raising(self.delete_asked))
