"""The table of classes, and how a person's words find them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import defaultdict

import pytest
from shared_data import shared
from VISTA3DSegmentLib import anatomy
from VISTA3DSegmentLib.anatomy import Kind, class_of, find, members, parse_classes, preset, terminology_entry
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.resources import PACKAGE


def names(rows: tuple[anatomy.AnatomicalClass, ...]) -> list[str]:
    return [row.name for row in rows]


def published() -> dict[str, list[int]]:
    labels = json.loads(shared("reference/vista3d_data/labels.json").read_text())
    sets: dict[str, list[int]] = labels["sets"]
    return sets


def test_every_class_sits_at_its_own_id() -> None:
    assert [row.id for row in anatomy.all_classes()] == list(range(1, 133))
    assert all(class_of(i).id == i for i in range(1, 133))


def test_the_sets_are_those_that_nvidia_published() -> None:
    sets = published()
    assert list(anatomy.EVERYTHING) == sets["everything_ct_117"]
    assert list(anatomy.SECOND_PASS) == sets["ct_extra_second_pass_7"]
    unsupported = [row.id for row in anatomy.all_classes() if row.kind is Kind.UNSUPPORTED]
    assert unsupported == sets["not_supported_ct"]


def test_the_special_point_classes_are_those_of_the_training() -> None:
    assert frozenset({23, 24, 25, 26, 27, 57, 128}) == anatomy.SPECIAL_POINT_CLASSES
    trained = dict(published()["special_point_index"])["training_and_monai_core_(authoritative)"]  # type: ignore[arg-type]
    assert frozenset(trained) == anatomy.SPECIAL_POINT_CLASSES


def test_the_names_are_those_that_nvidia_published() -> None:
    labels = json.loads(shared("reference/vista3d_data/labels.json").read_text())
    by_id = labels["verbatim_channel_def"]["model_zoo_vista3d_0.5.4"]
    assert [row.name for row in anatomy.all_classes()] == [by_id[str(i)] for i in range(1, 133)]


def test_groups_expand_to_their_published_members() -> None:
    groups = dict(published()["group_prompts_subclass"])  # type: ignore[arg-type]
    for group in (2, 20, 21):
        assert members(group) == tuple(sorted(groups[str(group)]))
    assert len(members(21)) == 62
    assert members(1) == (1,)
    assert anatomy.expand((1, 2, 5, 20)) == (1, 5, 14, 28, 29, 30, 31, 32)


def test_every_class_can_be_seen_and_pairs_look_alike() -> None:
    by_name = {row.name: row for row in anatomy.all_classes()}
    assert all(0 <= part <= 255 for row in by_name.values() for part in row.color)
    assert all(sum(row.color) > 0 for row in by_name.values())
    for name, row in by_name.items():
        mirrored = by_name.get(name.replace("left ", "right "))
        if mirrored and "lung" not in name:  # lobes touch their neighbours, so each has its own
            assert row.color == mirrored.color, name


def test_lesions_differ_in_color_from_each_other_and_from_their_organ() -> None:
    lesions = [class_of(i).color for i in (23, 24, 26, 27, 128)]
    assert len(set(lesions)) == 5
    organs = {class_of(i).color for i in (1, 4, 62, *members(20), *members(21))}
    assert organs.isdisjoint(lesions)


def test_structures_that_touch_are_not_colored_alike() -> None:
    shared_colors = defaultdict(list)
    for i in anatomy.EVERYTHING + anatomy.SECOND_PASS:
        if i not in preset("muscles"):  # one color for muscle, as everywhere in Slicer
            shared_colors[class_of(i).color].append(class_of(i).name.replace("left ", "").replace("right ", ""))
    for same in shared_colors.values():
        # A vertebra and the ribs of its level share one; a pair shares one.
        assert len(set(same)) == 1 or all("rib" in name or "vertebra" in name for name in same), same


@pytest.mark.parametrize(
    ("word", "best"),
    [
        ("liver", "liver"),
        ("gall bladder", "gallbladder"),
        ("ivc", "inferior vena cava"),
        ("IVC", "inferior vena cava"),
        ("L3", "vertebrae L3"),
        ("l 3", "vertebrae L3"),
        ("third lumbar vertebra", "vertebrae L3"),
        ("rib 5 left", "left rib 5"),
        ("5th left rib", "left rib 5"),
        ("rib_left_5", "left rib 5"),
        ("rib l 5", "left rib 5"),
        ("R kidney", "right kidney"),
        ("oesophagus", "esophagus"),
        ("pulmonary nodules", "lung tumor"),
        ("hepatic tumour", "hepatic tumor"),
        ("collar bone", "left clavicula"),
        ("kidneys", "kidney"),
        ("suprarenal gland", "right adrenal gland"),
        ("windpipe", "trachea"),
        ("atlas", "vertebrae C1"),
        ("erector spinae", "left autochthon"),
        ("portal", "portal vein and splenic vein"),
        ("livr", "liver"),
        ("pancraes", "pancreas"),
        ("subclavain artery", "left subclavian artery"),
        ("7", "inferior vena cava"),
    ],
)
def test_search_finds_first_what_the_word_means(word: str, best: str) -> None:
    assert names(find(word))[0] == best


def test_search_knows_the_names_of_totalsegmentator() -> None:
    table = shared("data/totalsegmentator_to_vista3d.csv").read_text().splitlines()
    wanted = [row for row in csv.DictReader(table) if row["task"] == "total" and row["vista3d_id"]]
    assert len(wanted) == 117
    for row in wanted:
        assert parse_classes(row["totalsegmentator_name"]) == (int(row["vista3d_id"]),), row


def test_every_name_and_every_id_is_understood_and_means_itself() -> None:
    for row in anatomy.all_classes():
        if row.kind is not Kind.UNSUPPORTED:
            assert parse_classes(row.name.upper()) == (row.id,)
            assert parse_classes(str(row.id)) == (row.id,)


def test_every_synonym_is_understood() -> None:
    for row in anatomy.all_classes():
        for synonym in row.synonyms:
            if row.kind is not Kind.UNSUPPORTED:
                assert row.id in parse_classes(synonym), (row.name, synonym)
            assert row in find(synonym), (row.name, synonym)


def test_search_does_not_take_one_number_for_another() -> None:
    assert names(find("rib 1")) == ["left rib 1", "right rib 1"]
    assert find("rib 13") == ()
    assert find("T13") == ()


def test_search_for_nothing_or_nonsense_finds_nothing() -> None:
    assert find("") == find("   ") == find("of the") == find("xyzzy") == find("9" * 5000) == ()


def test_a_list_of_words_becomes_ids_once_each_in_order() -> None:
    assert parse_classes("liver,spleen,3, kidney,") == (1, 3, 2)
    assert parse_classes("portal vein and splenic vein,liver,1") == (17, 1)


def test_a_pair_without_its_side_means_both() -> None:
    assert parse_classes("adrenals") == (8, 9)
    assert parse_classes("vena cava") == (7, 125)
    assert parse_classes("left lung") == (28, 29)


def test_presets_may_stand_among_classes() -> None:
    assert parse_classes("ribs") == tuple(range(63, 87))
    assert parse_classes("liver, vertebrae")[:2] == (1, 33)


def test_an_unknown_word_is_named_and_the_nearest_is_suggested() -> None:
    with pytest.raises(PromptError, match=r"'livr'.*Did you mean liver \(1\)"):
        parse_classes("spleen,livr")
    with pytest.raises(PromptError, match=r"'lobe'.*left lung upper lobe"):
        parse_classes("lobe")
    with pytest.raises(PromptError, match=r"'xyzzy'.*list of classes"):
        parse_classes("xyzzy")


@pytest.mark.parametrize("words", ["", " , ", ","])
def test_an_empty_list_is_refused(words: str) -> None:
    with pytest.raises(PromptError, match="No class was named"):
        parse_classes(words)


@pytest.mark.parametrize("class_id", [16, 18, 129, 130, 131])
def test_unsupported_ids_are_refused_by_name_and_with_the_reason(class_id: int) -> None:
    row = class_of(class_id)
    for ask in (parse_classes, lambda text: members(int(text))):
        with pytest.raises(PromptError, match=rf"{row.name} \({class_id}\) cannot be segmented: .{{20,}}"):
            ask(str(class_id))


def test_a_retired_name_leads_to_its_living_twin() -> None:
    assert parse_classes("liver tumor") == (26,)
    assert names(find("liver tumor")) == ["hepatic tumor", "liver tumor"]
    with pytest.raises(PromptError, match=r"rectum \(18\)"):
        parse_classes("rectum")


@pytest.mark.parametrize("class_id", ["0", "133", "-1", "999999999"])
def test_ids_outside_the_table_are_refused(class_id: str) -> None:
    with pytest.raises(PromptError, match="from 1 to 132"):
        parse_classes(class_id)


def test_presets_hold_what_their_name_says() -> None:
    assert preset("everything") == anatomy.EVERYTHING
    assert set(preset("all")) == set(anatomy.EVERYTHING + anatomy.SECOND_PASS)
    assert {1, 3, 4, 5, 14, 10, 12} <= set(preset("abdomen"))
    assert {115, 57, *members(20)} <= set(preset("thorax"))
    assert {15, 118, 97, 95, 96} <= set(preset("pelvis"))
    assert set(preset("vertebrae")) == {*range(33, 57), 127}
    assert {6, 7, 17, 119, 125} <= set(preset("vessels"))
    assert {121, 22, 115, 11, *members(20), *members(2)} <= set(preset("organs-at-risk"))
    assert {23, 24, 26, 27, 128} <= set(preset("lesions"))


def test_every_preset_can_be_segmented_and_keeps_pairs_together() -> None:
    by_name = {row.name: row.id for row in anatomy.all_classes()}
    for key, ids in anatomy.PRESETS.items():
        assert anatomy.expand(ids) == ids, key
        for i in ids:
            mirrored = class_of(i).name.replace("left ", "RIGHT ").replace("right ", "left ").lower()
            assert by_name.get(mirrored, i) in ids, (key, mirrored)


def test_a_preset_is_found_under_its_usual_names() -> None:
    assert preset("Organs at Risk") == preset("organs_at_risk") == preset("OAR") == preset("radiotherapy")
    with pytest.raises(PromptError, match=r"no preset 'head'.*abdomen"):
        preset("head")


def test_terminology_is_written_as_slicer_reads_it() -> None:
    left_kidney = terminology_entry(class_of(14))
    assert left_kidney.split("~") == [
        "Segmentation category and type - 3D Slicer General Anatomy list",
        "SCT^123037004^Anatomical Structure",
        "SCT^64033007^Kidney",
        "SCT^7771000^Left",
        "Anatomic codes - DICOM master list",
        "^^",
        "^^",
    ]
    cyst = terminology_entry(class_of(117)).split("~")
    assert cyst[5:] == ["SCT^64033007^Kidney", "SCT^24028007^Right"]


def test_every_class_that_can_be_segmented_has_a_terminology_and_sides_are_right() -> None:
    for row in anatomy.all_classes():
        if row.kind is Kind.UNSUPPORTED:
            continue
        entry = terminology_entry(row)
        assert entry.count("~") == 6
        assert entry.count("^") == 10
        assert ("^Left" in entry) == row.name.startswith("left "), row.name
        if row.name != "right lung middle lobe":  # only the right lung has one; its code says so
            assert ("^Right" in entry) == row.name.startswith("right "), row.name


def test_a_class_without_a_single_code_says_so() -> None:
    with pytest.raises(PromptError, match="no code of its own"):
        terminology_entry(class_of(16))


def test_the_ground_floor_does_not_load_torch() -> None:
    modules = "VISTA3DSegmentLib.anatomy, VISTA3DSegmentLib.models.store"
    code = f"import sys, {modules}; print(sorted({{'torch', 'monai'}} & set(sys.modules)))"
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(PACKAGE.parent)},
    )
    assert out.stdout.strip() == "[]"
