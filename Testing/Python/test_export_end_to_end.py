"""Real DICOM series from the first click to every kind of file and back: open, correct by clicks, export, read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from export_world import errors_of
from fake_engine import FakeEngine
from session_world import RED, client_on
from shared_data import shared
from VISTA3DSegmentLib.app.opening import Scan, read
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.export.exporting import Wish, export
from VISTA3DSegmentLib.export.formats import Form
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, read_segmentation
from VISTA3DSegmentLib.prompts import Structure
from VISTA3DSegmentLib.provenance import provenance_tag
from VISTA3DSegmentLib.session.session import Session

SERIES = ("ct_dicom/series", "crlm_ct_1004/series", "sarcoma/STS_001/CT/dicom/image")
READ_BACK = {
    Form.DICOM_SEG: "a_seg.dcm", Form.DICOM_LABELMAP: "a_labelmap.dcm", Form.RTSTRUCT: "a_rtstruct.dcm",
    Form.NIFTI: "a.nii.gz", Form.NRRD: "a.nrrd", Form.SEG_NRRD: "a.seg.nrrd",
}  # fmt: skip


def corrected(scan: Scan) -> Segmentation:
    """Soft tissue in the middle of a scan, grown by one click and shrunk by another; a second structure by a click."""
    volume = scan.volume
    middle = tuple(slice(n // 3, n // 2) for n in volume.shape_kji)
    mask = np.zeros(volume.shape_kji, np.bool_)
    mask[middle] = (volume.array[middle] > 20) & (volume.array[middle] < 120)
    session = Session(volume, client_on(volume, FakeEngine()))
    organ = session.add(Structure("liver", 1), RED, MaskCrop.of(mask))
    k, j, i = (n // 2 for n in volume.shape_kji)
    session.click(organ, tuple(volume.ras_of((i + 40, j, k))))
    session.click(organ, tuple(volume.ras_of((i - 20, j - 20, k - 1))), positive=False)
    lesion = session.add(Structure("lesion"), RED)
    session.click(lesion, tuple(volume.ras_of((i, j + 40, k))))
    for _ in range(20):
        session.pump()
    assert not session.busy
    segments = tuple(
        Segment(value.structure.name, value.mask.tightened(), (200, 90, 40), value.structure.class_id, "",
                provenance_tag(value.provenance))
        for value in session.annotation.objects.values()
    )  # fmt: skip
    assert all(segment.mask.mask.sum() > 10 for segment in segments)
    return Segmentation(volume.shape_kji, volume.ijk_to_ras, segments)


@pytest.mark.parametrize("series", SERIES)
def test_a_real_series_is_opened_corrected_exported_as_everything_and_read_back(series: str, tmp_path: Path) -> None:
    scan = read(shared(f"data/{series}"), None)
    assert isinstance(scan, Scan)
    assert scan.source is not None
    made = corrected(scan)
    exported = export(Wish(made, tuple(Form), "a", scan.source, scan.volume), tmp_path)
    assert {path.name for path in exported.paths} == {path.name for path in tmp_path.iterdir()} - {"a.csv", "a.label"}
    for form, name in READ_BACK.items():
        found = {one.name: one for one in read_segmentation(tmp_path / name, scan.volume).segments}
        assert set(found) == {"liver", "lesion"}, form
        for segment in made.segments:
            shape = scan.volume.shape_kji
            assert (found[segment.name].mask.full(shape) == segment.mask.full(shape)).all(), (form, segment.name)
    for form in (Form.DICOM_SEG, Form.RTSTRUCT, Form.DICOM_SR):
        assert errors_of(next(tmp_path.glob(f"a_{form.value.removeprefix('dicom-')}.dcm"))) == [], form
    assert len(list((tmp_path / "a_stl").iterdir())) == 2
    assert "liver" in (tmp_path / "a_report.html").read_text(encoding="utf-8")
