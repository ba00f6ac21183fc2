"""Exporting in a child: what it tells, what it writes, and that it never writes over an earlier export."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import box_mask
from export_world import SHAPE, scan, segment, segmentation, series_of
from VISTA3DSegmentLib.errors import Cancelled, FileFormatError, ResourceError, VolumeError
from VISTA3DSegmentLib.export.formats import Form
from VISTA3DSegmentLib.files.segmentations import Segmentation, read_segmentation
from VISTA3DSegmentLib.service.export_errand import ExportOrder, export_parcel, free_stem, measure_parcel
from VISTA3DSegmentLib.service.parcel import Label, Parcel
from VISTA3DSegmentLib.volume import Volume

Told = dict[str, list[Any]]
DRAFT = {"Segmentation.Status": "inprogress"}


def told_by(
    task: Callable[[Label, Callable[[str], None]], None],
    order: ExportOrder | None,
    segments: Segmentation,
    with_scan: bool = False,
    at: Callable[[Parcel], None] = lambda _parcel: None,
    told: Told | None = None,
    prior: Segmentation | None = None,
) -> Told:
    """What a task tells of a parcel, by key; ``at`` is called with each line."""
    told = {} if told is None else told
    parcel = Parcel(order, segments, scan() if with_scan else None, prior)
    for _ in parcel.fill():
        pass

    def say(line: str) -> None:
        for key, value in json.loads(line).items():
            told.setdefault(key, []).append(value)
        at(parcel)

    try:
        task(parcel.label, say)
    finally:
        parcel.release()
    return told


def draft() -> Segmentation:
    one = segment(box_mask(SHAPE, (1, 2, 3), (5, 7, 9)))
    return segmentation(type(one)(one.name, one.mask, one.color, one.class_id, "", {**one.tags, **DRAFT}))


def test_files_are_written_and_named_and_read_back(tmp_path: Path) -> None:
    sent = segmentation()
    told = told_by(export_parcel, ExportOrder((Form.SEG_NRRD, Form.STL), tmp_path), sent)
    assert told["found"] == [[]]
    assert told["written"] == [["segmentation.seg.nrrd", "segmentation_stl"]]
    assert told["progress"][-1] == [1000, 1000]
    back = read_segmentation(tmp_path / "segmentation.seg.nrrd")
    for one, other in zip(back.segments, sent.segments, strict=True):
        assert (one.mask.full(SHAPE) == other.mask.full(SHAPE)).all()


def test_dicom_objects_refer_to_the_files_of_the_order(tmp_path: Path) -> None:
    source = series_of(tmp_path / "series")
    images = tuple(sorted((tmp_path / "series").iterdir()))
    told = told_by(export_parcel, ExportOrder((Form.DICOM_SEG,), tmp_path, images), segmentation())
    assert told["written"] == [["segmentation_seg.dcm"]]
    import pydicom

    written = pydicom.dcmread(tmp_path / "segmentation_seg.dcm")
    assert written.StudyInstanceUID == source.study_uid


def test_a_series_with_a_missing_slice_is_refused(tmp_path: Path) -> None:
    series_of(tmp_path / "series")
    first, _second, *others = sorted((tmp_path / "series").iterdir())
    with pytest.raises(VolumeError, match="Nothing can be exported for this series"):
        told_by(export_parcel, ExportOrder((Form.DICOM_SEG,), tmp_path, (first, *others)), segmentation())


def test_what_is_refused_or_not_agreed_to_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    refused = told_by(export_parcel, ExportOrder((Form.NIFTI,), tmp_path), segmentation())
    assert refused["found"][0][0][0] == "refused"
    assert "overlap" in refused["found"][0][0][1]
    asked = told_by(export_parcel, ExportOrder((Form.SEG_NRRD,), tmp_path), draft())
    ((consequence, sentence),) = asked["found"][0]
    assert consequence == "asked"
    other = told_by(export_parcel, ExportOrder((Form.SEG_NRRD,), tmp_path, agreed=("to something else",)), draft())
    assert refused["stopped"] == asked["stopped"] == other["stopped"] == [True]
    assert list(tmp_path.iterdir()) == []
    agreed = told_by(export_parcel, ExportOrder((Form.SEG_NRRD,), tmp_path, agreed=(sentence,)), draft())
    assert "stopped" not in agreed
    assert agreed["notices"] == [[]]  # it was told already
    assert (tmp_path / "segmentation.seg.nrrd").exists()


def test_an_earlier_export_stays_as_it_is(tmp_path: Path) -> None:
    assert free_stem(tmp_path) == "segmentation"
    (tmp_path / "segmentations of others").mkdir()
    assert free_stem(tmp_path) == "segmentation"
    (tmp_path / "segmentation_seg.dcm").write_bytes(b"of another patient")
    told = told_by(export_parcel, ExportOrder((Form.SEG_NRRD,), tmp_path), segmentation())
    assert told["written"] == [["segmentation_2.seg.nrrd"]]
    assert (tmp_path / "segmentation_seg.dcm").read_bytes() == b"of another patient"


def test_cancelled_it_tells_what_was_finished_and_leaves_nothing_else(tmp_path: Path) -> None:
    told: Told = {}

    def cancel(parcel: Parcel) -> None:
        if told.get("progress", [[0]])[-1][0] >= 500:  # the first kind is there
            parcel.cancel()

    with pytest.raises(Cancelled):
        told_by(export_parcel, ExportOrder((Form.STL, Form.PLY), tmp_path), segmentation(), at=cancel, told=told)
    assert told["written"] == [["segmentation_stl"]]
    assert [path.name for path in tmp_path.iterdir()] == ["segmentation_stl"]


def test_a_segmentation_for_slicer_tells_how_far_it_is_and_stops_on_the_way(tmp_path: Path) -> None:
    told: Told = {}
    order = ExportOrder((Form.SEG_NRRD,), tmp_path)

    def cancel(parcel: Parcel) -> None:
        if "progress" in told:
            parcel.cancel()

    with pytest.raises(Cancelled):
        told_by(export_parcel, order, segmentation(), at=cancel, told=told)
    assert len(told["progress"]) == 1, "stopped after the first plane"
    assert list(tmp_path.iterdir()) == []
    assert len(told_by(export_parcel, order, segmentation())["progress"]) == SHAPE[0]


def test_cancelled_before_it_writes_it_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        told_by(export_parcel, ExportOrder((Form.SEG_NRRD,), tmp_path), segmentation(), at=Parcel.cancel)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="is not there"):
        told_by(export_parcel, ExportOrder((Form.SEG_NRRD,), tmp_path / "nowhere"), segmentation())


def test_segments_are_measured_without_those_that_are_empty() -> None:
    empty = segment(box_mask(SHAPE, (0, 0, 0), (0, 0, 0)), "empty")
    told = told_by(measure_parcel, None, segmentation(*segmentation().segments, empty), with_scan=True)
    ((heading, *rows),) = told["rows"]
    names = [row[heading.index("name")] for row in rows if row[heading.index("kind")] == "segment"]
    assert names == ["liver", "left cyst"]
    assert rows[0][heading.index("voxels")] == "120"
    with pytest.raises(FileFormatError, match="no segment with a voxel"):
        told_by(measure_parcel, None, segmentation(empty), with_scan=True)


def test_the_report_compares_with_an_earlier_segmentation(tmp_path: Path) -> None:
    order = ExportOrder((Form.REPORT,), tmp_path)
    first = told_by(export_parcel, order, segmentation(), with_scan=True, prior=earlier())
    ((consequence, sentence),) = first["found"][0]
    assert consequence == "asked"
    assert "shares no space" in sentence
    assert first["stopped"] == [True]
    order = replace(order, agreed=(sentence,))
    told = told_by(export_parcel, order, segmentation(), with_scan=True, prior=earlier())
    report = json.loads((tmp_path / "segmentation_report.json").read_text())
    change = report["segments"][0]["volume_change"]
    assert change["before_ml"] == pytest.approx(8 * 0.012)
    assert change["now_ml"] == pytest.approx(report["segments"][0]["measures"]["volume_ml"])
    assert report["changes"]["gone"] == [{"name": "spleen", "volume_ml": pytest.approx(0.012)}]
    assert report["notices"] == ["".join(sentence.partition("name.")[:2])]
    assert told["notices"] == [[]], "they were told before"
    told_by(export_parcel, order, segmentation(), with_scan=True)
    assert json.loads((tmp_path / "segmentation_2_report.json").read_text())["changes"] is None


def test_measuring_compares_with_an_earlier_segmentation_and_tells_how() -> None:
    told = told_by(measure_parcel, None, segmentation(), with_scan=True, prior=earlier())
    ((heading, liver, *_),) = told["rows"]
    assert float(liver[heading.index("volume_before_ml")]) == pytest.approx(0.096)
    now = float(liver[heading.index("volume_ml")])
    assert float(liver[heading.index("volume_change_percent")]) == pytest.approx(100 * (now / 0.096 - 1), rel=1e-4)
    ((notice,),) = told["notices"]
    assert "shares no space" in notice
    alone = told_by(measure_parcel, None, segmentation(), with_scan=True)
    assert alone["rows"][0][1][heading.index("volume_before_ml")] == ""
    assert alone["notices"] == [[]]


def earlier() -> Segmentation:
    """A liver of eight and a spleen of one of its own voxels of 2 x 2 x 3 mm, far away."""
    grid = Volume(np.zeros((4, 4, 4), np.uint8), np.diag((2.0, 2.0, 3.0, 1.0)))
    liver, spleen = box_mask((4, 4, 4), (0, 0, 0), (2, 2, 2)), box_mask((4, 4, 4), (3, 3, 3), (4, 4, 4))
    return segmentation(segment(liver, "Liver"), segment(spleen, "spleen", 3), volume=grid)


def test_who_starts_it_imports_nothing_that_writes_dicom() -> None:
    code = (
        "import sys; import VISTA3DSegmentLib.service.export_errand, VISTA3DSegmentLib.service.parcel; "
        "print(sorted({'pydicom', 'highdicom', 'SimpleITK', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
