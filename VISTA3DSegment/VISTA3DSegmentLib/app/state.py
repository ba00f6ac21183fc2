"""What the page shows, as data: all of it lives in the server, so a page that is loaded again shows the same."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..workspace.asking import SEGVOL, VISTA3D
from ..workspace.choices import Choice


@dataclass
class SegmentRow:
    """A line of the list of segments.

    Args:
        id: of the segment.
        name: of the structure.
        color: as CSS writes it.
        volume: in ml, as text.
        visible: in the views.
        opacity: 0 to 1.
        status: "draft", "flagged" or "done".
        busy: an answer is awaited.
    """

    id: str
    name: str
    color: str
    volume: str
    visible: bool
    opacity: float
    status: str
    busy: bool


@dataclass
class ScanState:
    """The scan that is open, and the one that is coming.

    Args:
        name: "" while there is none.
        size: voxels and spacing, in words.
        busy: what is being done to a scan that is coming; "" if none is.
        window: name of the grey value window, or window and level as they were dragged.
    """

    name: str = ""
    size: str = ""
    busy: str = ""
    window: str = "Soft tissue"


@dataclass
class RunState:
    """The automatic run.

    Args:
        choices: what can be chosen.
        chosen: values of those that are.
        estimate: time and memory, in words.
        why_not: why it cannot be started; "" if it can.
        running: it is under way.
        percent: 0 to 100; None: not known yet.
        told: how far it is, in words.
    """

    choices: list[Choice] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    estimate: str = ""
    why_not: str = "The model is being loaded."
    running: bool = False
    percent: float | None = None
    told: str = ""


@dataclass
class PromptRow:
    """A line of the list of prompts.

    Args:
        id: of the prompt.
        kind: "text", "box", "positive" or "negative".
        words: what is read.
    """

    id: str
    kind: str
    words: str


@dataclass
class ClickState:
    """What a click means, and what else a structure is asked with.

    Args:
        positive: it adds.
        follows: it corrects the structure that lies under it, and not only the chosen one.
        why_not: why clicks cannot be used; "" if they can.
        structure: what is typed as the name of a structure; None: nothing.
        structures: what can be named.
        hint: what is good to know of what is typed or drawn.
        drawing: the mouse draws a box.
        prompts: of the chosen structure.
        clicks_by: the engine that answers clicks.
        words_by: the engine that answers texts and boxes.
    """

    positive: bool = True
    follows: bool = True
    why_not: str = "No scan is open."
    structure: str | None = None
    structures: list[Choice] = field(default_factory=list)
    hint: str = ""
    drawing: bool = False
    prompts: list[PromptRow] = field(default_factory=list)
    clicks_by: str = VISTA3D
    words_by: str = SEGVOL


@dataclass
class MarkerMenu:
    """The menu of a marker.

    Args:
        shown: whether it is open.
        x: where in the page, in pixels.
        y: likewise.
        click_id: whose.
        title: what it is about.
    """

    shown: bool = False
    x: int = 0
    y: int = 0
    click_id: str = ""
    title: str = ""


@dataclass
class SegmentsState:
    """The list of segments.

    Args:
        rows: in their order.
        selected: id of the one that clicks correct; "" for none.
        before: the views show how it was before the last change.
        renamed: id of the one whose name is being typed; "" for none.
        new_name: what is typed as its name.
    """

    rows: list[SegmentRow] = field(default_factory=list)
    selected: str = ""
    before: bool = False
    renamed: str = ""
    new_name: str = ""


@dataclass
class HistoryState:
    """What was done and what was undone, in words; the next to undo and the next to redo first."""

    done: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)


@dataclass
class StatusState:
    """The line at the bottom.

    Args:
        hint: what to do next.
        message: the last thing that was said.
        failed: it is an error.
        latency: how fast the last click was.
        engine: the model and what runs it.
        busy: something is being computed.
    """

    hint: str = ""
    message: str = ""
    failed: bool = False
    latency: str = ""
    engine: str = ""
    busy: bool = False


@dataclass
class FindingRow:
    """Something that the person should know before exporting.

    Args:
        consequence: "refused", "asked" or "repaired".
        words: what is read.
    """

    consequence: str
    words: str


@dataclass
class ExportState:
    """The dialog in which it is said what is exported.

    Args:
        shown: it is open.
        chosen: kinds of files, by the values of ``Form``.
        each: label maps as one file for each segment.
        new_series: a scan that was no DICOM is written as a new series, to which DICOM objects refer.
        shown_only: without the segments that are hidden.
        agreed: the person has read what was found and wants it nevertheless.
        no_dicom: why no DICOM objects can be exported; "" if they can.
        findings: what the pre-flight found for what is chosen, the worst first.
        asks: some of it is only done if the person agrees.
        why_not: why it cannot be exported; "" if it can.
        prior: name of the earlier segmentation with which a report compares; "" for none.
        reading: it is on its way here.
        running: files are being written.
        percent: 0 to 100; None: not known yet.
        told: how far it is, in words.
        failure: what went wrong at last.
    """

    shown: bool = False
    chosen: list[str] = field(default_factory=list)
    each: bool = False
    new_series: bool = False
    shown_only: bool = False
    agreed: bool = False
    no_dicom: str = ""
    findings: list[FindingRow] = field(default_factory=list)
    asks: bool = False
    why_not: str = ""
    prior: str = ""
    reading: bool = False
    running: bool = False
    percent: float | None = None
    told: str = ""
    failure: str = ""


@dataclass
class PageState:
    """Everything.

    Args:
        theme: "dark" or "light".
        help: the list of keys is shown.
        afresh: it is asked whether to start afresh.
    """

    theme: str = "dark"
    help: bool = False
    afresh: bool = False
    scan: ScanState = field(default_factory=ScanState)
    run: RunState = field(default_factory=RunState)
    click: ClickState = field(default_factory=ClickState)
    marker: MarkerMenu = field(default_factory=MarkerMenu)
    segments: SegmentsState = field(default_factory=SegmentsState)
    history: HistoryState = field(default_factory=HistoryState)
    status: StatusState = field(default_factory=StatusState)
    export: ExportState = field(default_factory=ExportState)
