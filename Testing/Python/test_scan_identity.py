"""DICOM objects that were drawn on another scan are refused wherever they are read, although their places fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from cli_world import write_base, write_scan
from fake_engine import FakeEngine
from VISTA3DSegmentLib.app.opening import Scan, read, read_earlier
from VISTA3DSegmentLib.cli import FAILED, main
from VISTA3DSegmentLib.cli.collaborators import Collaborators
from VISTA3DSegmentLib.errors import VolumeError
from VISTA3DSegmentLib.export.ct_series import write_ct_series
from VISTA3DSegmentLib.export.dicom_seg import write_dicom_seg
from VISTA3DSegmentLib.export.prior import OTHER_PATIENT, read_prior
from VISTA3DSegmentLib.export.rtstruct import write_rtstruct
from VISTA3DSegmentLib.files.scan_identity import identifiers_in
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.service.reading_errand import ReadingOrder, read_onto

REFUSED = "was drawn in another frame of reference than that of the scan, so nobody knows where it lies in the scan."
KINDS = {"seg.dcm": "The segmentation seg.dcm", "rs.dcm": "The structure set rs.dcm"}
OWN, OTHER, PLAIN = "own", "other", "plain.seg.nrrd"
COMMANDS = {
    "refine --base": "refine CT --base SEG --segment liver --positive 14,10,10 --no-picture -o out.seg.nrrd",
    "evaluate": "evaluate CT SEG --clicks 1 --no-picture -o out.csv",
    "export --source": "export SEG --to stl --source CT -o . --name out",
    "export --scan": "export SEG --to stl --scan CT -o . --name out",
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scans of two patients that lie in one place, and what was drawn on that of the first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISTA3DSEGMENT_HOME", str(tmp_path / "home"))
    write_scan(Path())
    volume, drawn = read_volume(Path("scan.nrrd")).volume, write_base(Path(PLAIN), Path("scan.nrrd"))
    source = write_ct_series(Path(OWN), volume, "ANON-1")
    other = write_ct_series(Path(OTHER), replace(volume, array=volume.array[::-1].copy()), "ANON-2")
    assert (other.ijk_to_ras == source.ijk_to_ras).all()
    assert other.frame_of_reference_uid != source.frame_of_reference_uid
    write_dicom_seg(Path("seg.dcm"), drawn, source)
    write_rtstruct(Path("rs.dcm"), drawn, source)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("name", KINDS)
def test_commands_refuse_it_and_write_nothing(name: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    def run(scan: str, file: str) -> int:
        words = [{"CT": scan, "SEG": file}.get(word, word) for word in command.split()]
        return main(words, Collaborators(open_engine=lambda *_, **__: FakeEngine()))

    assert run(OTHER, name) == FAILED
    assert f"{KINDS[name]} {REFUSED}" in capsys.readouterr().err
    assert not list(Path().glob("out*"))
    assert run(OWN, name) == 0, "its own scan"
    assert run(OTHER, PLAIN) == 0, "what does not say which scan it was drawn on"


@pytest.mark.parametrize("name", KINDS)
def test_the_page_refuses_it(name: str) -> None:
    own, other = read(Path(OWN), None), read(Path(OTHER), None)
    assert isinstance(own, Scan)
    assert isinstance(other, Scan)
    with pytest.raises(VolumeError, match=REFUSED):
        read(Path(name), other.volume, other.identifiers)
    found = read(Path(name), own.volume, own.identifiers)
    assert not isinstance(found, Scan)
    assert len(found.drawn) == 2


@pytest.mark.parametrize("name", KINDS)
def test_the_page_refuses_it_also_for_a_scan_for_which_nothing_can_be_exported(name: str) -> None:
    for folder in (OWN, OTHER):
        for path in Path(folder).iterdir():
            dataset = pydicom.dcmread(path)
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
            dataset.save_as(path)
    own, other = read(Path(OWN), None), read(Path(OTHER), None)
    assert isinstance(own, Scan)
    assert isinstance(other, Scan)
    assert own.source is other.source is None
    with pytest.raises(VolumeError, match=REFUSED):
        read(Path(name), other.volume, other.identifiers)
    assert not isinstance(read(Path(name), own.volume, own.identifiers), Scan)


@pytest.mark.parametrize("name", KINDS)
def test_the_modules_errand_refuses_it(name: str) -> None:
    volume = read_volume(Path(OWN)).volume
    order = ReadingOrder(Path(name), volume.shape_kji, volume.ijk_to_ras, next(Path(OTHER).iterdir()))
    with pytest.raises(VolumeError, match=REFUSED):
        read_onto(order, lambda line: None)
    told: list[str] = []
    read_onto(replace(order, image=next(Path(OWN).iterdir())), told.append)
    assert len(told) == 3, "two segments and the notices"


@pytest.mark.parametrize("name", KINDS)
def test_an_earlier_segmentation_is_of_another_study_and_welcome(name: str) -> None:
    volume = read_volume(Path(OTHER)).volume
    assert len(read_earlier(Path(name), volume).drawn) == 2


@pytest.mark.parametrize("option", ["--source", "--scan"])
@pytest.mark.parametrize("name", KINDS)
def test_an_earlier_segmentation_of_another_patient_is_asked_about(
    name: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def compared(scan: str, *words: str) -> int:
        return main(["export", PLAIN, "--to", "report", option, scan, "--prior", name, "--name", "out", *words])

    assert compared(OTHER) == FAILED
    said = " ".join(capsys.readouterr().err.split())
    assert f"Of the earlier segmentation: {OTHER_PATIENT} Choose one of this patient." in said
    assert "ANON" not in said, "whose patients they are is nobody's business"
    assert not list(Path().glob("out*"))
    assert compared(OTHER, "--agree") == 0
    assert capsys.readouterr().err.count(OTHER_PATIENT) <= 1
    assert OTHER_PATIENT in Path("out_report.html").read_text(encoding="utf-8")
    assert compared(OWN) == 0, "the same patient"
    assert OTHER_PATIENT not in Path("out_report.html").read_text(encoding="utf-8")


def test_an_earlier_segmentation_that_does_not_say_its_patient_is_compared() -> None:
    dataset = pydicom.dcmread("seg.dcm")
    dataset.PatientID = ""
    dataset.save_as("nobody.dcm")
    volume = read_volume(Path(OTHER)).volume
    scan = identifiers_in(next(Path(OTHER).iterdir()))
    assert OTHER_PATIENT in read_prior(Path("seg.dcm"), volume, scan).notices
    for path, known in ((Path("nobody.dcm"), scan), (Path("seg.dcm"), None), (Path(PLAIN), scan)):
        assert OTHER_PATIENT not in read_prior(path, volume, known).notices
