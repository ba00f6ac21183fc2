"""What was done, by name."""

from __future__ import annotations

from trame.widgets import html
from trame_server.utils.typed_state import TypedState

from ..state import PageState
from .controls import section


class HistoryPanel:
    """See the module.

    Args:
        state: of the page.
    """

    def __init__(self, state: TypedState[PageState]) -> None:
        history = state.name.history
        with section("History"), html.Div(classes="history", raw_attrs=['role="list"', 'aria-label="History list"']):
            html.Div(
                "Nothing was done yet.", v_if=(f"!{history.done}.length && !{history.undone}.length",), classes="note"
            )
            for steps, css in ((history.undone, "step undone"), (history.done, "step")):
                html.Div(
                    "{{ step }}", v_for=f"(step, n) in {steps}", key="n", classes=css, raw_attrs=['role="listitem"']
                )
