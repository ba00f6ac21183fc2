"""What few people change: which engine answers, and which organ a click is about."""

from __future__ import annotations

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ...workspace.asking import ENGINES
from ..state import PageState


def advanced_menu(state: TypedState[PageState]) -> None:
    """A button that opens it.

    Args:
        state: of the page.
    """
    click = state.name.click
    with v3.VBtn(
        icon=True,
        variant="text",
        density="comfortable",
        size="small",
        raw_attrs=['aria-label="Advanced"', 'title="Advanced: which model answers"'],
    ):
        v3.VIcon("mdi-cog-outline")
        with (
            v3.VMenu(activator="parent", close_on_content_click=False, location="bottom end"),
            v3.VCard(classes="advanced", raw_attrs=['role="group"', 'aria-label="Advanced"']),
        ):
            _engine_row("Clicks", click.clicks_by)
            _engine_row("Text and boxes", click.words_by)
            v3.VSwitch(
                v_model=(click.follows,),
                label="A click corrects the organ under it",
                density="compact",
                hide_details=True,
                color="primary",
                inset=True,
            )


def _engine_row(title: str, chosen: str) -> None:
    with html.Div(classes="flex-row"):
        html.Span(title, classes="field-name grow")
        with v3.VBtnToggle(
            v_model=(chosen,),
            mandatory=True,
            density="compact",
            divided=True,
            variant="outlined",
            classes="engines",
            raw_attrs=[f'aria-label="{title}"'],
        ):
            for engine in ENGINES:
                pressed = f"{chosen} === '{engine.value}'"
                v3.VBtn(
                    engine.title,
                    value=engine.value,
                    size="small",
                    raw_attrs=[f'aria-label="{title}: {engine.title}"', f':aria-pressed="{pressed}"'],
                )
