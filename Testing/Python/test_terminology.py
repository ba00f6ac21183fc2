"""What segments are, in codes."""

from __future__ import annotations

import pytest
from pydicom.sr._concepts_dict import concepts
from VISTA3DSegmentLib.anatomy import all_classes, class_of, terminology_entry
from VISTA3DSegmentLib.terminology import Concept, Meaning, class_meaning, entry_of, meaning_of, parse_entry

LIVER = Concept("SCT", "10200004", "Liver")
OTHER_WORDS = {
    "123037004": "Body structure",  # Anatomical Structure in CID 7150
    "49755003": "Morphologically abnormal structure",  # ... altered ... in CID 7150
    "86049000": "Malignant neoplasm, primary",  # Neoplasm, Primary in CID 7159
    "12691009": "Brachiocephalic trunk",
    "69748006": "Thyroid",
}
"""What the dictionary calls the few codes for which the table has another name of the standard's."""
ORGAN = Concept("SCT", "123037004", "Anatomical Structure")


def dicom_names() -> dict[str, set[str]]:
    """Names, in lower case, that DICOM's own dictionary has for each code of SNOMED CT."""
    names: dict[str, set[str]] = {}
    for keyword, codes in concepts["SCT"].items():
        for value, (meaning, _) in codes.items():
            names.setdefault(value, set()).update({meaning.lower(), keyword.lower()})
    return names


@pytest.mark.parametrize("row", [row for row in all_classes() if row.type is not None], ids=lambda row: row.name)
def test_entry_of_every_class_says_what_the_table_says(row) -> None:
    meaning = parse_entry(terminology_entry(row))
    assert meaning is not None
    assert meaning == class_meaning(row.id)
    assert parse_entry(entry_of(meaning)) == meaning


def test_every_code_that_dicom_knows_means_what_dicom_says() -> None:
    names, compared = dicom_names(), 0
    for row in all_classes():
        for code in (row.category, row.type, row.modifier, row.region, row.region_modifier):
            if code is not None and code.value in names:
                compared += 1
                same = {_plain(name) for name in names[code.value]}
                said = OTHER_WORDS.get(code.value, code.meaning)
                assert _plain(said) in same, (row.name, code, names[code.value])
    assert compared > 200


def _plain(name: str) -> str:
    words = name.partition(" (")[0].lower().replace("-", " ").replace(",", "").split()
    return " ".join(sorted(set(words) - {"structure", "of"}))


def test_the_code_of_the_right_subclavian_artery_names_no_left_one() -> None:
    assert "right subclavian artery" in dicom_names()["29700009"]
    for class_id, side in ((123, "7771000"), (124, "24028007")):
        meaning = class_meaning(class_id)
        assert meaning is not None
        assert meaning.type.value == "36765005"
        assert meaning.modifier is not None
        assert meaning.modifier.value == side
    assert all(code is None or code.value != "29700009" for row in all_classes() for code in (row.type, row.region))


def test_a_class_without_a_single_code_has_no_meaning() -> None:
    assert class_of(16).name == "prostate or uterus"
    assert class_meaning(16) is None
    assert class_meaning(4711) is None


def test_the_entry_of_a_segment_counts_before_its_class() -> None:
    liver = terminology_entry(class_of(1))
    assert meaning_of(liver, 3) == Meaning(ORGAN, LIVER)
    assert meaning_of("", 1) == Meaning(ORGAN, LIVER)
    assert meaning_of("", None) is None


@pytest.mark.parametrize("entry", ["", "context", "a~b~c", "a~SCT^1^One~^^~^^~b~^^~^^", "a~SCT^1~SCT^2^Two"])
def test_what_is_no_entry_means_nothing(entry: str) -> None:
    assert parse_entry(entry) is None


def test_signs_that_part_an_entry_do_not_break_one() -> None:
    odd = Meaning(ORGAN, Concept("99LOCAL", "1", "cyst ~ of | a ^ kind"))
    parsed = parse_entry(entry_of(odd))
    assert parsed is not None
    assert (parsed.type.scheme, parsed.type.value) == ("99LOCAL", "1")
