"""What a click does, and what else a structure is asked with: its name, a box."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ...session.signals import Signal
from ...workspace import guidance
from ..state import PageState
from .advanced_menu import advanced_menu
from .controls import icon_button, raising, section, text_button, tooltip
from .prompt_list import PromptList


class ClickPanel:
    """See the module.

    Args:
        state: of the page.
    """

    def __init__(self, state: TypedState[PageState]) -> None:
        self.text_asked: Signal[None] = Signal()
        self.structure_asked: Signal[None] = Signal()
        self.box_asked: Signal[None] = Signal()
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
                advanced_menu(state)
            self._naming(click)
            with html.Div(classes="flex-row"):
                text_button(
                    "Box", raising(self.box_asked), click.why_not,
                    tip="Draw a box in a slice, by two clicks or a drag: of the chosen structure, or of a new one (B)",
                    prepend_icon="mdi-vector-square", active=(click.drawing,),
                )  # fmt: skip
                text_button(
                    "Lesion", raising(self.lesion_asked), click.why_not, tip="Begin the next lesion (N)",
                    prepend_icon="mdi-plus",
                )  # fmt: skip
            with html.Div(f"{{{{ {click.hint} }}}}", classes="note hint", raw_attrs=['aria-label="Guidance"']):
                tooltip(" ".join(guidance.ALL), "''")
            self.prompts = PromptList(state)

    def _naming(self, click: Any) -> None:
        with html.Div(classes="flex-row naming"):
            v3.VCombobox(
                __events=[("keydown_enter", "keydown.enter")],
                v_model=(click.structure,),
                keydown_enter=raising(self.text_asked),
                items=(click.structures,),
                placeholder="Find by name",
                density="compact",
                variant="outlined",
                hide_details=True,
                hide_no_data=True,
                menu_icon="",
                menu_props=("{maxHeight: 260, contentClass: 'names'}",),
                raw_attrs=[
                    'aria-label="Name of a structure"',
                    ':return-object="false"',
                    ":filter-keys=\"['title', 'raw.subtitle']\"",
                    ':item-props="(item) => ({subtitle: item.subtitle})"',
                ],
            )
            icon_button("Find it (Enter)", "mdi-magnify", raising(self.text_asked), click.why_not)
            icon_button("Begin it empty (to click on it)", "mdi-plus", raising(self.structure_asked), click.why_not)
