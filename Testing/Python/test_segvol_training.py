"""Training the small SegVol: what it is shown and asked, and a run that is stopped, resumed and shipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from VISTA3DSegmentLib.engines import open_engine
from VISTA3DSegmentLib.engines.segvol.prompt_encoder import NEGATIVE, POSITIVE
from VISTA3DSegmentLib.engines.segvol.weights import load_segvol
from VISTA3DSegmentLib.learning import segvol_shipping, segvol_starter
from VISTA3DSegmentLib.learning.cases import SPACING_MM, prepare_phantom
from VISTA3DSegmentLib.learning.losses import balanced_cross_entropy
from VISTA3DSegmentLib.learning.patches import Case, Patch
from VISTA3DSegmentLib.learning.segvol_starter import TEXTS, drawn_box, drawn_points, structures
from VISTA3DSegmentLib.learning.training import Cases
from VISTA3DSegmentLib.models.registry import SEGVOL_SPECIFICATION
from VISTA3DSegmentLib.prompts import Structure, Text
from VISTA3DSegmentLib.volume import Volume

TINY = replace(segvol_starter.SHAPE, grid=(4, 4, 4), width=64, blocks=1, encoder_mlp=64, decoder_mlp=32)
FEW = {name: TEXTS[name] for name in ("liver", "spleen")}
WINDOW = (16, 32, 32)


def rng(seed: int = 1) -> np.random.Generator:
    """A source of chance."""
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def case() -> Case:
    """A phantom as it is trained on."""
    return prepare_phantom(1_000)


@pytest.fixture(scope="module")
def scan(case: Case) -> Patch:
    """The same along SegVol's axes."""
    return segvol_starter.axial(case)


def test_a_case_is_seen_as_an_axial_ct_without_its_air(case: Case, scan: Patch) -> None:
    k, j, i = scan.image.shape
    assert (k, j, i) <= (case.image.shape[2], case.image.shape[1], case.image.shape[0])
    for plane in (scan.image[0], scan.image[-1], scan.image[:, 0], scan.image[:, -1], scan.image[:, :, 0]):
        assert plane.max() > 0
    right, left = (np.argwhere(np.isin(scan.labels, TEXTS[name])).mean(0) for name in ("right kidney", "left kidney"))
    assert right[2] < left[2]  # the patient's right is at the first column
    sacrum, liver = (np.argwhere(np.isin(scan.labels, TEXTS[name])).mean(0) for name in ("sacrum", "liver"))
    assert sacrum[0] < liver[0]  # slices go up
    assert sacrum[1] > liver[1]  # rows go to the back


def test_the_whole_scan_and_a_window_show_image_and_labels_at_the_same_places(scan: Patch) -> None:
    marked = replace(scan, image=(scan.labels == 1).astype(np.float32))
    for view_of in (segvol_starter.whole_view, segvol_starter.window_view):
        for seed in range(5):
            view = view_of(marked, WINDOW, rng(seed))
            assert view.image.shape == view.labels.shape == WINDOW
            liver = view.labels == 1
            if liver.sum() > 200:
                assert view.image[liver].mean() > 0.6
                assert view.image[~liver].mean() < 0.1


def test_beyond_a_small_scan_there_is_nothing_and_no_loss(scan: Patch) -> None:
    small = Patch(scan.image[:5], scan.labels[:5], None, scan.valid[:5], scan.labelled)
    view = segvol_starter.window_view(small, WINDOW, rng())
    assert view.valid.any(axis=(1, 2)).sum() == 5
    assert not view.image[~view.valid].any()


def test_by_name_also_what_is_not_there_is_asked_for(scan: Patch) -> None:
    view = segvol_starter.whole_view(scan, WINDOW, rng())
    asked = [found for seed in range(10) for found in structures(view, ("text",), 5, rng(seed))]
    assert any(not mask.any() for mask, _ in asked)
    names = list(TEXTS.values())
    for mask, row in asked:
        assert row is not None
        np.testing.assert_array_equal(mask, np.isin(view.labels, names[row]))


def test_with_a_box_only_what_is_there_is_asked_for(scan: Patch) -> None:
    view = segvol_starter.whole_view(scan, WINDOW, rng())
    for way in (("text", "box"), ("box",), ("points",)):
        found = structures(view, way, 6, rng())  # type: ignore[arg-type]
        assert found
        assert all(mask.any() for mask, _ in found)
        assert all((row is None) == ("text" not in way) for _, row in found)


def test_a_drawn_box_is_near_the_structure_and_inside_the_window() -> None:
    mask = np.zeros(WINDOW, np.bool_)
    mask[4:9, 10:20, 2:30] = True
    for seed in range(50):
        box = np.array(drawn_box(mask, rng(seed)))
        assert (box >= 0).all()
        assert (box[3:] <= np.array(WINDOW) - 1).all()
        assert np.abs(box - [4, 10, 2, 8, 19, 29]).max() <= 1 + 0.08 * 27


def test_points_lie_in_the_structure_and_beside_it() -> None:
    mask = np.zeros(WINDOW, np.bool_)
    mask[4:9, 10:20, 2:30] = True
    points, labels = drawn_points(mask, np.ones(WINDOW, np.bool_), 3, 4, rng())
    assert labels == [POSITIVE] * 3 + [NEGATIVE] * 4
    inside = [bool(mask[tuple(point.astype(int))]) for point in points]
    assert inside == [True] * 3 + [False] * 4
    everything = np.ones(WINDOW, np.bool_)
    points, labels = drawn_points(everything, everything, 1, 2, rng())
    assert labels == [POSITIVE] * 3  # nothing is beside it


def test_a_small_structure_counts_as_much_as_all_around_it() -> None:
    truth = torch.zeros(1, 1000)
    truth[0, :5] = 1
    valid, nothing = torch.ones(1000), torch.full((1, 1000), -5.0)
    missed = balanced_cross_entropy(nothing, truth, valid).item()
    assert missed == pytest.approx((5.0067 + 0.0067) / 2, abs=1e-3)
    assert balanced_cross_entropy(20 * truth - 10, truth, valid).item() < 1e-3


def test_a_run_is_stopped_resumed_and_shipped(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (segvol_starter, segvol_shipping):
        monkeypatch.setattr(module, "SHAPE", TINY)
        monkeypatch.setattr(module, "TEXTS", FEW)
    case.save(tmp_path / "cases" / "phantom_001")
    cases = Cases(tmp_path / "cases", (("phantom", 1.0),))
    checkpoint = tmp_path / "run.safetensors"
    recipe = segvol_starter.Recipe(hours=2 / 3600)
    first = segvol_starter.SegVolTraining(recipe, checkpoint)
    begun = {name: value.clone() for name, value in first.network.state_dict().items()}
    first.run(cases)
    moved = {name for name, value in first.network.state_dict().items() if not torch.equal(value, begun[name])}
    assert any(name.startswith("image_encoder.") for name in moved)
    assert any(name.startswith("mask_decoder.") for name in moved)
    again = segvol_starter.SegVolTraining(recipe, checkpoint)
    assert again.step == first.step > 0

    segvol_shipping.ship(checkpoint, tmp_path / "model.safetensors", "7", good_enough=-1.0, seeds=(800_002,))
    shipped = load_segvol(tmp_path / "model.safetensors", SEGVOL_SPECIFICATION)
    assert shipped.specification.texts == tuple(FEW)
    assert shipped.specification.spacing_mm == SPACING_MM
    assert not any(name.startswith("naming") for name in shipped.network.state_dict())
    engine = open_engine("segvol", tmp_path / "model.safetensors", "cpu")
    volume = Volume(np.random.default_rng(0).integers(-300, 300, (20, 30, 40), np.int16), np.diag([3.0, 3.0, 3.0, 1.0]))
    assert engine.open(volume).refine(Structure("liver"), (Text("liver"),)).notices is not None
