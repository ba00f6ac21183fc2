"""Reading RT structure sets (PS3.3, A.19): closed contours become segments on the grid of the scan they belong to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from ..edits import NOTHING
from ..errors import FileFormatError, VolumeError
from ..volume import Volume, grid_of
from .dicom_damage import damage_named
from .dicom_descriptions import segment_of
from .dicom_objects import STRUCTURE_SET_CLASS
from .dicom_private import restored
from .placing import placed_on
from .reading import open_for_reading
from .rt_contours import Planes, mask_of, planes_of, reaches_outside
from .scan_identity import OTHER_SCAN, ScanIdentifiers, check_drawn_on
from .segments import Segment, Segmentation
from .usual_order import in_usual_order

KIND = "an RT structure set"

INTERPRETED_TAG = "VISTA3DSegment.RTROIInterpretedType"
"""Our tag of a structure without codes: by what planning systems sort it, as GTV, PTV or EXTERNAL (C.8.8.8.1)."""

Structure = tuple[Segment, Planes]
"""What a structure is, still without voxels, and its contours."""


def read_rtstruct(path: Path, like: Volume | None, scan: ScanIdentifiers | None = None) -> Segmentation:
    """Read an RT structure set.

    Args:
        path: its file.
        like: the scan that it belongs to; its images themselves are not needed.
        scan: its identifiers; None: not known, so that only the places can be compared.

    Returns:
        The structures with closed contours as segments on the grid of the scan. A voxel belongs to a structure if its
        centre lies inside an odd number of contours of the nearest plane, or on the line of one. Notices name what was
        left out or guessed.

    Raises:
        FileFormatError: no scan was given; no structure set, damaged, or without closed contours. VolumeError: it
            belongs to another scan. ResourceError: not enough memory.
    """
    if like is None:
        raise FileFormatError(
            f"{path.name} is an RT structure set: it holds contours, and says nothing of the voxels between them.",
            "Open the scan first, or give it along.",
        )
    with damage_named(path, KIND):
        grid, structures = _on_planes(path, like, scan)
        segments = tuple(replace(segment, mask=mask_of(planes, grid)) for segment, planes in structures)
    _check_some(structures, segments, grid, path)
    kept = tuple(segment for segment in segments if segment.mask.mask.size)
    notices = _notices(structures, segments, grid)
    return placed_on(Segmentation(grid.shape_kji, grid.ijk_to_ras, kept, notices), like)


def _on_planes(path: Path, like: Volume, scan: ScanIdentifiers | None) -> tuple[Volume, list[Structure]]:
    """The structures of a file, and the grid of the scan to whose slices more of their contours are parallel: as it is
    stored, or, as planning systems draw in axial planes however a scan is stored, in the usual order of axes."""
    stored = structures_in(path, like, scan)
    if not _slanted(stored):
        return like, stored
    usual = in_usual_order(grid_of(like.shape_kji, like.ijk_to_ras))
    turned = structures_in(path, usual, scan)
    return (usual, turned) if _slanted(turned) < _slanted(stored) else (like, stored)


def _slanted(structures: Sequence[Structure]) -> int:
    return sum(planes.slanted for _, planes in structures)


def structures_in(path: Path, like: Volume, scan: ScanIdentifiers | None = None) -> list[Structure]:
    """The structures of a file, in its order, with their contours on the grid of a scan.

    Raises:
        FileFormatError: no structure set, or damaged. VolumeError: another frame of reference.
    """
    # pydicom's warnings of wrong values tell the values, which may be a patient's.
    with damage_named(path, KIND), disable_value_validation(), open_for_reading(path) as file:
        dataset = dcmread(file, force=True)
        if str(dataset.get("SOPClassUID")) != STRUCTURE_SET_CLASS:
            raise FileFormatError(f"The DICOM file {path.name} is no RT structure set.", "Give an RTSTRUCT file.")
        check_drawn_on(scan, _frames(dataset), _series(dataset), f"The structure set {path.name}")
        rois = dataset.get("StructureSetROISequence") or ()
        planes = planes_of([_item_for(roi, dataset, "ROIContourSequence") for roi in rois], like)
        return [(_described(roi, dataset), drawn) for roi, drawn in zip(rois, planes, strict=True)]


def _frames(dataset: Dataset) -> set[str]:
    return {str(roi.get("ReferencedFrameOfReferenceUID", "")) for roi in dataset.StructureSetROISequence}


def _series(dataset: Dataset) -> set[str]:
    return {
        str(one.SeriesInstanceUID)
        for frame in dataset.get("ReferencedFrameOfReferenceSequence") or ()
        for study in frame.get("RTReferencedStudySequence") or ()
        for one in study.get("RTReferencedSeriesSequence") or ()
    }


def _item_for(roi: Dataset, dataset: Dataset, keyword: str) -> Dataset:
    """The item of a sequence that is about a structure; an empty one if there is none."""
    items = dataset.get(keyword) or ()
    return next((item for item in items if int(item.ReferencedROINumber) == int(roi.ROINumber)), Dataset())


def _described(roi: Dataset, dataset: Dataset) -> Segment:
    """What a structure is, told in the words of a segmentation's segment: most of them are the same."""
    contour = _item_for(roi, dataset, "ROIContourSequence")
    observation = _item_for(roi, dataset, "RTROIObservationsSequence")
    description = Dataset()
    description.SegmentNumber = int(roi.ROINumber)
    description.SegmentLabel = str(roi.get("ROIName") or "").strip() or f"Structure {int(roi.ROINumber)}"
    description.SegmentAlgorithmType = roi.get("ROIGenerationAlgorithm") or ""
    for ours, item, theirs in (
        ("SegmentationAlgorithmIdentificationSequence", roi, "ROIDerivationAlgorithmIdentificationSequence"),
        ("SegmentedPropertyCategoryCodeSequence", observation, "SegmentedPropertyCategoryCodeSequence"),
        ("SegmentedPropertyTypeCodeSequence", observation, "RTROIIdentificationCodeSequence"),
        ("AnatomicRegionSequence", observation, "AnatomicRegionSequence"),
    ):
        if item.get(theirs):
            setattr(description, ours, item.get(theirs))
    segment = segment_of(description, NOTHING, dataset)
    kind = str(observation.get("RTROIInterpretedType") or "")
    if re.fullmatch(r"[A-Z0-9_ ]{1,16}", kind) and not segment.terminology:
        segment = replace(segment, tags={**segment.tags, INTERPRETED_TAG: kind})
    color = [int(part) for part in contour.get("ROIDisplayColor") or ()]
    if len(color) == 3 and all(0 <= part <= 255 for part in color):
        segment = replace(segment, color=(color[0], color[1], color[2]))
    return restored(roi, segment)


def _check_some(structures: Sequence[Structure], segments: Sequence[Segment], like: Volume, path: Path) -> None:
    """Refuse a structure set of which nothing lies in the scan."""
    if any(segment.mask.mask.size for segment in segments):
        return
    drawn = [planes for _, planes in structures if planes.positions]
    if any(reaches_outside(planes, like) for planes in drawn):
        raise VolumeError(f"The contours of {path.name} lie outside the scan: it is another one.", OTHER_SCAN)
    if drawn:
        raise VolumeError(f"The contours of {path.name} are too small to hold a voxel of the scan.", OTHER_SCAN)
    if any(planes.slanted for _, planes in structures):
        raise VolumeError(f"The contours of {path.name} were not drawn on the slices of the scan.", OTHER_SCAN)
    raise FileFormatError(f"The structure set {path.name} holds no closed contours.", "Give another one.")


def _notices(structures: Sequence[Structure], segments: Sequence[Segment], like: Volume) -> tuple[str, ...]:
    slice_mm = like.spacing_mm[2]
    found: dict[str, list[str]] = {}
    for (segment, planes), placed in zip(structures, segments, strict=True):
        for sentence, applies in (
            ("Points and open lines hold no voxels and were left out: {}.", planes.others),
            ("Contours that are not parallel to the slices were left out: {}.", planes.slanted),
            ("These structures have no contour: {}.", not (planes.positions or planes.others or planes.slanted)),
            ("Parts outside the scan were left out: {}.", reaches_outside(planes, like)),
            ("These structures hold no voxel of the scan: {}.", planes.positions and not placed.mask.mask.size),
            (
                f"Contours lie {planes.distance * slice_mm:.1f} mm apart, slices {slice_mm:.1f} mm; a slice between "
                "them took the nearest contour: {}.",
                planes.guessed,
            ),
            (
                "The file does not show how far apart the contours of these lie; each stands for one slice of the "
                "scan: {}.",
                planes.unsure,
            ),
        ):
            if applies:
                found.setdefault(sentence, []).append(segment.name)
    return tuple(sentence.format(", ".join(names)) for sentence, names in found.items())
