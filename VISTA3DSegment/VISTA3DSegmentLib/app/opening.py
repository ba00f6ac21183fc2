"""What a person opens: a file, a folder, or a zip, and what is in it. Nothing here touches the scene.

Reading takes seconds, so it is done in a thread; everything that comes of it is a value.
"""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from lzma import LZMAError
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np

from ..errors import FileFormatError, ResourceError, SegmentationError
from ..export.prior import read_prior
from ..export.source import DicomSource, read_source
from ..files import nrrd
from ..files.dicom_headers import is_dicom, read_header
from ..files.dicom_objects import (
    SEGMENTATION_CLASSES,
    STRUCTURE_SET_CLASS,
    is_drawn,
    is_report,
    storage_class,
)
from ..files.label_maps import of_no_class, segmentation_of
from ..files.label_tables import has_table
from ..files.reading import COPY_AGAIN, MAX_BYTES, ReadVolume, open_for_reading
from ..files.scan_identity import ScanIdentifiers, identifiers_in
from ..files.seg_nrrd import holds_segments
from ..files.segmentations import Segmentation, placed_on, read_segmentation
from ..files.volumes import DETACHED, READERS, read_volume, suffix_of
from ..resources import resource
from ..volume import Volume

SAMPLE = "Samples/sample_ct.nrrd"
MAX_NAME_BYTES = 200
"""File systems take 255."""
SCENE = ".mrb"
KINDS = (
    "Give a scan as NIfTI, NRRD, MetaImage or DICOM folder; segments as .seg.nrrd, DICOM segmentation, RT structure "
    "set or a label map with its table; or a zip of one of these."
)
NOT_OPENED = "Also there, and not opened: {}."
OF_ANOTHER = "{} looks like a label map on another grid than the scan that is open, which stays open."
OR_WITH_TABLE = "Open the scan on which it was made first, or choose it together with its table of names."
REPORT = "Open the DICOM segmentation that it refers to."
UNNAMED = "No table beside {} names its values: its segments are called by their labels."
SHOWN = 5
MAX_LABEL, MAX_LABELS, ALIKE, NEARLY_MM = 65_535, 256, 0.9, 1e-3
"""Of a label map: greatest value, how many there are, share of voxels above zero that are as the next one above zero,
how far its grid may be from the scan's. Eight bits of an MR have as many values, but hardly two voxels alike."""
SLICERS, LABEL_MAP = "seg.nrrd", "label map"
BEST_FIRST = (SLICERS, *SEGMENTATION_CLASSES, LABEL_MAP, STRUCTURE_SET_CLASS)
"""Kinds of files that hold segments: the one first that says most of them; contours are not voxels."""
MAX_FILES = 20_000
"""Files of one study: a whole body in thin slices has a few thousand."""


@dataclass(frozen=True)
class Scan:
    """A scan that was read.

    Args:
        volume: its voxels.
        name: for the page; that of the file or see ``name_of_series``, never of the patient.
        notices: what the person should know about how it was read.
        source: the DICOM series that it came from, for exports; None: from elsewhere, or nothing can refer to it.
        identifiers: by which DICOM objects of another scan are known; None: it was no DICOM.
    """

    volume: Volume
    name: str
    notices: tuple[str, ...] = ()
    source: DicomSource | None = None
    identifiers: ScanIdentifiers | None = None


def read_sample() -> Scan:
    """The scan that comes with the package."""
    return Scan(read_volume(resource(SAMPLE)).volume, "Sample CT (synthetic)")


def read(
    path: Path, like: Volume | None, scan: ScanIdentifiers | None = None, series_uid: str | None = None
) -> Scan | Segmentation:
    """Read what a person gave.

    Args:
        path: NIfTI, NRRD, MetaImage, a folder with DICOM or with one of these, a zip of any of it; segments as
            .seg.nrrd, DICOM Segmentation, RT structure set, or label map with the table of its values beside it.
        like: the scan that is open; a segmentation is put onto its grid.
        scan: its identifiers: DICOM segmentations and structure sets of another one are refused; None: not known.
        series_uid: which series of a DICOM folder; see ``read_volume``.

    Raises:
        FileFormatError, VolumeError, ResourceError: a sentence says what is wrong with it.
    """
    with _unpacked(path) as inside:
        found = _read(inside, like, scan, series_uid)
    return replace(found, name=path.stem) if isinstance(found, Scan) and inside != path else found


def read_first(path: Path, series_uid: str | None) -> Scan:
    """Read a scan while none is open; see ``read``.

    Raises:
        FileFormatError, VolumeError, ResourceError: also where it holds the segments of one.
    """
    found = read(path, None, series_uid=series_uid)
    assert isinstance(found, Scan)
    return found


def read_earlier(path: Path, like: Volume, scan: ScanIdentifiers | None = None) -> Segmentation:
    """Read an earlier segmentation, with which a report compares, on its own grid.

    Args:
        path: as for ``read``; a label map needs no table, but its segments have no names then.
        like: the scan that is open.
        scan: its identifiers; see ``export.prior.read_prior``.

    Raises:
        FileFormatError, VolumeError, ResourceError: a sentence says what is wrong with it.
    """
    with _unpacked(path) as inside:
        return of_no_class(read_prior(_inside(inside), like, scan))


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """A file or folder as it is; of a zip, for as long as it is read, a folder with its files."""
    if path.suffix.lower() != ".zip" or path.is_dir():
        yield path
        return
    with ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="vista3dsegment-")))
            with open_for_reading(path) as archive:
                unpack(archive, folder, path.name)
        except OSError as error:
            raise ResourceError(
                f"The archive {path.name} could not be unpacked ({error.strerror or error}).",
                "Check the free space of the folder for temporary files.",
            ) from error
        yield folder


def _read(path: Path, like: Volume | None, scan: ScanIdentifiers | None, series_uid: str | None) -> Scan | Segmentation:
    given, path = path, _inside(path)
    beside = _beside(path, given)
    if _holds_segments(path):
        if like is None:
            raise FileFormatError(f"{path.name} holds segments of a scan.", "Open the scan first.")
        segments = of_no_class(read_segmentation(path, like, scan))
        return replace(segments, notices=(*segments.notices, *beside))
    found = _read_scan(path, series_uid)
    if like is not None and _is_label_map(found.volume):
        if not _is_on_grid(found.volume, like):
            raise FileFormatError(OF_ANOTHER.format(path.name), OR_WITH_TABLE)
        labels = segmentation_of(found.volume.array, found.volume.ijk_to_ras, found.notices, path.name)
        named = of_no_class(placed_on(labels, like))
        return replace(named, notices=(*named.notices, UNNAMED.format(path.name)))
    series, notices = (None, ()) if suffix_of(path) in READERS else _source(path, series_uid)
    said = None if found.image is None else identifiers_in(found.image)
    known = said if series is None else series.identifiers
    return Scan(found.volume, found.volume.name, (*found.notices, *notices, *beside), series, known)


def _read_scan(path: Path, series_uid: str | None) -> ReadVolume:
    """A scan; why there is none is said without the folder in which the person's files lie meanwhile."""
    if path.suffix.lower() == SCENE:
        raise FileFormatError(f"{path.name} is a scene of 3D Slicer.", "Open it there, with this extension.")
    if path.is_dir():
        try:
            return read_volume(path, series_uid)
        except FileFormatError as error:
            files = _files_in(path)
            names = [file.name for file in files if suffix_of(file) in READERS or is_drawn(file)]
            if any(map(_is_image, files)):
                raise  # it says what is wrong with these images
            if not names:
                raise FileFormatError("None of these files is a scan, or holds segments.", KINDS) from error
            raise FileFormatError(
                "These files do not form one scan.", f"Open one at a time: {_first(names)}."
            ) from error
    if is_report(path):
        raise FileFormatError(f"{path.name} is a DICOM structured report: it holds no voxels.", REPORT)
    if suffix_of(path) not in (*READERS, *DETACHED):
        open_for_reading(path).close()
        if not is_dicom(path):
            raise FileFormatError(f"The file {path.name} is of no kind that is read.", KINDS)
    return read_volume(path, series_uid)


def _is_image(path: Path) -> bool:
    """Whether a file is an image of DICOM, no other object of it."""
    return is_dicom(path) and not is_drawn(path) and read_header(path) is not None


def _files_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _beside(path: Path, given: Path) -> tuple[str, ...]:
    """What of a folder is not opened, though it could be: a sentence, or none. Of DICOM images the reader says it."""
    if not given.is_dir():
        return ()
    files = [file for file in _files_in(given) if file != path]
    names = dict.fromkeys(file.name for file in files if suffix_of(file) in READERS or is_drawn(file))
    return (NOT_OPENED.format(_first(list(names))),) if names else ()


def _is_on_grid(volume: Volume, like: Volume) -> bool:
    same_shape = volume.array.shape == like.array.shape
    return same_shape and np.allclose(volume.ijk_to_ras, like.ijk_to_ras, atol=NEARLY_MM)


def _is_label_map(volume: Volume) -> bool:
    """Whether an image holds labels: few whole values, the same from voxel to voxel."""
    array = volume.array
    if array.min() < 0 or not 0 < array.max() <= MAX_LABEL:
        return False
    one, next_one = array[..., 1:], array[..., :-1]
    inside = (one > 0) & (next_one > 0)
    if np.count_nonzero(one[inside] == next_one[inside]) < max(1, ALIKE * np.count_nonzero(inside)):
        return False
    whole = array.astype(np.uint16)
    return bool((whole == array).all() and np.count_nonzero(np.bincount(whole.ravel())) <= MAX_LABELS)


def _holds_segments(path: Path) -> bool:
    if not path.is_file():
        return False
    if _is_slicers(path):
        return True
    if suffix_of(path) in READERS:
        return has_table(path)
    return is_drawn(path)


def _source(path: Path, series_uid: str | None) -> tuple[DicomSource | None, tuple[str, ...]]:
    """The series of a scan that was read; a scan of which no export can speak is a scan nevertheless."""
    try:
        return read_source(path, series_uid), ()
    except SegmentationError as error:
        return None, (f"DICOM objects cannot be exported for this scan: {error.what}",)


def _inside(path: Path) -> Path:
    """What a folder holds, if that is a single image, or the same segments in several kinds of files, as an export
    brings them: then the kind that says most of them. Else the folder, as where it holds images of DICOM."""
    if path.is_dir():
        files = _files_in(path)
        images = [file for file in files if suffix_of(file) in READERS]
        if any(map(_is_image, files)):
            return path
        if len(images) == 1:
            return images[0]
        if len(files) == 1:
            return files[0]
        if all(map(_holds_segments, images)):
            kinds = [(_rank(file), file) for file in files if file in images or is_drawn(file)]
            best = [file for rank, file in kinds if rank == min(kinds)[0]]
            if len(best) == 1:
                return best[0]
    return path


def _rank(path: Path) -> int:
    """Where the kind of a file that holds segments stands in ``BEST_FIRST``."""
    if _is_slicers(path):
        return BEST_FIRST.index(SLICERS)
    return BEST_FIRST.index(LABEL_MAP if suffix_of(path) in READERS else storage_class(path))


def _is_slicers(path: Path) -> bool:
    return suffix_of(path) == ".nrrd" and holds_segments(nrrd.read_header(path))


def unpack(archive: BinaryIO, folder: Path, name: str) -> None:
    """Put a zip's files into a folder, side by side; their names in the archive decide nothing about where.

    Args:
        archive: the zip.
        folder: an empty one.
        name: of the archive, for messages.

    Raises:
        FileFormatError: it is damaged or protected, or holds more than can be real. OSError: there is no room for it.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = [member for member in zipped.infolist() if not member.is_dir()]
            if len(members) > MAX_FILES or sum(member.file_size for member in members) > MAX_BYTES:
                raise FileFormatError(f"The archive {name} holds more than a scan can be.", "Unpack it first.")
            for number, member in enumerate(members):
                place = place_for(member.filename, number, folder)
                with zipped.open(member) as source, place.open("xb") as target:
                    shutil.copyfileobj(source, target)
    except (zipfile.BadZipFile, zlib.error, LZMAError, RuntimeError, NotImplementedError, EOFError) as error:
        raise FileFormatError(f"The archive {name} is damaged or protected.", COPY_AGAIN) from error


def place_for(name: str, number: int, folder: Path) -> Path:
    """Where a file that comes from elsewhere goes: under its own name, for a table has that of its label map.

    Args:
        name: as it came; it decides nothing else, least of all in which folder.
        number: of the file; it comes before a name that is taken.
        folder: into which it goes.
    """
    path = folder / safe_name(name)
    return path.with_name(f"{number:05}-{path.name}") if path.exists() else path


def safe_name(name: str) -> str:
    """A file name without folders, and without signs that mean something to a system; its suffix is kept."""
    plain = re.sub(r"[^\w.() -]", "_", name.replace("\\", "/").rpartition("/")[2]).strip(". ")
    return plain.encode()[-MAX_NAME_BYTES:].decode(errors="ignore") or "file"
