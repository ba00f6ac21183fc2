"""What the chosen structure was asked with: a text, a box, clicks; to go there, or to take one away."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ...session.signals import Signal
from ..state import PageState

DELETE = "prompt.kind === 'text' || prompt.kind === 'box' ? 'Delete the ' + prompt.kind : 'Delete this click'"


class PromptList:
    """See the module.

    Args:
        state: of the page.
    """

    def __init__(self, state: TypedState[PageState]) -> None:
        self.chosen: Signal[str] = Signal()
        self.removal_asked: Signal[str] = Signal()
        prompts = state.name.click.prompts
        with (
            html.Div(
                v_if=(f"{prompts}.length",), classes="prompts", raw_attrs=['role="list"', 'aria-label="Prompt list"']
            ),
            html.Div(
                v_for=f"prompt in {prompts}",
                key="prompt.id",
                classes="prompt",
                raw_attrs=['role="listitem"', ':aria-label="prompt.kind"'],
            ),
        ):
            html.Button(
                "{{ prompt.words }}",
                classes=("'prompt-words sign-' + prompt.kind",),
                click=(self._raising(self.chosen), "[prompt.id]"),
                raw_attrs=['type="button"', ':title="prompt.words"'],
            )
            v3.VBtn(
                icon="mdi-close",
                variant="text",
                density="compact",
                size="x-small",
                click=(self._raising(self.removal_asked), "[prompt.id]"),
                raw_attrs=[f':aria-label="{DELETE}"', f':title="{DELETE}"'],
            )

    def _raising(self, signal: Signal[str]) -> Any:
        return lambda prompt_id: signal.emit(prompt_id)
