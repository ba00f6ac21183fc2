"""Reading and writing segmentations: Slicer's .seg.nrrd, label maps in NIfTI, NRRD and MetaImage; DICOM's are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from ..errors import FileFormatError
from ..volume import Volume
from .atomic import write_atomically
from .dicom_objects import is_object, is_segmentation, is_structure_set, object_in
from .label_maps import LabelArray, label_map_of, label_values, segmentation_of
from .label_tables import with_table
from .metaimage import read_metaimage, write_metaimage
from .nifti import read_nifti, write_nifti
from .nrrd import read_header, write_nrrd
from .placing import placed_on
from .reading import open_for_reading
from .seg_nrrd import holds_segments, in_layers, layers_of, read_seg_nrrd, write_seg_nrrd
from .segments import Segment, Segmentation
from .volumes import DETACHED, READERS, read_volume, suffix_of

if TYPE_CHECKING:
    from .scan_identity import ScanIdentifiers

__all__ = [
    "Segment",
    "Segmentation",
    "identifiers_for",
    "label_values",
    "placed_on",
    "read_on_own_grid",
    "read_segmentation",
    "write_segmentation",
]


def read_segmentation(
    path: Path | str, like: Volume | None = None, scan: ScanIdentifiers | None = None
) -> Segmentation:
    """Read a segmentation.

    Args:
        path: .seg.nrrd, a label map in .nii, .nii.gz, .nrrd or .mha, a DICOM segmentation or RT structure set, or a
            folder with one of these two.
        like: the scan onto whose grid the masks are put, where they lie in space; None: the grid of the file, which an
            RT structure set has not.
        scan: by which a DICOM object of another scan is known; None: only its places can tell.

    Returns:
        The segments. Those of a label map are called as the table beside it says (``label_tables``); without one "Label
        5", with the value as ``class_id``: the file does not say which table its values come from.

    Raises:
        FileFormatError: no such file, damaged, hostile, or no segmentation. VolumeError: bad geometry, no space in
            common with ``like``, or it belongs to another scan. ResourceError: not enough memory.
    """
    segmentation = read_on_own_grid(path, like, scan)
    return segmentation if like is None else placed_on(segmentation, like)


def read_on_own_grid(path: Path | str, like: Volume | None, scan: ScanIdentifiers | None = None) -> Segmentation:
    """Read a segmentation as it lies in its file; see ``read_segmentation``.

    Args:
        path: likewise.
        like: the scan that it belongs to: on its grid contours are filled in, and from it the distance of slices is
            taken where a DICOM segmentation leaves it open.
        scan: likewise.
    """
    path = Path(path)
    path = object_in(path) if path.is_dir() else path
    suffix = suffix_of(path)
    if suffix == ".nrrd" and holds_segments(read_header(path)):
        return read_seg_nrrd(path)
    if suffix not in READERS and suffix not in DETACHED:
        return _read_dicom(path, like, scan)
    read = read_volume(path)
    return with_table(segmentation_of(read.volume.array, read.volume.ijk_to_ras, read.notices, path.name), path)


def _read_dicom(path: Path, like: Volume | None, scan: ScanIdentifiers | None) -> Segmentation:
    open_for_reading(path).close()
    # Here and not at the top: desktop Slicer starts without the packages that read DICOM objects.
    if is_segmentation(path):
        from .dicom_seg import read_dicom_seg

        return read_dicom_seg(path, like, scan)
    if is_structure_set(path):
        from .rtstruct import read_rtstruct

        return read_rtstruct(path, like, scan)
    raise FileFormatError(
        f"{path.name} is no segmentation file.",
        "Give a .seg.nrrd, .nii.gz, .nrrd or .mha file, a DICOM segmentation or an RT structure set.",
    )


def identifiers_for(path: Path, image: Path | None) -> ScanIdentifiers | None:
    """What tells whether a file of segments belongs to the scan; None: nothing can.

    Args:
        path: see ``read_segmentation``; only DICOM objects say which scan they were drawn on.
        image: a file of the scan's DICOM series; None: none is known.

    Raises:
        FileFormatError: the image is gone.
    """
    if image is None or not is_object(path):
        return None
    from .scan_identity import identifiers_in

    return identifiers_in(image)


def write_segmentation(
    path: Path | str, segmentation: Segmentation, after_plane: Callable[[], None] = lambda: None
) -> None:
    """Write a segmentation; an existing file is replaced only once the new one is whole and was read back.

    Args:
        path: .seg.nrrd keeps everything, also overlaps; .nii.gz, .nii, .nrrd and .mha hold a label map, with the class
            ids as values, and others for segments without a class (``label_values``).
        segmentation: what to write.
        after_plane: called after each plane of a .seg.nrrd; what it raises leaves everything as it was. A label map is
            written in a second or two.

    Raises:
        FileFormatError: another suffix, or overlapping segments in a label map. ResourceError: the disk is full, or the
            folder cannot be written to.
    """
    path = Path(path)
    if path.name.lower().endswith(".seg.nrrd"):
        layers, places = in_layers(segmentation)
        write_atomically(
            path,
            lambda file: write_seg_nrrd(file, segmentation, layers, places, after_plane),
            lambda new: _compare(new, path, layers),
        )
        return
    suffix = suffix_of(path)
    if suffix not in READERS:
        raise FileFormatError(
            f"A segmentation cannot be written as {path.name}.", "Use .seg.nrrd, .nii.gz, .nii, .nrrd or .mha."
        )
    labels = label_map_of(segmentation, label_values(segmentation), path.name)

    def write(file: BinaryIO) -> None:
        if suffix == ".nrrd":
            write_nrrd(file, [labels], segmentation.ijk_to_ras, {})
        elif suffix == ".mha":
            write_metaimage(file, labels, segmentation.ijk_to_ras)
        else:
            write_nifti(file, labels, segmentation.ijk_to_ras, packed=suffix == ".nii.gz")

    write_atomically(path, write, lambda new: _compare(new, path, [labels]))


def _compare(written: Path, path: Path, expected: Sequence[LabelArray]) -> None:
    """Read back what was written, under its temporary name."""
    suffix = suffix_of(path)
    if suffix == ".nrrd":
        found = layers_of(read_header(written))
    else:
        found = [(read_metaimage if suffix == ".mha" else read_nifti)(written).volume.array]
    if len(found) != len(expected) or not all(map(np.array_equal, found, expected)):
        raise FileFormatError(f"What was written to {path.name} did not read back the same.", "Try another disk.")
