"""The list of segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ...session.signals import Signal
from ..state import PageState
from .controls import section

STATUS_ICONS = "{draft: 'mdi-pencil-outline', flagged: 'mdi-flag', done: 'mdi-check-circle'}"


@dataclass(frozen=True)
class Wish:
    """Something wanted of one segment: its id, and the new value."""

    segment_id: str
    value: Any = None


class SegmentList:
    """See the module.

    Args:
        state: of the page.
    """

    def __init__(self, state: TypedState[PageState]) -> None:
        self.chosen: Signal[Wish] = Signal()
        self.visibility_asked: Signal[Wish] = Signal()
        self.opacity_asked: Signal[Wish] = Signal()
        self.status_asked: Signal[Wish] = Signal()
        self.removal_asked: Signal[Wish] = Signal()
        segments = state.name.segments
        with section("Segments"):
            html.Div(
                "None yet. Press Segment, or find a structure by its name.",
                v_if=(f"!{segments.rows}.length",), classes="note",
            )  # fmt: skip
            with (
                html.Div(classes="segments", raw_attrs=['role="list"', 'aria-label="Segment list"']),
                html.Div(
                    v_for=f"row in {segments.rows}",
                    key="row.id",
                    classes=(f"'segment' + (row.id === {segments.selected} ? ' selected' : '')",),
                    raw_attrs=[
                        'role="listitem"',
                        ':aria-label="row.name"',
                        f':aria-current="row.id === {segments.selected}"',
                    ],
                ),
            ):
                self._line()
                with html.Div(v_if=(f"row.id === {segments.selected}",), classes="segment-more"):
                    self._more()

    def _line(self) -> None:
        with html.Div(classes="segment-line"):
            self._small_button(
                "row.visible ? 'mdi-eye-outline' : 'mdi-eye-off-outline'", "'Show ' + row.name", "row.visible",
                self._wish(self.visibility_asked), "[row.id, !row.visible]",
            )  # fmt: skip
            html.Span(classes="swatch", style=("{background: row.color}",))
            with html.Button(
                classes="segment-name", click=(self._wish(self.chosen), "[row.id]"),
                raw_attrs=['type="button"', ''':aria-label="'Choose ' + row.name"'''],
            ):  # fmt: skip
                html.Span("{{ row.name }}")
                v3.VProgressCircular(v_if=("row.busy",), indeterminate=True, size=10, width=2, classes="ml-2")
            html.Span("{{ row.volume }}", classes="volume", raw_attrs=['title="Volume in millilitres"'])
            with v3.VBtn(
                icon=(f"({STATUS_ICONS})[row.status]",), variant="text", density="compact", size="x-small",
                raw_attrs=[''':aria-label="'Status of ' + row.name + ': ' + row.status"'''],
                classes=("'status-' + row.status",),
            ):  # fmt: skip
                v3.VIcon(icon=(f"({STATUS_ICONS})[row.status]",), size=15)
                with v3.VMenu(activator="parent"), v3.VList(density="compact"):
                    for status, title in (("draft", "Draft"), ("flagged", "Flagged for review"), ("done", "Done")):
                        v3.VListItem(title=title, click=(self._wish(self.status_asked), f"[row.id, '{status}']"))
            self._small_button(
                "row.status === 'done' ? 'mdi-lock' : 'mdi-lock-open-variant-outline'",
                "'Lock ' + row.name", "row.status === 'done'",
                self._wish(self.status_asked), "[row.id, row.status === 'done' ? 'draft' : 'done']",
            )  # fmt: skip

    def _more(self) -> None:
        html.Span("Opacity", classes="field-name")
        v3.VSlider(
            model_value=("row.opacity",),
            end=(self._wish(self.opacity_asked), "[row.id, $event]"),
            min=0, max=1, step=0.05, hide_details=True, density="compact", thumb_size=12, track_size=3,
            raw_attrs=[''':aria-label="'Opacity of ' + row.name"'''],
        )  # fmt: skip
        self._small_button(
            "'mdi-delete-outline'", "'Delete ' + row.name", "", self._wish(self.removal_asked), "[row.id]"
        )

    def _small_button(self, icon: str, label: str, pressed: str, click: Any, arguments: str) -> None:
        attributes = [f':aria-label="{label}"', f':title="{label}"']
        attributes += [f':aria-pressed="!!({pressed})"'] if pressed else []
        with v3.VBtn(
            icon=True, variant="text", density="compact", size="x-small", click=(click, arguments), raw_attrs=attributes
        ):
            v3.VIcon(icon=(icon,), size=15)

    def _wish(self, signal: Signal[Wish]) -> Any:
        return lambda segment_id, value=None: signal.emit(Wish(segment_id, value))
