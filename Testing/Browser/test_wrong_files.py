"""Wrong files: one line that a person understands, and the page lives on."""

from __future__ import annotations

import base64
import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from browser import Person, Server
from VISTA3DSegmentLib.resources import resource


def a_scan(path: Path, array: np.ndarray, spacing: tuple[float, ...] = (1.0, 1.0, 1.0), vector: bool = False) -> Path:
    image = sitk.GetImageFromArray(array, isVector=vector)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))
    return path


def text(folder: Path) -> Path:
    (folder / "scan.nii.gz").write_text("This is no image.")
    return folder / "scan.nii.gz"


def four_dimensions(folder: Path) -> Path:
    return a_scan(folder / "heart.nii.gz", np.zeros((2, 6, 6, 6), np.int16), (1.0, 1.0, 1.0, 1.0))


def colours(folder: Path) -> Path:
    return a_scan(folder / "colours.nrrd", np.zeros((6, 6, 6, 3), np.uint8), vector=True)


def truncated(folder: Path) -> Path:
    path = a_scan(folder / "cut.nii.gz", np.random.default_rng(1).integers(-1000, 1000, (20, 20, 20)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:5000])
    return path


def no_spacing(folder: Path) -> Path:
    whole = bytearray(gzip.decompress(a_scan(folder / "nan.nii.gz", np.zeros((6, 6, 6), np.int16)).read_bytes()))
    whole[80:84] = np.float32(np.nan).tobytes()  # pixdim[1]
    whole[280:284] = np.float32(np.nan).tobytes()  # srow_x[0]
    (folder / "nan.nii.gz").write_bytes(gzip.compress(bytes(whole)))
    return folder / "nan.nii.gz"


def no_slice(folder: Path) -> Path:
    (folder / "study").mkdir()
    (folder / "study" / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 40)
    return folder / "study"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (text, "scan.nii.gz"),
        (four_dimensions, "dimensions"),
        (colours, "colours.nrrd"),
        (truncated, "truncated"),
        (no_spacing, "nan.nii.gz"),
        (no_slice, "DICOM"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_wrong_file_is_one_readable_line_and_the_page_lives(
    person: Person, tmp_path: Path, make: Callable[[Path], Path], said: str
) -> None:
    person.open(make(tmp_path))
    failure = person.page.locator("[data-line=message].failed", has_text=said)
    failure.wait_for()
    message = failure.inner_text()
    assert "Traceback" not in message
    assert len(message) < 300
    assert "\n" not in message
    assert str(person.page.locator("[data-scan=name]").inner_text()) == "Sample CT (synthetic)"
    if make is truncated:
        person.shoot("8-wrong-file")
    person.press("Keys and mouse")
    person.page.get_by_text("next lesion", exact=True).wait_for()
    person.page.keyboard.press("Escape")
    person.page.get_by_text("next lesion", exact=True).wait_for(state="hidden")


def test_a_scan_dropped_onto_the_page_is_opened(person: Person) -> None:
    content = resource("Samples/sample_ct.nrrd").read_bytes()
    person.page.evaluate(
        """([name, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
            document.querySelector(".grid").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
        }""",
        ["mine.nrrd", base64.b64encode(content).decode()],
    )
    person.wait_for_scan("mine")


def test_a_zip_of_a_scan_is_opened(person: Person, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as zipped:
        zipped.write(resource("Samples/sample_ct.nrrd"), "../../outside.nrrd")
    person.open(tmp_path / "study.zip")
    person.wait_for_scan("study")
    assert not (tmp_path / "outside.nrrd").exists()


def test_the_page_listens_while_a_scan_is_read(person: Person, tmp_path: Path) -> None:
    large = a_scan(tmp_path / "large.nii.gz", np.full((800, 400, 400), -1000, np.int16))
    person.open(large)
    person.wait_for_message("Reading the scan")
    person.page.keyboard.press("n")
    name_then = person.page.wait_for_function(
        "() => document.querySelector('.segment') && document.querySelector('[data-scan=name]').innerText"
    )
    assert name_then.json_value() == "study"
    person.wait_for_scan("large")
    assert person.names() == []


def test_an_upload_whose_page_was_loaded_again_is_given_up(person: Person) -> None:
    person.page.route("**/upload/*", lambda _: None)  # never answered
    person.open(resource("Samples/sample_ct.nrrd"))
    person.wait_for_message("Receiving 1 file")
    person.page.reload()
    person.page.unroute("**/upload/*")  # earlier it would let the file through
    person.wait_for_message("Not all files arrived")
    person.wait_until_still()


def test_nothing_that_was_sent_stays_behind(person: Person, server: Server) -> None:
    person.wait_until(lambda: not server.left_behind())
