"""The sample, from the first look to a mended organ, as a person does it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from browser import Person, dice
from places import place_of
from VISTA3DSegmentLib.anatomy import class_of
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.evaluation.simulated_user import next_click
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, read_segmentation, write_segmentation
from VISTA3DSegmentLib.models import store
from VISTA3DSegmentLib.models.header import specification_of
from VISTA3DSegmentLib.resources import resource
from VISTA3DSegmentLib.volume import Volume

Masks = dict[str, npt.NDArray[np.bool_]]


@pytest.fixture(scope="module")
def truth(volume: Volume) -> dict[int, npt.NDArray[np.bool_]]:
    segments = read_segmentation(resource("Samples/sample_truth.nrrd"), like=volume).segments
    return {segment.class_id: segment.mask.full(volume.shape_kji) for segment in segments if segment.class_id}


@pytest.fixture(scope="module")
def told(person: Person) -> str:
    """What the page says after Segment was pressed once."""
    person.wait_for_model()
    person.press("Segment")
    said = person.wait_for_message("Cut at the edge of the scan: ")
    person.wait_until_still()
    return said


@pytest.fixture(scope="module")
def segmented(told: str, person: Person, volume: Volume) -> Masks:
    """What the scene holds then."""
    return person.saved(volume)


def test_the_page_opens_with_the_sample_in_four_views_and_says_what_to_press(person: Person) -> None:
    for view in ("Axial", "Sagittal", "Coronal"):
        person.wait_until(lambda view=view: (person.picture(view).min(-1) > 100).mean() > 0.05)  # a body is drawn
    assert "Press Segment" in person.message()
    person.shoot("1-opened")


def test_at_the_end_of_a_run_the_page_says_what_was_not_found_and_what_is_cut(told: str) -> None:
    assert "Not found in this scan: " in told
    assert "Cut at the edge of the scan: " in told


LARGE_VOXELS = 5000
"""40 ml: below it are parts of organs that the edge of the sample has cut off."""


def test_what_the_scene_holds_after_segment_agrees_with_the_truth(
    segmented: Masks, truth: dict[int, npt.NDArray[np.bool_]], volume: Volume, person: Person
) -> None:
    person.shoot("2-segmented")
    assert sorted(person.names()) == sorted(segmented)
    model, nothing = specification_of(store.find("starter").path), np.zeros(volume.shape_kji, np.bool_)
    assert model is not None
    scores = {
        (name := class_of(class_id).name): dice(true, segmented.get(name, nothing))
        for class_id, true in truth.items()
        if class_id in model.classes and true.sum() >= LARGE_VOXELS
    }
    assert len(scores) >= 10
    assert np.mean(list(scores.values())) >= 0.9, scores


def test_clicks_mend_a_damaged_organ_and_undo_and_redo_go_back_and_forth(
    segmented: Masks, truth: dict[int, npt.NDArray[np.bool_]], volume: Volume, person: Person, tmp_path: Path
) -> None:
    liver, true = segmented["liver"].copy(), truth[1]
    liver[:, :, int(np.percentile(np.nonzero(liver)[2], 67)) :] = False
    damaged = Segment("liver", MaskCrop.of(liver), (221, 130, 101), 1)
    write_segmentation(tmp_path / "damaged.seg.nrrd", Segmentation(volume.shape_kji, volume.ijk_to_ras, (damaged,)))
    person.choose("liver")
    person.press("Delete liver")
    person.open(tmp_path / "damaged.seg.nrrd")
    person.page.wait_for_function(
        "ml => Math.abs(document.querySelector('.segment[aria-label=liver] .volume')?.innerText - ml) < 0.1",
        arg=liver.sum() * volume.voxel_volume_ml,
    )
    person.choose("liver")
    person.shoot("3-damaged")
    now = liver
    for _ in range(3):
        wrong = next_click(MaskCrop.of(true), MaskCrop.of(now), volume)
        assert wrong is not None
        person.scroll_to("Axial", wrong.ras[2])
        person.click("Axial", place_of(person, volume, "Axial", wrong.ras), negative=not wrong.positive)
        now = person.saved(volume)["liver"]
    person.shoot("4-mended")
    mended = now
    assert dice(true, mended) >= max(0.85, dice(true, liver) + 0.05), (dice(true, mended), dice(true, liver))
    after = person.saved(volume)
    assert all((after[name] == mask).all() for name, mask in segmented.items() if name != "liver")
    for _ in range(3):
        person.step(lambda: person.page.keyboard.press("Control+z"))
    assert (person.saved(volume)["liver"] == liver).all()
    for _ in range(3):
        person.step(lambda: person.page.keyboard.press("Control+Shift+Z"))
    assert (person.saved(volume)["liver"] == mended).all()
