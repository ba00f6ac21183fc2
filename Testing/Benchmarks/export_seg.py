"""A CT of 512 x 512 x 400 with 117 segments to a DICOM segmentation: seconds and peak memory of a process of its own.

From segments in memory to the file that was written, read back and compared. ``--quick``: 256 x 256 x 100.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import CTImageStorage
from report import Report, measure
from VISTA3DSegmentLib.anatomy import all_classes
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.export.dicom_seg import write_dicom_seg
from VISTA3DSegmentLib.export.identifiers import uid_for
from VISTA3DSegmentLib.export.source import DicomSource
from VISTA3DSegmentLib.files.segments import Segment, Segmentation

SEGMENTS = 117
FULL, QUICK = (400, 512, 512), (100, 256, 256)
RADII = (0.05, 0.2)
"""Half axes of the smallest and the largest body, as parts of the scan: 100 slices each on average, as organs have."""
SECONDS, GIB = 60.0, 3.0


def series(shape_kji: tuple[int, int, int]) -> DicomSource:
    """Headers of a CT of 0.8 x 0.8 x 1.5 mm."""
    return DicomSource(tuple(header(k, shape_kji) for k in range(shape_kji[0])))


def header(k: int, shape_kji: tuple[int, int, int]) -> pydicom.Dataset:
    """Of slice k."""
    one = pydicom.Dataset()
    one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, uid_for("benchmark", str(k))
    one.StudyInstanceUID, one.SeriesInstanceUID = uid_for("study"), uid_for("series")
    one.FrameOfReferenceUID = uid_for("frame of reference")
    one.Modality, one.PatientID = "CT", "ANON-1"
    _, one.Rows, one.Columns = shape_kji
    one.PixelSpacing, one.SliceThickness = [0.8, 0.8], 1.5
    one.ImageOrientationPatient, one.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-200, -200, 1.5 * k]
    return one


def bodies(source: DicomSource) -> Segmentation:
    """Ellipsoids of the sizes of organs; many overlap."""
    drawn, shape = np.random.default_rng(0), np.array(source.shape_kji)
    rows = [row for row in all_classes() if row.type is not None][:SEGMENTS]
    segments = []
    for row in rows:
        radii = np.maximum(shape * drawn.uniform(*RADII, size=3), 1).astype(int)
        start = [int(drawn.integers(0, n - 2 * r)) for n, r in zip(shape, radii, strict=True)]
        k, j, i = np.ogrid[tuple(slice(-r, r) for r in radii)]
        mask = (k / radii[0]) ** 2 + (j / radii[1]) ** 2 + (i / radii[2]) ** 2 <= 1
        segments.append(Segment(row.name, MaskCrop((start[0], start[1], start[2]), mask), row.color, row.id))
    return Segmentation(source.shape_kji, source.ijk_to_ras, tuple(segments))


def one_side(shape_kji: tuple[int, int, int], labelmap: bool) -> dict[str, float]:
    """Seconds, peak memory, size of the file, and how often progress was told."""
    source = series(shape_kji)
    segmentation = apart(bodies(source)) if labelmap else bodies(source)
    with tempfile.TemporaryDirectory() as folder:
        path, told = Path(folder) / "seg.dcm", []
        started = time.perf_counter()
        write_dicom_seg(path, segmentation, source, labelmap=labelmap, progress=told.append)
        seconds = time.perf_counter() - started
        size = path.stat().st_size / 2**30
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
    return {"seconds": seconds, "gib": peak, "file_gib": size, "steps": len(told)}


def apart(segmentation: Segmentation) -> Segmentation:
    """The same without overlaps: the first segment keeps a voxel."""
    taken = np.zeros(segmentation.shape_kji, np.bool_)
    segments = []
    for one in segmentation.segments:
        inside = taken[one.mask.slices]
        kept = one.mask.mask & ~inside
        inside |= kept
        segments.append(Segment(one.name, MaskCrop(one.mask.start, kept), one.color, one.class_id))
    return Segmentation(segmentation.shape_kji, segmentation.ijk_to_ras, tuple(segments))


def main() -> int:
    """Both kinds, each in its own process; or one of them, in this one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small scan")
    parser.add_argument("--only", choices=("binary", "labelmap"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    shape = QUICK if arguments.quick else FULL
    if arguments.only:
        print(json.dumps(one_side(shape, arguments.only == "labelmap")))
        return 0
    size = " x ".join(str(n) for n in reversed(shape))
    report = Report(
        "export_seg", f"DICOM SEG, {size}, {SEGMENTS} segments", ["kind", "seconds", "peak GiB", "file GiB"]
    )
    for kind in ("binary", "labelmap"):
        found = measure(__file__, "--only", kind, *(["--quick"] if arguments.quick else []))
        report.row(kind, found["seconds"], found["gib"], found["file_gib"])
        report.figures[kind] = found
        report.bar(f"seconds, {kind}", found["seconds"], SECONDS, at_least=False)
        report.bar(f"peak GiB, {kind}", found["gib"], GIB, at_least=False)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
