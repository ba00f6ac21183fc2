"""The list of segments."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ...session.annotation import Status
from ...session.signals import Signal
from ..state import PageState
from .controls import section

STATUSES = {Status.DRAFT: "Draft", Status.FLAGGED: "Flagged for review", Status.DONE: "Done"}
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
        self.name_typed: Signal[Wish] = Signal()
        self.all_visible_asked: Signal[bool] = Signal()
        self.all_statuses_asked: Signal[Status] = Signal()
        segments = state.name.segments
        self._begin_name = f"{segments.renamed} = row.id; {segments.new_name} = row.name"
        with section("Segments"):
            self._menu_of_all(segments)
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
                self._line(segments)
                with html.Div(v_if=(f"row.id === {segments.selected}",), classes="segment-more"):
                    self._more()

    def _menu_of_all(self, segments: Any) -> None:
        with v3.VBtn(
            v_if=(f"{segments.rows}.length > 1",), icon=True, variant="text", density="compact", size="x-small",
            classes="segments-menu", raw_attrs=['aria-label="All segments"', 'title="All segments"'],
        ):  # fmt: skip
            v3.VIcon("mdi-dots-vertical", size=17)
            with v3.VMenu(activator="parent"), v3.VList(density="compact"):
                for title, visible in (("Show all", True), ("Hide all", False)):
                    v3.VListItem(title=title, click=partial(self.all_visible_asked.emit, visible))
                for status, title in STATUSES.items():
                    v3.VListItem(
                        title=f"What is shown: {title.lower()}", click=partial(self.all_statuses_asked.emit, status)
                    )

    def _line(self, segments: Any) -> None:
        with html.Div(classes="segment-line"):
            self._small_button(
                "row.visible ? 'mdi-eye-outline' : 'mdi-eye-off-outline'", "'Show ' + row.name", "row.visible",
                self._wish(self.visibility_asked, "!row.visible"),
            )  # fmt: skip
            html.Span(classes="swatch", style=("{background: row.color}",))
            self._name_field(segments)
            with html.Button(
                v_else=True, classes="segment-name",
                click=self._wish(self.chosen), dblclick=self._begin_name,
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
                    for status, title in STATUSES.items():
                        v3.VListItem(title=title, click=self._wish(self.status_asked, f"'{status.value}'"))
            self._small_button(
                "row.status === 'done' ? 'mdi-lock' : 'mdi-lock-open-variant-outline'",
                "'Lock ' + row.name", "row.status === 'done'",
                self._wish(self.status_asked, "row.status === 'done' ? 'draft' : 'done'"),
            )  # fmt: skip

    def _name_field(self, segments: Any) -> None:
        """In place of the name while that is typed. To leave it keeps what was typed, as in the host's table.

        When it is given up the field loses the focus as it goes. Then no id is sent: what the page sends of itself may
        come later.
        """
        v3.VTextField(
            v_if=(f"row.id === {segments.renamed}",),
            v_model=(segments.new_name,),
            blur=self._wish(self.name_typed, segments.new_name, segments.renamed),
            autofocus=True,
            density="compact",
            variant="plain",
            hide_details=True,
            classes="name-field",
            raw_attrs=[
                'aria-label="Name of the segment"',
                '@focus="$event.target.select()"',
                '@keydown.enter="$event.target.blur()"',
                f"@keydown.esc=\"{segments.renamed} = ''\"",
            ],
        )

    def _more(self) -> None:
        html.Span("Opacity", classes="field-name")
        v3.VSlider(
            model_value=("row.opacity",),
            end=self._wish(self.opacity_asked, "$event"),
            min=0, max=1, step=0.05, hide_details=True, density="compact", thumb_size=12, track_size=3,
            raw_attrs=[''':aria-label="'Opacity of ' + row.name"'''],
        )  # fmt: skip
        self._small_button("'mdi-rename-outline'", "'Rename ' + row.name", "", self._begin_name)
        self._small_button("'mdi-delete-outline'", "'Delete ' + row.name", "", self._wish(self.removal_asked))

    def _small_button(self, icon: str, label: str, pressed: str, click: Any) -> None:
        attributes = [f':aria-label="{label}"', f':title="{label}"']
        attributes += [f':aria-pressed="!!({pressed})"'] if pressed else []
        with v3.VBtn(icon=True, variant="text", density="compact", size="x-small", click=click, raw_attrs=attributes):
            v3.VIcon(icon=(icon,), size=15)

    def _wish(self, signal: Signal[Wish], value: str = "null", segment_id: str = "row.id") -> Any:
        """What a control of a line is given to call; the new value and the id are expressions of the page."""
        return lambda wanted_of, wanted: signal.emit(Wish(wanted_of, wanted)), f"[{segment_id}, {value}]"
