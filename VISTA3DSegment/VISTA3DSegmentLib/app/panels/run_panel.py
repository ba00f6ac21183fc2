"""The automatic run: what is wanted, what it costs, how far it is."""

from __future__ import annotations

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ...session.signals import Signal
from ..state import PageState
from .controls import raising, section, text_button


class RunPanel:
    """See the module.

    Args:
        state: of the page.
    """

    def __init__(self, state: TypedState[PageState]) -> None:
        self.segment_asked: Signal[None] = Signal()
        self.cancel_asked: Signal[None] = Signal()
        run = state.name.run
        with section("Segment"):
            v3.VAutocomplete(
                v_model=(run.chosen,),
                items=(run.choices,),
                multiple=True,
                chips=True,
                closable_chips=True,
                clearable=True,
                auto_select_first=True,
                clear_on_select=True,
                placeholder="Everything; or type organs, presets",
                density="compact",
                variant="outlined",
                hide_details=True,
                menu_props=("{maxHeight: 320}",),
                classes="organ-field",
                raw_attrs=[
                    'aria-label="Organs"',
                    ":filter-keys=\"['title', 'raw.subtitle']\"",
                    ':item-props="(item) => ({subtitle: item.subtitle})"',
                ],
            )
            html.Div(
                f"{{{{ {run.estimate} }}}}", v_if=(f"!{run.running}",), classes="note",
                raw_attrs=['aria-label="Estimate"'],
            )  # fmt: skip
            with html.Div(v_if=(f"!{run.running}",)):
                text_button(
                    "Segment", raising(self.segment_asked), run.why_not,
                    prepend_icon="mdi-auto-fix", color="primary", variant="flat", block=True, size="default",
                )  # fmt: skip
            with html.Div(v_else=True, classes="running"):
                with html.Div(classes="flex-row"):
                    html.Div(f"{{{{ {run.told} }}}}", classes="note grow", raw_attrs=['aria-label="Progress"'])
                    text_button("Cancel", raising(self.cancel_asked), tip="Esc")
                v3.VProgressLinear(
                    model_value=(f"{run.percent} || 0",),
                    indeterminate=(f"{run.percent} === null",),
                    height=6,
                    rounded=True,
                    color="primary",
                    raw_attrs=['aria-label="Automatic run"'],
                )
