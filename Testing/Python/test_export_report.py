"""The report: what its page, table and JSON say, and what they never say."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from measured_shapes import boxes, of_zeros, upright
from VISTA3DSegmentLib.edits import NOTHING
from VISTA3DSegmentLib.errors import Cancelled, ResourceError, VolumeError
from VISTA3DSegmentLib.export.lesion_views import SIDE_PX, SMALLEST_VIEW_MM, lesion_view
from VISTA3DSegmentLib.export.report import make_report, write_csv, write_html, write_json
from VISTA3DSegmentLib.export.report_page import figure
from VISTA3DSegmentLib.files.segments import Segment, Segmentation
from VISTA3DSegmentLib.provenance import TAG, Algorithm, Provenance
from VISTA3DSegmentLib.volume import Volume

LIVER = 1
HASH = "0123456789abcdef" * 4
MADE = Provenance(
    Algorithm.SEMIAUTOMATIC, "vista3d", "full", "2.1", HASH, "vista3dsegment", text="the liver", positive=3, negative=1,
    seconds=95, changed="2026-05-04T10:11:12+00:00",
)  # fmt: skip
TAGS = {TAG: MADE.to_tag(), "Segmentation.Status": "inprogress"}


@pytest.fixture(scope="module")
def volume() -> Volume:
    array = np.full((12, 30, 40), -1000, np.int16)
    array[:, 5:25, 5:35] = 60
    return Volume(array, upright((1.0, 1.0, 2.0)), "scan 7")


@pytest.fixture(scope="module")
def segmentation(volume: Volume) -> Segmentation:
    liver = boxes(volume, {"liver": ((0, 6, 6), (10, 20, 30))}, class_id=LIVER, tags=TAGS).segments[0]
    lesions = boxes(volume, {"=mass <b>&": ((3, 9, 9), (6, 13, 14))}).segments
    empty = Segment("nothing", NOTHING, (9, 9, 9))
    return Segmentation(volume.shape_kji, volume.ijk_to_ras, (liver, *lesions, empty))


@pytest.fixture(scope="module")
def report(volume: Volume, segmentation: Segmentation):
    earlier = boxes(volume, {"liver": ((0, 6, 6), (8, 20, 30)), "gone": ((9, 25, 30), (11, 28, 33))}, class_id=LIVER)
    return make_report(volume, segmentation, earlier)


@pytest.fixture(scope="module")
def page(report, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_html(path, report)
    return path.read_text(encoding="utf-8")


class Parsed(HTMLParser):
    """Tags that are open, addresses, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for key, value in attrs if key in ("src", "href", "action", "data")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_report_measures_each_segment_and_says_how_it_was_made(report):
    liver, mass, nothing = report.segments
    assert liver.measures.volume_ml == pytest.approx(10 * 14 * 24 * 2 / 1000)
    assert (liver.provenance, liver.status) == (MADE, "draft")
    assert liver.remarks == ("cut at inferior edge", "draft")
    assert mass.measures.grey.mean == 60
    assert nothing.remarks == ("empty",)
    assert report.unit == "HU"
    assert report.models == (("vista3d", "full", "2.1", HASH),)


def test_report_finds_lesions_and_compares_with_the_earlier_segmentation(report):
    (lesion,) = report.lesions.found
    assert (lesion.segment, lesion.organ) == ("=mass <b>&", "liver")
    assert report.segments[0].change.percent == pytest.approx(25)
    assert report.changes.gone == (("gone", pytest.approx(0.036)),)


def test_images_without_air_have_no_hounsfield_units(volume, segmentation):
    bright = replace(volume, array=volume.array - volume.array.min())
    assert make_report(bright, segmentation, pictures=False).unit == ""


def test_page_is_whole_and_asks_for_nothing_from_elsewhere(page):
    parsed = Parsed(page)
    assert parsed.open == []
    assert len(parsed.addresses) == 4
    assert all(address.startswith("data:image/jpeg;base64,/9j/") for address in parsed.addresses)
    assert "http" not in page
    assert "url(" not in page
    assert "<script" not in page


def test_page_says_what_it_is_by_whom_and_from_what(page):
    words = " ".join(Parsed(page).words)
    for said in ("Not a medical device", "scan 7", "vista3d full 2.1", HASH, "3 positive clicks, 1 negative click",
                 "“the liver”", "1 min 35 s", "2026-05-04 10:11", "cut at inferior edge", "+25.0", "6.72"):  # fmt: skip
        assert said in words, said


def test_what_a_person_named_is_text_and_no_markup(page):
    assert "=mass &lt;b&gt;&amp;" in page
    assert "<b>" not in page


def test_page_prints_on_a4_without_cut_rows_and_pictures(page):
    style = re.search(r"<style>(.*?)</style>", page, re.S)[1]
    assert "@page { size: A4" in style
    assert re.search(r"@media print", style)
    assert re.search(r"\ntr \{ break-inside: avoid", style)
    assert re.search(r"\.card \{ break-inside: avoid", style)


def test_calipers_lie_on_the_lesion(volume, report):
    diameters = report.lesions.found[0].measures.diameters
    view = lesion_view(volume, NOTHING, diameters, (40.0, 400.0))
    yellow = np.argwhere((view[..., 0] > 200) & (view[..., 2] < 120))
    pixel_mm = SMALLEST_VIEW_MM / SIDE_PX
    assert np.linalg.norm(np.ptp(yellow, axis=0)) * pixel_mm == pytest.approx(diameters.longest.length_mm, abs=2.5)
    assert yellow.mean(axis=0) == pytest.approx((SIDE_PX / 2, SIDE_PX / 2), abs=2)


def test_the_scan_behind_calipers_is_upright(volume, report):
    marked = volume.array.copy()
    marked[:, :, 14:17] = 3000  # to the left of the lesion
    diameters = report.lesions.found[0].measures.diameters
    view = lesion_view(replace(volume, array=marked), NOTHING, diameters, (1500.0, 3000.0))
    assert np.argwhere(view.min(axis=2) > 250)[:, 1].min() > SIDE_PX / 2


def test_a_lesion_is_outlined(volume, report):
    lesion = report.lesions.found[0]
    view = lesion_view(volume, lesion.mask, lesion.measures.diameters, (40.0, 400.0))
    red = np.argwhere((view[..., 0] > 220) & (view[..., 1] < 110))
    pixel_mm = SMALLEST_VIEW_MM / SIDE_PX
    assert np.ptp(red, axis=0) * pixel_mm == pytest.approx((4.0, 5.0), abs=1.5), "4 rows and 5 columns of 1 mm"


def test_below_the_picture_of_a_lesion_stands_whose_it_is(volume, segmentation, tmp_path):
    lesions = boxes(volume, {"Lesion 2": ((3, 9, 9), (6, 13, 14)), "Lesion 3": ((7, 9, 9), (10, 17, 18))}).segments
    write_html(tmp_path / "r.html", make_report(volume, replace(segmentation, segments=lesions)))
    captions = re.findall(r"<figcaption>(No.*?)</figcaption>", (tmp_path / "r.html").read_text(encoding="utf-8"))
    assert [caption.partition("<br>")[0] for caption in captions] == ["No. 2: Lesion 2", "No. 3: Lesion 3"]


def test_what_is_too_small_for_an_organ_is_marked_as_a_speck(volume, segmentation):
    tiny = {"spleen": ((3, 9, 9), (4, 12, 11)), "Lesion 1": ((7, 9, 9), (8, 12, 11))}
    found = make_report(volume, replace(segmentation, segments=boxes(volume, tiny).segments), pictures=False)
    assert [one.remarks for one in found.segments] == [("only a speck",), ()]


def test_a_report_without_pictures_still_has_a_page(volume, segmentation, tmp_path):
    write_html(tmp_path / "r.html", make_report(volume, segmentation, pictures=False))
    assert "<img" not in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_table_has_a_row_for_each_segment_and_lesion(report, tmp_path):
    write_csv(tmp_path / "r.csv", report)
    with (tmp_path / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["kind"] for row in rows] == ["segment", "segment", "segment", "lesion"]
    assert float(rows[0]["volume_ml"]) == pytest.approx(6.72)
    assert float(rows[0]["volume_change_percent"]) == pytest.approx(25)
    assert (rows[0]["weights_sha256"], rows[0]["positive_clicks"], rows[0]["status"]) == (HASH, "3", "draft")
    assert (rows[3]["organ"], rows[3]["course"], rows[3]["unit_of_grey_values"]) == ("liver", "new", "HU")
    assert float(rows[3]["longest_axial_mm"]) == pytest.approx(math.hypot(5, 3))
    assert rows[2]["mean"] == ""


def test_a_name_is_no_formula_in_a_spreadsheet(report, tmp_path):
    write_csv(tmp_path / "r.csv", report)
    assert ",'=mass <b>&," in (tmp_path / "r.csv").read_text(encoding="utf-8-sig")


def test_json_holds_every_value_with_its_unit(report, tmp_path):
    write_json(tmp_path / "r.json", report)
    found = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    liver = found["segments"][0]
    assert liver["measures"]["volume_ml"] == pytest.approx(6.72)
    assert liver["measures"]["axial_diameters"]["longest"]["length_mm"] == pytest.approx(math.hypot(24, 13))
    assert liver["provenance"]["sha256"] == HASH
    assert liver["meaning"]["type"] == {"scheme": "SCT", "value": "10200004", "meaning": "Liver"}
    assert liver["volume_change"] == {"before_ml": pytest.approx(5.376), "now_ml": pytest.approx(6.72),
                                      "percent": pytest.approx(25)}  # fmt: skip
    assert found["lesions"][0]["organ"] == "liver"
    assert [change["course"] for change in found["changes"]["lesions"]] == ["new"]
    assert "Not a medical device" in found["notice"]


def test_progress_comes_to_its_end(volume, segmentation):
    told = []
    make_report(volume, segmentation, progress=told.append)
    assert [(one.done, one.total) for one in told] == [(n, 6) for n in range(1, 7)]


def test_a_report_can_be_cancelled(volume, segmentation):
    with pytest.raises(Cancelled):
        make_report(volume, segmentation, cancel=lambda: True)


def test_a_segmentation_of_another_place_is_refused(volume, segmentation):
    elsewhere = segmentation.ijk_to_ras.copy()
    elsewhere[2, 3] += 5000
    with pytest.raises(VolumeError, match="different places"):
        make_report(volume, replace(segmentation, ijk_to_ras=elsewhere))


def test_a_segmentation_of_another_grid_is_told(volume):
    coarse = boxes(of_zeros((6, 15, 20), upright((2, 2, 4))), {"mass": ((1, 3, 3), (4, 8, 9))})
    report = make_report(volume, coarse, pictures=False)
    assert "another grid" in report.notices[0]


def test_a_folder_that_cannot_be_written_is_told(report, tmp_path):
    for write in (write_html, write_csv, write_json):
        with pytest.raises(ResourceError, match="could not be written"):
            write(tmp_path / "nowhere" / "r", report)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0"), (0.01234, "0.0123"), (1.2, "1.20"), (99.96, "100"), (1234.5, "1234"), (-8.1, "-8.10")],
)
def test_figures_have_three_digits(value, words):
    assert figure(value) == words
