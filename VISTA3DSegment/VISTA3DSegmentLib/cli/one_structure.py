"""One structure of a scan by prompts, and nothing else changes: what ``refine`` and ``prompt`` have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..edits import Edit, MaskCrop
from ..engine import Cancel, Engine, OnProgress, Opened
from ..errors import PromptError
from ..evaluation.metrics import volume_ml, voxels
from ..files.label_maps import UNNAMED, is_unnamed
from ..files.reading import ReadVolume
from ..files.segmentations import Segment, Segmentation, identifiers_for, read_segmentation
from ..prompts import Box, Click, Prompts, Structure, boxes_of, clicks_of
from ..volume import Volume
from .collaborators import Collaborators
from .interrupt import cancel_on_interrupt
from .options import parse_position
from .output import Output, made_by, segment_of_class, segment_of_clicks, write_picture, write_result
from .progress import shown_progress
from .scan import read_scan, tell


@dataclass(frozen=True)
class Question:
    """What is asked, and where the answer goes.

    Args:
        ct: the scan.
        name: of the structure, as the person calls it.
        prompts: that say where and what it is.
        output: of all segments.
        base: the segmentation that is corrected, if any.
        region: voxels outside are left alone.
        series: of a DICOM folder.
        no_picture: write none.
        quiet: print nothing but errors.
    """

    ct: Path
    name: str
    prompts: Prompts
    output: Output
    base: Path | None = None
    region: Box | None = None
    series: str | None = None
    no_picture: bool = False
    quiet: bool = False


@dataclass(frozen=True, eq=False)
class Answering:
    """Who answers, and about what.

    Args:
        engine: with its model.
        structure: that the name means to it.
        understood: how the name is understood, for the person; "": nothing to say.
        finds_by_itself: the engine finds classes without a prompt; clicks on one correct that.
    """

    engine: Engine
    structure: Structure
    understood: str = ""
    finds_by_itself: bool = True


def answer(with_what: Collaborators, question: Question, open_: Callable[[], Answering]) -> None:
    """Segment the structure, write all segments, and say what changed.

    Args:
        with_what: the consoles.
        question: what is asked.
        open_: loads the engine; called when the files have been read.
    """
    scan = read_scan(with_what, question.ct, question.series)
    carried = None if question.base is None else _read_base(question.base, scan)
    others = carried.segments if carried else ()
    asked = open_()
    structure, region = asked.structure, question.region
    corrected = segment_called(question.name, structure.class_id, others)
    check_place_of(question.prompts, scan.volume)
    opened = asked.engine.open(scan.volume)
    with cancel_on_interrupt() as cancel:
        before = corrected.mask if corrected else None
        if before is None and asked.finds_by_itself and structure.class_id is not None and clicks_of(question.prompts):
            inside = next(iter(boxes_of(question.prompts)), region)
            with shown_progress(with_what.err, "Segmenting", question.quiet) as on_progress:
                before = found_by_itself(opened, structure.class_id, inside, on_progress, cancel)
        edit = opened.refine(structure, question.prompts, before, region, cancel)
    after = made_by(segment_after(structure, edit.onto(before), corrected, others), asked.engine, question.prompts)
    about_file = write_result(question.output, scan.volume, replaced(others, corrected, after))
    written = [question.output.path]
    if not question.no_picture:
        write_picture(question.output.picture, scan.volume, [after], clicks_of(question.prompts))
        written.append(question.output.picture)
    if not question.quiet:
        about_base = (*(carried.notices if carried else ()), *_about_base(question, corrected, others))
        tell(with_what, filter(None, (asked.understood, *about_base, *edit.notices, *about_file)))
        _say_change(with_what, after, edit, scan.volume)
        with_what.say(f"Wrote {', '.join(map(str, written))}.")


def clicks_from(positive: Sequence[str], negative: Sequence[str]) -> tuple[Click, ...]:
    """The clicks that a person typed.

    Raises:
        PromptError: not positions.
    """
    clicks = [Click(parse_position(text), True) for text in positive]
    return tuple(clicks + [Click(parse_position(text), False) for text in negative])


def check_place_of(prompts: Prompts, volume: Volume) -> None:
    """Refuse prompts beside the scan before a model is asked.

    Raises:
        PromptError: a click or a box lies outside.
    """
    for click in clicks_of(prompts):
        volume.check_inside(click.ras)
    for box in boxes_of(prompts):
        volume.check_overlap(box)


def segment_called(name: str, class_id: int | None, segments: Sequence[Segment]) -> Segment | None:
    """The segment of that name; case does not matter unless two differ only in it.

    A label map has no names. There, the segment is the one whose value is the id of the class that is meant.

    Raises:
        PromptError: several segments have the name.
    """
    same = [segment for segment in segments if segment.name == name]
    same = same or [segment for segment in segments if segment.name.casefold() == name.strip().casefold()]
    same = same or [segment for segment in segments if segment.name == UNNAMED.format(class_id)]
    if len(same) > 1:
        raise PromptError(f"{len(same)} segments are called {name!r}.", "Rename them, so that one can be meant.")
    return same[0] if same else None


def found_by_itself(
    opened: Opened, class_id: int, region: Box | None, on_progress: OnProgress, cancel: Cancel
) -> MaskCrop:
    """What the model finds of a class without a click: all of it, also where no click is."""
    ((_, edit),) = opened.segment([class_id], region, on_progress, cancel)
    return edit.onto(None)


def segment_after(
    structure: Structure, mask: MaskCrop, corrected: Segment | None, others: Sequence[Segment]
) -> Segment:
    """The segment as the clicks leave it; one that was corrected keeps its name, colour and terminology."""
    if corrected is not None:
        return replace(corrected, mask=mask.tightened())
    if structure.class_id is not None:
        return replace(segment_of_class(structure.class_id, mask), name=structure.name)
    return segment_of_clicks(structure.name, mask, others)


def replaced(segments: Sequence[Segment], old: Segment | None, new: Segment) -> tuple[Segment, ...]:
    """All segments in their order, one of them replaced; a new one comes last."""
    if old is None:
        return (*segments, new)
    return tuple(new if segment is old else segment for segment in segments)


def _read_base(base: Path, scan: ReadVolume) -> Segmentation:
    return read_segmentation(base, scan.volume, identifiers_for(base, scan.image))


def _about_base(question: Question, corrected: Segment | None, others: Sequence[Segment]) -> tuple[str, ...]:
    name, base = question.name, question.base
    if base is None:
        return ()
    if corrected is None:
        there = ", ".join(segment.name for segment in others) or "none"
        return (f"{base.name} has no segment {name!r} (its segments: {there}); a new one was added.",)
    if is_unnamed(corrected):
        return (f"{corrected.name} of {base.name} is taken for {name!r}.",)
    return ()


def _say_change(with_what: Collaborators, after: Segment, edit: Edit, volume: Volume) -> None:
    if voxels(after.mask) == 0:
        with_what.say(f"{after.name} is empty. {edit.empty_reason}".strip())
        return
    with_what.say(
        f"{after.name}: {volume_ml(after.mask, volume):.1f} ml "
        f"(+{edit.added * volume.voxel_volume_ml:.1f}, -{edit.removed * volume.voxel_volume_ml:.1f})"
    )
    if edit.empty_reason:
        with_what.say(edit.empty_reason)
