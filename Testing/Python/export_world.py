"""What tests of exporting need: a small DICOM series, segments on it, and how other programs read what was written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from builders import box_mask, oblique_geometry, ras_geometry
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.export.ct_series import write_ct_series
from VISTA3DSegmentLib.export.source import DicomSource, matched
from VISTA3DSegmentLib.files.segments import Segment, Segmentation
from VISTA3DSegmentLib.provenance import TAG, Algorithm, Provenance
from VISTA3DSegmentLib.volume import FloatArray, Volume

SHAPE = (7, 9, 11)
"""Odd numbers of rows and columns: frames do not end where bytes do."""

CLICKED = Provenance(
    Algorithm.SEMIAUTOMATIC, "vista3d", "starter", "0.1", "ab" * 32, "VISTA3DSegment 0.1.0", positive=3, negative=1
)
DRAWN = Provenance(Algorithm.MANUAL, edits=2)
LIVER, LEFT_KIDNEY_CYST, RIGHT_KIDNEY_CYST = 1, 116, 117


def scan(shape_kji: tuple[int, int, int] = SHAPE, ijk_to_ras: FloatArray | None = None) -> Volume:
    """A small CT, oblique and of three spacings, in which every voxel is different."""
    array = np.arange(np.prod(shape_kji), dtype=np.int32).reshape(shape_kji) - 1000
    return Volume(array, oblique_geometry() if ijk_to_ras is None else ijk_to_ras)


def series_of(folder: Path, volume: Volume | None = None) -> DicomSource:
    """A volume as a DICOM series."""
    return write_ct_series(folder, scan() if volume is None else volume, "ANON-1")


def segment(
    mask: MaskCrop, name: str = "liver", class_id: int | None = LIVER, provenance: Provenance | None = CLICKED
) -> Segment:
    """A red segment."""
    tags = {} if provenance is None else {TAG: provenance.to_tag()}
    return Segment(name, mask, (221, 130, 101), class_id, tags=tags)


def segmentation(*segments: Segment, volume: Volume | None = None) -> Segmentation:
    """Segments on the scan; without any: an organ and a lesion in it."""
    volume = scan() if volume is None else volume
    shape = volume.shape_kji
    boxes = (
        segment(box_mask(shape, (1, 2, 3), (5, 7, 9))),
        segment(box_mask(shape, (3, 3, 4), (4, 5, 6)), "left cyst", LEFT_KIDNEY_CYST),
    )
    return Segmentation(shape, volume.ijk_to_ras, segments or boxes)


def voxels(found: Segmentation, source: DicomSource) -> list[npt.NDArray[np.bool_]]:
    """The masks, (k, j, i) on the lattice of the source."""
    return [one.mask.full(source.shape_kji) for one in matched(found, source).segments]


def errors_of(path: Path) -> list[str]:
    """The errors that dciodvfy finds in a DICOM file; the test is skipped, saying so, where the program is absent."""
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("needs the program dciodvfy of dicom3tools")
    done = subprocess.run([program, "-new", str(path)], capture_output=True, text=True, check=False)
    assert done.stderr, "it says at least of what kind the file is"
    return [line for line in done.stderr.splitlines() if line.startswith("Error")]


@dataclass(frozen=True)
class OtherReading:
    """A DICOM segmentation as dcmqi reads it.

    Args:
        masks: on the lattice of the source (k, j, i), by segment number.
        items: what it says of the segments, by number.
    """

    masks: dict[int, npt.NDArray[np.bool_]]
    items: dict[int, dict[str, Any]]


def read_by_dcmqi(path: Path, source: DicomSource, folder: Path) -> OtherReading:
    """Read a DICOM segmentation by dcmqi, and put its voxels onto the source by where they lie in space."""
    folder.mkdir()
    program = Path(sys.executable).with_name("segimage2itkimage")
    command = [program, "--inputDICOM", path, "--outputDirectory", folder, "--outputType", "nrrd", "--prefix", "s"]
    subprocess.run([str(word) for word in command], capture_output=True, check=True)
    described = json.loads((folder / "s-meta.json").read_text(encoding="utf-8"))["segmentAttributes"]
    items = {item["labelID"]: item for group in described for item in group}
    masks: dict[int, npt.NDArray[np.bool_]] = {}
    for file in sorted(folder.glob("*.nrrd")):
        image = sitk.ReadImage(str(file))
        labels = sitk.GetArrayFromImage(image)
        to_source = np.linalg.inv(source.ijk_to_ras) @ ras_geometry(image)
        for number in np.unique(labels[labels > 0]):
            places = np.argwhere(labels == number)[:, ::-1] @ to_source[:3, :3].T + to_source[:3, 3]
            whole = np.rint(places).astype(int)
            assert np.abs(places - whole).max() < 0.01, "voxels lie on those of the source"
            mask = masks.setdefault(int(number), np.zeros(source.shape_kji, np.bool_))
            mask[tuple(whole[:, ::-1].T)] = True
    return OtherReading(masks, items)
