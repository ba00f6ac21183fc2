"""What a click does: its sign, what it is about, and new structures."""

from __future__ import annotations

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ...session.signals import Signal
from ..state import PageState
from .controls import icon_button, raising, section, text_button, tooltip


class ClickPanel:
    """See the module.

    Args:
        state: of the page.
    """

    def __init__(self, state: TypedState[PageState]) -> None:
        self.structure_asked: Signal[None] = Signal()
        self.lesion_asked: Signal[None] = Signal()
        self.before_asked: Signal[None] = Signal()
        click, segments = state.name.click, state.name.segments
        with section("Correct"):
            with html.Div(classes="flex-row"):
                with v3.VBtnToggle(
                    v_model=(click.positive,),
                    mandatory=True,
                    density="compact",
                    divided=True,
                    variant="outlined",
                    classes="signs",
                    raw_attrs=['aria-label="What a click does"'],
                ):
                    for value, text, icon, key, css in (
                        ("true", "Add", "mdi-plus", "A", "sign-positive"),
                        ("false", "Remove", "mdi-minus", "D or ctrl-click", "sign-negative"),
                    ):
                        with v3.VBtn(
                            text, prepend_icon=icon, classes=css, size="small",
                            raw_attrs=[
                                f':value="{value}"',
                                f'aria-label="{text}"',
                                f':aria-pressed="{click.positive} === {value}"',
                            ],
                        ):  # fmt: skip
                            tooltip(f"{text} voxels by clicks in a slice view ({key})", click.why_not)
                html.Div(classes="grow")
                icon_button(
                    "Before or after the last change (space)", "mdi-compare", raising(self.before_asked),
                    pressed=segments.before,
                )  # fmt: skip
            v3.VSwitch(
                v_model=(click.follows,),
                label="A click corrects the organ under it",
                density="compact",
                hide_details=True,
                color="primary",
                inset=True,
            )
            with html.Div(classes="flex-row new-structure"):
                v3.VCombobox(
                    __events=[("keydown_enter", "keydown.enter")],
                    v_model=(click.structure,),
                    keydown_enter=raising(self.structure_asked),
                    items=(click.structures,),
                    placeholder="New structure (Enter)",
                    density="compact",
                    variant="outlined",
                    hide_details=True,
                    hide_no_data=True,
                    raw_attrs=['aria-label="Name of a new structure"', ':return-object="false"'],
                )
                icon_button("Begin this structure", "mdi-plus", raising(self.structure_asked), click.why_not)
                text_button("Lesion", raising(self.lesion_asked), click.why_not, tip="Begin the next lesion (N)")
