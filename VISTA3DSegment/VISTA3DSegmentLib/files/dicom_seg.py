"""Reading DICOM segmentations (PS3.3, A.51): binary, fractional and label maps, as segments on their own lattice."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from ..edits import NOTHING, BoolArray, Index3, MaskCrop
from ..errors import FileFormatError, VolumeError
from ..volume import FloatArray, Volume
from .dicom_damage import damage_named
from .dicom_descriptions import is_background, segment_of
from .dicom_frames import frames_of
from .dicom_headers import file_meta
from .dicom_objects import SEGMENTATION_CLASSES
from .dicom_planes import PlaneLattice, Planes, lattice_of
from .dicom_stack import SAME_DIRECTION
from .reading import CHUNK_BYTES, COPY_AGAIN, MAX_BYTES, check_declared_size, open_for_reading
from .scan_identity import ScanIdentifiers, check_drawn_on
from .segments import Segmentation

BEFORE_META = 144
"""Bytes before the file meta information that its group length counts: preamble, prefix, the length itself."""
MAX_INFLATED_BYTES = 2**31
"""117 organs of a scan of 512 x 512 x 400, one bit a voxel of every plane, are a third of a GiB."""
SAME_SPACING_MM = 1e-4
TINY = 1e-9
OPEN_IN_SLICER = "Load it in Slicer and save it as .seg.nrrd."


def read_dicom_seg(path: Path, like: Volume | None = None, scan: ScanIdentifiers | None = None) -> Segmentation:
    """Read a DICOM segmentation.

    Args:
        path: its file.
        like: the scan that it belongs to; only the distance of slices is taken from it, where planes are sparse and the
            file does not say it.
        scan: its identifiers; None: not known, and nothing can be compared.

    Returns:
        The segments on the lattice of the file's planes, where planes that are not stored are empty. A voxel of a
        fractional segmentation belongs to its segment from half of the maximum on.

    Raises:
        FileFormatError: no segmentation, of a slide, damaged, hostile, or packed in a way that is not read.
        VolumeError: its planes form no lattice, or it belongs to another scan.
    """
    with damage_named(path, "a segmentation"):
        dataset = _dataset(path)
        _check_kind(dataset, path)
        frame = str(dataset.get("FrameOfReferenceUID", ""))
        check_drawn_on(scan, {frame}, _series(dataset), f"The segmentation {path.name}")
        lattice = lattice_of(_planes(dataset, path), like, path.name)
        shape = (lattice.count, int(dataset.Rows), int(dataset.Columns))
        check_declared_size(shape, 1, path)
        masks = _masks(dataset, lattice, path)
        segments = tuple(
            segment_of(description, masks.get(int(description.SegmentNumber), NOTHING), dataset)
            for description in dataset.SegmentSequence
            if not is_background(description)
        )
        return Segmentation(shape, lattice.ijk_to_ras, segments, (*lattice.notices, *_fractional(dataset)))


def _dataset(path: Path) -> Dataset:
    if file_meta(path).get(0x0010) == DeflatedExplicitVRLittleEndian:
        _check_inflated_size(path)
    with open_for_reading(path) as file:
        return dcmread(file, force=True)


def _check_inflated_size(path: Path) -> None:
    """Refuse a file that inflates to more than can be real, before pydicom inflates it whole (PS3.5, A.5)."""
    start = BEFORE_META + int(read_file_meta_info(path).FileMetaInformationGroupLength)
    inflate, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with open_for_reading(path) as file:
        file.seek(start)
        while not inflate.eof and (packed := inflate.unconsumed_tail or file.read(CHUNK_BYTES)):
            size += len(inflate.decompress(packed, CHUNK_BYTES))
            if size > MAX_INFLATED_BYTES:
                raise FileFormatError(f"The DICOM file {path.name} inflates to more than can be real.", COPY_AGAIN)


def _check_kind(dataset: Dataset, path: Path) -> None:
    if str(dataset.get("SOPClassUID")) not in SEGMENTATION_CLASSES:
        raise FileFormatError(f"The DICOM file {path.name} is no segmentation.", "Give a DICOM SEG file.")
    if "TotalPixelMatrixRows" in dataset or any("PlanePositionSlideSequence" in item for item in _groups(dataset)[:1]):
        raise FileFormatError(
            f"{path.name} is the segmentation of a slide or of another tiled image, not of a scan.",
            "Give the segmentation of a CT or MR.",
        )


def _series(dataset: Dataset) -> set[str]:
    return {str(one.get("SeriesInstanceUID", "")) for one in dataset.get("ReferencedSeriesSequence") or ()}


def _groups(dataset: Dataset) -> list[Dataset]:
    """The functional groups of each frame."""
    return list(dataset.PerFrameFunctionalGroupsSequence)


def _planes(dataset: Dataset, path: Path) -> Planes:
    """Where the frames lie; what is not said of a frame is said of all (PS3.3, C.7.6.16)."""
    groups, shared = _groups(dataset), dataset.SharedFunctionalGroupsSequence[0]
    if len(groups) != int(dataset.get("NumberOfFrames", 1)):
        raise FileFormatError(
            f"The DICOM file {path.name} has {dataset.get('NumberOfFrames', 1)} frames, but places {len(groups)}.",
            COPY_AGAIN,
        )
    orientations = _values(groups, shared, "PlaneOrientationSequence", "ImageOrientationPatient", 6)
    spacings = _values(groups, shared, "PixelMeasuresSequence", "PixelSpacing", 2)
    if np.ptp(orientations, axis=0).max() > SAME_DIRECTION or np.ptp(spacings, axis=0).max() > SAME_SPACING_MM:
        raise VolumeError(f"The frames of {path.name} differ in direction or pixel spacing.", OPEN_IN_SLICER)
    row, column = (axis / max(float(np.linalg.norm(axis)), TINY) for axis in orientations[0].reshape(2, 3))
    return Planes(
        _values(groups, shared, "PlanePositionSequence", "ImagePositionPatient", 3),
        row,
        column,
        (float(spacings[0, 1]), float(spacings[0, 0])),  # the standard gives the distance of rows first
        abs(_measure(groups, shared, "SpacingBetweenSlices")),
        _measure(groups, shared, "SliceThickness"),
    )


def _values(groups: list[Dataset], shared: Dataset, group: str, keyword: str, count: int) -> FloatArray:
    """A value of each frame, (frames, count).

    Raises:
        ValueError: not as many numbers, or not finite.
    """
    values = np.array([(frame.get(group) or shared[group].value)[0][keyword].value for frame in groups], np.float64)
    if values.shape != (len(groups), count) or not np.isfinite(values).all():
        raise ValueError(keyword)
    return values


def _measure(groups: list[Dataset], shared: Dataset, keyword: str) -> float:
    measures = groups[0].get("PixelMeasuresSequence") or shared.PixelMeasuresSequence
    return float(measures[0].get(keyword) or 0.0)


@dataclass
class _Tiles:
    """The parts of planes in which a segment has voxels.

    Args:
        parts: plane, first row and first column of each, and its voxels (j, i).
    """

    parts: list[tuple[Index3, BoolArray]] = field(default_factory=list)

    def add(self, k: int, mask: BoolArray) -> None:
        """A plane's voxels (j, i); nothing is kept of an empty one."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if rows.size:
            tile = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
            self.parts.append(((k, int(rows[0]), int(columns[0])), tile))

    @property
    def box(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """First voxel and size, axes (k, j, i), of the box that holds them all."""
        starts = np.array([start for start, _ in self.parts])
        ends = np.array([np.add(start, (1, *tile.shape)) for start, tile in self.parts])
        low = starts.min(axis=0)
        return low, ends.max(axis=0) - low

    def joined(self) -> MaskCrop:
        """All in one mask."""
        low, size = self.box
        mask = np.zeros(tuple(size), np.bool_)
        for start, tile in self.parts:
            k, j, i = np.subtract(start, low)
            mask[k, j : j + tile.shape[0], i : i + tile.shape[1]] |= tile
        return MaskCrop((int(low[0]), int(low[1]), int(low[2])), mask)


def _masks(dataset: Dataset, lattice: PlaneLattice, path: Path) -> Mapping[int, MaskCrop]:
    """The voxels of each segment that has any, by its number."""
    known = {int(description.SegmentNumber) for description in dataset.SegmentSequence}
    tiles: dict[int, _Tiles] = {}
    for number, k, mask in _frame_masks(dataset, lattice, path):
        if number not in known:
            raise FileFormatError(
                f"The DICOM file {path.name} holds voxels of a segment {number} that it does not describe.", COPY_AGAIN
            )
        tiles.setdefault(number, _Tiles()).add(k, mask)
    used = {number: of_segment for number, of_segment in tiles.items() if of_segment.parts}
    if sum(int(np.prod(of_segment.box[1])) for of_segment in used.values()) > MAX_BYTES:
        raise FileFormatError(f"The segments of {path.name} are larger than can be real.", COPY_AGAIN)
    return {number: of_segment.joined() for number, of_segment in used.items()}


def _frame_masks(dataset: Dataset, lattice: PlaneLattice, path: Path) -> Iterator[tuple[int, int, BoolArray]]:
    """Segment number, plane and voxels (j, i) of every segment in every frame."""
    kind, frames = str(dataset.SegmentationType), frames_of(dataset, path)
    planes = [int(k) for k in lattice.k_of_frame]
    if kind == "LABELMAP":
        nothing = {0, int(dataset.get("PixelPaddingValue", 0))} if "PixelPaddingValue" in dataset else {0}
        nothing |= {int(item.SegmentNumber) for item in dataset.SegmentSequence if is_background(item)}
        for k, frame in zip(planes, frames, strict=True):
            yield from ((int(value), k, frame == value) for value in np.unique(frame) if int(value) not in nothing)
    elif kind in ("BINARY", "FRACTIONAL"):
        least = int(dataset.get("MaximumFractionalValue", 255)) / 2 if kind == "FRACTIONAL" else 1
        shared = dataset.SharedFunctionalGroupsSequence[0]
        for k, frame, group in zip(planes, frames, _groups(dataset), strict=True):
            identification = group.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
            yield int(identification[0].ReferencedSegmentNumber), k, frame >= least
    else:
        raise FileFormatError(f"{path.name} is a segmentation of a kind that is not read ({kind}).", OPEN_IN_SLICER)


def _fractional(dataset: Dataset) -> tuple[str, ...]:
    if dataset.SegmentationType != "FRACTIONAL":
        return ()
    return ("The segmentation holds fractions; a voxel belongs to a segment from one half on.",)
