"""Label maps with tables beside them: names, colours, classes and codes come back, and others read them."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from builders import box_mask, itk_image, oblique_geometry
from VISTA3DSegmentLib import anatomy
from VISTA3DSegmentLib.errors import Cancelled, FileFormatError
from VISTA3DSegmentLib.export import label_tables
from VISTA3DSegmentLib.export.label_tables import (
    check_separate_tables,
    check_tables,
    write_label_map,
    write_separate_label_maps,
)
from VISTA3DSegmentLib.files.label_maps import is_unnamed
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, read_segmentation
from VISTA3DSegmentLib.terminology import meaning_of

SHAPE = (4, 5, 6)
LIVER_CODE = anatomy.terminology_entry(anatomy.class_of(1))
CYST_CODE = anatomy.terminology_entry(anatomy.class_of(anatomy.parse_classes("left kidney cyst")[0]))
LIVER = Segment('Leber "neu", groß', box_mask(SHAPE, (0, 0, 0), (2, 3, 4)), (221, 130, 101), 1, LIVER_CODE)
CYST = Segment("cyst", box_mask(SHAPE, (2, 3, 4), (4, 5, 6)), (1, 2, 3), None, CYST_CODE)
LESION = Segment("lesion", box_mask(SHAPE, (3, 0, 0), (4, 1, 1)), (0, 255, 0))
EMPTY = Segment("empty", box_mask(SHAPE, (0, 0, 0), (0, 0, 0)), (9, 8, 7), 3)
NAMES = ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"]


def of(*segments: Segment) -> Segmentation:
    return Segmentation(SHAPE, oblique_geometry(), segments)


def full(segment: Segment) -> Any:
    return segment.mask.full(SHAPE)


@pytest.mark.parametrize("name", NAMES)
def test_what_segments_are_comes_back_with_a_label_map(tmp_path: Path, name: str) -> None:
    write_label_map(tmp_path / name, of(LIVER, CYST, LESION, EMPTY))
    read = read_segmentation(tmp_path / name)
    assert [one.name for one in read.segments] == ["Leber 'neu', groß", "cyst", "lesion", "empty"]
    for found, expected in zip(read.segments, (LIVER, CYST, LESION, EMPTY), strict=True):
        np.testing.assert_array_equal(full(found), full(expected))
        assert (found.color, found.class_id) == (expected.color, expected.class_id)
        assert meaning_of(found.terminology, None) == meaning_of(expected.terminology, expected.class_id)
    assert read.notices == ()


def test_table_has_the_columns_that_slicer_reads(tmp_path: Path) -> None:
    write_label_map(tmp_path / "a.nii.gz", of(LIVER, EMPTY))
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        liver, spleen = csv.DictReader(file)
    expected = {
        "LabelValue": "1", "Name": "Leber 'neu', groß", "Color_R": "221", "Color_G": "130", "Color_B": "101",
        "Color_A": "255", "Category_CodingScheme": "SCT", "Category_CodeValue": "123037004",
        "Category_CodeMeaning": "Anatomical Structure", "Type_CodeValue": "10200004", "Type_CodeMeaning": "Liver",
        "TypeModifier_CodeValue": "", "Region_CodeValue": "", "RegionModifier_CodingScheme": "",
    }  # fmt: skip
    assert {key: liver[key] for key in expected} == expected
    assert spleen["LabelValue"] == "3"
    assert spleen["Type_CodeMeaning"] == "Spleen", "the class says what a segment without terminology is"


def test_itk_snap_gets_its_own_descriptions(tmp_path: Path) -> None:
    write_label_map(tmp_path / "a.nii.gz", of(LIVER, LESION))
    lines = (tmp_path / "a.label").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "# ITK-SnAP Label Description File"
    rows = [line for line in lines if not line.startswith("#")]
    assert [re.split(r"\s+", row.strip(), maxsplit=7)[0] for row in rows] == ["0", "1", "133"]
    assert rows[1].split()[1:4] == ["221", "130", "101"]
    assert rows[2].endswith('"lesion"')
    (tmp_path / "a.csv").unlink()
    read = read_segmentation(tmp_path / "a.nii.gz").segments
    assert [(one.name, one.color, one.class_id) for one in read] == [
        ("Leber 'neu', groß", (221, 130, 101), None),
        ("lesion", (0, 255, 0), None),
    ]


def foreign(folder: Path, table: str, text: str) -> Segmentation:
    labels = full(LIVER).astype(np.uint8) * 5 + full(LESION).astype(np.uint8) * 7
    sitk.WriteImage(itk_image(labels, oblique_geometry()), str(folder / "b.nii.gz"))
    (folder / table).write_text(text, encoding="utf-8")
    return read_segmentation(folder / "b.nii.gz")


def test_table_of_slicer_gives_codes_and_by_them_the_class(tmp_path: Path) -> None:
    codes = [
        f"{code}_{part}"
        for code in ("Category", "Type", "TypeModifier")
        for part in ("CodingScheme", "CodeValue", "CodeMeaning")
    ]
    header = ",".join(["Name", "LabelValue", "Color_R", "Color_G", "Color_B", *codes])
    row = "LK,5,1,2,3,SCT,123037004,Anatomical Structure,SCT,64033007,Kidney,SCT,7771000,Left"
    read = foreign(tmp_path, "b.csv", f"{header}\n{row}\nother,9,1,1,1,,,,,,,,,\n")
    kidney, unknown = read.segments
    assert (kidney.name, kidney.color, kidney.class_id) == ("LK", (1, 2, 3), 14)
    assert unknown.name == "Label 7"
    assert "does not name Label 7" in read.notices[0]


def test_older_table_of_slicer_gives_names_and_colours_but_its_values_are_no_classes(tmp_path: Path) -> None:
    read = foreign(tmp_path, "b.ctbl", "# Color table file b.ctbl\n0 Background 0 0 0 0\n5 my_organ 10 20 300 255\n")
    mine, unknown = read.segments
    assert (mine.name, mine.color, mine.class_id, mine.label_value) == ("my organ", (10, 20, 255), None, 5)
    assert unknown.name == "Label 7"


NAMES_ONLY = {
    "b.csv": "LabelValue,Name,Color_R,Color_G,Color_B\n5,Spleen,1,2,3\n7,{},4,5,6\n",
    "b.ctbl": "5 Spleen 1 2 3 255\n7 {} 4 5 6 255\n",
    "b.label": '5 1 2 3 1 1 1 "Spleen"\n7 4 5 6 1 1 1 "{}"\n',
}


@pytest.mark.parametrize("table", NAMES_ONLY)
def test_a_name_of_the_table_of_classes_says_the_class_and_not_the_value(tmp_path: Path, table: str) -> None:
    read = foreign(tmp_path, table, NAMES_ONLY[table].format("rKidney"))
    assert [(one.name, one.class_id) for one in read.segments] == [("Spleen", 3), ("rKidney", None)]
    spleen = meaning_of(read.segments[0].terminology, read.segments[0].class_id)
    assert spleen is not None
    assert spleen.type.meaning == "Spleen"
    assert meaning_of(read.segments[1].terminology, read.segments[1].class_id) is None


@pytest.mark.parametrize("name", ["kidney", "3", "L1", "everything", "liver, spleen", "tumor", "spleeen"])
def test_a_name_that_means_several_structures_or_none_is_of_no_class(tmp_path: Path, name: str) -> None:
    read = foreign(tmp_path, "b.label", NAMES_ONLY["b.label"].format(name))
    assert (read.segments[1].name, read.segments[1].class_id) == (name, None)


@pytest.mark.parametrize("name", ["", "Label 5"])
def test_a_table_without_a_word_of_a_value_leaves_it_unnamed(tmp_path: Path, name: str) -> None:
    read = foreign(tmp_path, "b.label", f'5 1 2 3 1 1 1 "{name}"\n')
    assert is_unnamed(read.segments[0])
    assert read.segments[0].color == (1, 2, 3)


def test_values_that_nobody_explained_are_written_without_class_and_codes(tmp_path: Path) -> None:
    labels = full(LIVER).astype(np.uint8) * 5
    sitk.WriteImage(itk_image(labels, oblique_geometry()), str(tmp_path / "b.nii.gz"))
    unnamed, beyond = read_segmentation(tmp_path / "b.nii.gz").segments[0], replace(LESION, class_id=133)
    write_label_map(tmp_path / "c.nii.gz", of(unnamed, beyond))
    with (tmp_path / "c.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            (row["LabelValue"], row["Type_CodeValue"], row["VISTA3DSegment_ClassId"]) for row in csv.DictReader(file)
        ]
    assert rows == [("5", "", ""), ("133", "", "")]
    again, lesion = read_segmentation(tmp_path / "c.nii.gz").segments
    assert is_unnamed(again)
    assert (lesion.name, lesion.class_id) == ("lesion", None)


@pytest.mark.parametrize(
    "text",
    [
        "LabelValue,Name,Color_R,Color_G,Color_B\nfive,x,1,2,3\n",
        "LabelValue,Name,Color_R,Color_G,Color_B\n5,x,inf,2,3\n",
        "Name,LabelValue\nx\n",
        "LabelValue,Name,Color_R\n5,x,1\n",
    ],
)
def test_damaged_table_is_said_and_the_label_map_is_read_all_the_same(tmp_path: Path, text: str) -> None:
    read = foreign(tmp_path, "b.csv", text)
    assert [one.name for one in read.segments] == ["Label 5", "Label 7"]
    assert "b.nii.gz is damaged" in read.notices[0]


def test_table_of_something_else_is_passed_over(tmp_path: Path) -> None:
    read = foreign(tmp_path, "b.csv", "segment,volume_ml\nliver,5\n")
    assert [one.name for one in read.segments] == ["Label 5", "Label 7"]
    assert read.notices == ()


def test_sign_that_parts_slicers_tags_is_no_way_into_an_entry(tmp_path: Path) -> None:
    header = "LabelValue,Name,Color_R,Color_G,Color_B,Category_CodingScheme,Category_CodeValue,Category_CodeMeaning"
    read = foreign(tmp_path, "b.csv", f"{header}\n5,x,1,2,3,S|CT,12,A\n")
    assert read.segments[0].terminology == ""


def test_overlapping_segments_go_into_one_file_each(tmp_path: Path) -> None:
    cyst = Segment("cyst", LIVER.mask, (1, 2, 3))
    with pytest.raises(FileFormatError, match="overlap"):
        write_label_map(tmp_path / "a.nii.gz", of(LIVER, cyst))
    assert not list(tmp_path.iterdir())
    write_separate_label_maps(tmp_path / "all", of(LIVER, cyst, Segment("CYST", LESION.mask, (1, 1, 1))))
    files = sorted(path.name for path in (tmp_path / "all").glob("*.nii.gz"))
    assert files == ["CYST_2.nii.gz", "Leber_neu_groß.nii.gz", "cyst.nii.gz"]
    (read,) = read_segmentation(tmp_path / "all" / "cyst.nii.gz").segments
    assert (read.name, read.color, read.class_id) == ("cyst", (1, 2, 3), None)
    np.testing.assert_array_equal(full(read), full(LIVER))


def test_cancelled_export_leaves_an_earlier_one_as_it_was(tmp_path: Path) -> None:
    write_separate_label_maps(tmp_path / "all", of(LIVER))
    before = {path.name: path.read_bytes() for path in (tmp_path / "all").iterdir()}
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        write_separate_label_maps(tmp_path / "all", of(LESION, LIVER), cancel=lambda: next(asked))
    assert {path.name: path.read_bytes() for path in (tmp_path / "all").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["all"]


def test_label_map_is_not_replaced_when_its_table_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_label_map(tmp_path / "a.nii.gz", of(LIVER))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fails(*_: object) -> str:
        raise FileFormatError("no table")

    monkeypatch.setattr(label_tables, "table_text", fails)
    with pytest.raises(FileFormatError, match="no table"):
        write_label_map(tmp_path / "a.nii.gz", of(LESION))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_table_may_be_written_again_with_its_label_map_and_beside_files_of_other_names(tmp_path: Path) -> None:
    check_tables([tmp_path / "a.nii.gz"], of(LIVER))
    write_label_map(tmp_path / "a.nii.gz", of(LIVER))
    for name in ("a.seg.nrrd", "ab.nrrd", "a.png"):
        (tmp_path / name).write_bytes(b"other")
    check_tables([tmp_path / "a.nii.gz"], of(LESION))
    check_tables([tmp_path / "a.nii.gz"])
    check_tables([tmp_path / "a.nii.gz", tmp_path / "a.nrrd"], of(LESION))


def test_a_table_of_the_same_content_is_shared(tmp_path: Path) -> None:
    write_label_map(tmp_path / "a.nii.gz", of(LIVER))
    check_tables([tmp_path / "a.nrrd"], of(LIVER))
    (tmp_path / "a.label").unlink()
    check_tables([tmp_path / "a.nrrd"], of(LIVER))
    with pytest.raises(FileFormatError, match=r"by which .*a\.nii\.gz would be read, too"):
        check_tables([tmp_path / "a.nrrd"])  # nobody knows yet what it will hold
    (tmp_path / "a.label").write_text("of a.nii.gz")
    with pytest.raises(FileFormatError, match=r"a\.label is there already"):
        check_tables([tmp_path / "a.nrrd"], of(LIVER))


@pytest.mark.parametrize("other", ["a.nii", "A.nrrd", "a.mha", "a.nhdr"])
def test_a_table_is_not_put_beside_another_image_of_its_name(tmp_path: Path, other: str) -> None:
    (tmp_path / other).write_bytes(b"an image")
    for known in (of(LIVER), None):
        with pytest.raises(FileFormatError, match=f"{other} would be read, too"):
            check_tables([tmp_path / "a.nii.gz"], known)
    write_label_map(tmp_path / "a.nii.gz", of(LIVER))
    with pytest.raises(FileFormatError, match=f"{other} would be read, too"):
        check_tables([tmp_path / "a.nii.gz"], of(LESION))


@pytest.mark.parametrize("table", ["a.csv", "a.label"])
def test_a_file_that_is_no_table_of_the_label_map_is_not_replaced(tmp_path: Path, table: str) -> None:
    (tmp_path / table).write_text("a list of something else")
    for known in (of(LIVER), None):
        with pytest.raises(FileFormatError, match=f"{table} is there already"):
            check_tables([tmp_path / "a.nii.gz"], known)


def test_tables_of_separate_label_maps_replace_no_others(tmp_path: Path) -> None:
    write_separate_label_maps(tmp_path, of(LIVER, LESION))
    check_separate_tables(tmp_path, of(LESION, replace(LIVER, color=(7, 7, 7))))
    (tmp_path / "lesion.nrrd").write_bytes(b"an image")
    check_separate_tables(tmp_path, of(LESION))
    with pytest.raises(FileFormatError, match=r"lesion\.nrrd would be read, too"):
        check_separate_tables(tmp_path, of(replace(LESION, color=(7, 7, 7))))


@pytest.mark.parametrize("name", ["a.seg.nrrd", "a.stl", "a"])
def test_name_of_another_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileFormatError, match="label map"):
        write_label_map(tmp_path / name, of(LIVER))
