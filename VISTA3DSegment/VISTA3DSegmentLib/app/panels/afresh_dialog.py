"""Asks before the work on a scan is thrown away."""

from __future__ import annotations

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ...session.signals import Signal
from ..state import PageState
from .controls import raising, text_button


class AfreshDialog:
    """See the module.

    Args:
        state: of the page.
    """

    def __init__(self, state: TypedState[PageState]) -> None:
        self.afresh_asked: Signal[None] = Signal()
        shown = state.name.afresh
        with v3.VDialog(v_model=(shown,), max_width=420), v3.VCard(raw_attrs=['aria-label="Start afresh"']):
            v3.VCardText("All work on this scan will be lost: save it first if you need it.")
            with v3.VCardActions():
                html.Div(classes="grow")
                text_button("Keep my work", f"{shown} = false")
                text_button("Throw it away", raising(self.afresh_asked), color="error")
