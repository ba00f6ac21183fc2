"""Segments in the list and in the views: chosen, shown, protected, corrected in every view, named, thrown away."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pytest
from browser import FADED, Person
from places import place_of
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.prompts import Ras
from VISTA3DSegmentLib.volume import Volume
from VISTA3DSegmentLib.workspace.workspace import middle_of

Masks = dict[str, npt.NDArray[np.bool_]]


def middle(mask: npt.NDArray[np.bool_], volume: Volume) -> Ras:
    place = middle_of(MaskCrop.of(mask), volume)
    assert place is not None
    return place


@pytest.fixture(scope="module")
def segmented(person: Person, volume: Volume) -> Masks:
    """Two organs that were chosen by what somebody may call them."""
    person.wait_for_model()
    field, estimate = person.page.get_by_label("Organs", exact=True), person.page.get_by_label("Estimate")
    for word, name in (("hepar", "liver"), ("lien", "spleen")):
        field.fill(word)
        person.page.get_by_role("option", name=name).click()
        person.wait_for_value("Organs", "")
    field.press("Escape")
    assert "rough guess" in estimate.inner_text()
    person.segment()
    assert estimate.inner_text().startswith("About ")
    assert "windows)" in estimate.inner_text(), "measured now"
    return person.saved(volume)


def test_organs_are_chosen_by_their_synonyms_and_no_other_comes(segmented: Masks, person: Person) -> None:
    assert person.names() == sorted(segmented) == ["liver", "spleen"]


def test_a_click_on_a_name_goes_to_the_organ_in_every_view(segmented: Masks, volume: Volume, person: Person) -> None:
    for name, mask in segmented.items():
        person.choose(name)
        right, anterior, superior = middle(mask, volume)
        assert person.slice_mm("Axial") == pytest.approx(superior, abs=0.1)
        assert person.slice_mm("Coronal") == pytest.approx(anterior, abs=0.1)
        assert person.slice_mm("Sagittal") == pytest.approx(right, abs=0.1)


def test_what_is_under_the_mouse_is_named_in_the_corner_of_its_view(
    segmented: Masks, volume: Volume, person: Person
) -> None:
    person.choose("spleen")
    inside = middle(segmented["spleen"], volume)
    for view in ("Axial", "Coronal", "Sagittal"):
        person.page.mouse.move(*person.point(view, place_of(person, volume, view, inside)))
        told = person.page.locator(".view-corner", has_text=view).locator(".view-under", has_text="spleen")
        told.wait_for()
        assert re.fullmatch(r"spleen\s+-?\d+ HU", told.inner_text())
        person.page.mouse.move(5, 5)
        told.wait_for(state="hidden")
    person.page.mouse.move(*person.point("Axial", (0.01, 0.5)))
    person.page.locator(".view-corner", has_text="Axial").locator(".view-under").wait_for(state="detached")


def test_the_sides_of_the_patient_stand_at_the_edges_of_the_slices(person: Person) -> None:
    edges = ("left", "right", "top", "bottom")
    for view, sides in (("Axial", "RLAP"), ("Coronal", "RLSI"), ("Sagittal", "APSI")):
        around = person.area(view)
        for edge, side in zip(edges, sides, strict=True):
            letters = person.page.locator(f".view-side-{edge}").filter(visible=True).all()
            boxes = [(letter.inner_text(), letter.bounding_box()) for letter in letters]
            here = [text for text, box in boxes if around["x"] <= box["x"] < around["x"] + around["width"]
                    and around["y"] <= box["y"] < around["y"] + around["height"]]  # fmt: skip
            assert here == [side]


def test_an_organ_is_hidden_shown_and_made_transparent(segmented: Masks, person: Person) -> None:
    person.choose("liver")
    person.page.wait_for_timeout(FADED)
    shown = person.picture("Axial")
    person.press("Show liver")
    person.wait_for_picture("Axial", shown, lambda pixels: pixels > 500)
    person.press("Show liver")
    person.wait_for_picture("Axial", shown, lambda pixels: pixels < 20)
    box = person.page.locator(".segment-more .v-slider-track").bounding_box()
    person.page.mouse.click(box["x"] + 0.1 * box["width"], box["y"] + box["height"] / 2)
    person.wait_for_picture("Axial", shown, lambda pixels: pixels > 500)
    person.page.mouse.click(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2)
    person.wait_for_picture("Axial", shown, lambda pixels: pixels < 20)


@pytest.mark.parametrize("view", ["Sagittal", "Coronal"])
def test_a_click_in_another_view_changes_the_organ_there(
    segmented: Masks, volume: Volume, person: Person, view: str
) -> None:
    liver = segmented["liver"]
    person.choose("liver")
    ras = middle(liver, volume)
    person.click(view, place_of(person, volume, view, ras), negative=True)
    after = person.saved(volume)
    i, j, k = (round(x) for x in volume.ijk_of(ras))
    assert liver[k, j, i]
    assert not after["liver"][k, j, i]
    assert (after["spleen"] == segmented["spleen"]).all()
    person.step(lambda: person.press("Undo"))
    assert (person.saved(volume)["liver"] == liver).all()


def test_an_organ_that_is_done_takes_no_click(segmented: Masks, volume: Volume, person: Person) -> None:
    person.choose("spleen")
    person.step(lambda: person.press("Lock spleen"))
    at = place_of(person, volume, "Axial", middle(segmented["spleen"], volume))
    person.click_and_go_on("Axial", at, negative=True)
    person.wait_for_message("spleen is done.")
    assert person.history()[0] == "spleen: done"
    assert (person.saved(volume)["spleen"] == segmented["spleen"]).all()
    person.step(lambda: person.press("Lock spleen"))
    person.click("Axial", at, negative=True)
    assert person.ml("spleen") < segmented["spleen"].sum() * volume.voxel_volume_ml
    person.step(lambda: person.press("Undo"))


def test_a_name_that_no_model_knows_begins_a_structure_by_its_button_or_a_click(
    segmented: Masks, volume: Volume, person: Person
) -> None:
    name = "Name of a structure"
    field = person.page.get_by_label(name)
    field.fill("cyst")
    field.press("Enter")
    person.wait_for_message("no words for 'cyst'")
    person.wait_for_value(name, "cyst")  # it is given back
    assert person.names() == ["liver", "spleen"]
    person.begin("cyst")
    assert person.names() == ["liver", "spleen", "cyst"]
    assert person.history()[0] == "new cyst"
    person.wait_for_value(name, "")
    field.press_sequentially("nodule")
    at = place_of(person, volume, "Axial", middle(segmented["spleen"], volume))
    person.click("Axial", at)
    assert person.names() == ["liver", "spleen", "cyst", "nodule"]
    assert person.ml("nodule") > 0
    assert (person.saved(volume)["spleen"] == segmented["spleen"]).all()


def test_the_saved_scene_is_read_by_the_host(segmented: Masks, volume: Volume, person: Person) -> None:
    from scene_world import empty_scene

    names = [name for name in person.names() if person.ml(name)]
    scene = empty_scene()
    assert scene.ReadFromMRB(str(person.save("Whole scene, with clicks (.mrb)")), True)
    segmentation = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode").GetSegmentation()
    assert sorted(segmentation.GetSegment(n).GetName() for n in segmentation.GetSegmentIDs()) == sorted(names)
    image = scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode").GetImageData()
    assert image.GetDimensions() == volume.shape_kji[::-1]
    assert scene.GetFirstNodeByName("Positive clicks").GetNumberOfControlPoints() == 1


def test_starting_afresh_asks_first(segmented: Masks, person: Person) -> None:
    def ask() -> None:
        person.press("Open")
        person.page.get_by_text("Start afresh on this scan").click()
        person.page.get_by_text("All work on this scan will be lost").wait_for()

    before = person.names()
    ask()
    person.shoot("8-start-afresh")
    person.press("Keep my work")
    person.page.get_by_text("All work on this scan will be lost").wait_for(state="hidden")
    assert person.names() == before
    ask()
    person.press("Throw it away")
    person.page.wait_for_function("() => !document.querySelector('.segment')")
    assert person.history() == []
    person.page.get_by_text("All work on this scan will be lost").wait_for(state="hidden")
