"""Training the starter: losses, optimiser, the point head's start, patches, and a run that is stopped and resumed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from VISTA3DSegmentLib.engines.vista3d.network import NetworkShape, build_network
from VISTA3DSegmentLib.engines.vista3d.weights import load_model
from VISTA3DSegmentLib.errors import ModelError
from VISTA3DSegmentLib.learning import point_head_start, shipping, starter
from VISTA3DSegmentLib.learning.cases import PHANTOM_CLASSES, SPACING_MM, prepare_phantom, supervoxels
from VISTA3DSegmentLib.learning.losses import competing_classes, dice_cross_entropy, dice_of
from VISTA3DSegmentLib.learning.optimizer import Optimizer
from VISTA3DSegmentLib.learning.patches import Case, augment, choose_classes, choose_targets, cut_patch

TINY = NetworkShape(init_filters=8, feature_size=16, blocks_down=(1, 1), n_classes=160)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def phantom_case() -> Case:
    return prepare_phantom(1_001)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "SHAPE", TINY)
    monkeypatch.setattr(starter, "WINDOW", (16, 16, 16))


# Losses


def test_a_right_answer_costs_nothing_and_a_wrong_one_much():
    truth = torch.zeros(2, 1000)
    truth[0, :200] = truth[1, 500:510] = 1
    valid = torch.ones(1000)
    for loss in (dice_cross_entropy, competing_classes):
        right = loss(40 * truth - 20, truth, valid).item()
        assert right < 1e-3 < 1 < loss(20 - 40 * truth, truth, valid).item(), loss.__name__


def test_voxels_that_are_not_valid_do_not_count():
    truth, logits = torch.zeros(1, 100), torch.full((1, 100), -20.0)
    truth[0, :10] = 1
    logits[0, :10] = 20
    valid = torch.ones(100)
    valid[50:] = 0
    spoiled = logits.clone()
    spoiled[0, 50:] = 20
    for loss in (dice_cross_entropy, competing_classes):
        assert loss(spoiled, truth, valid).item() == pytest.approx(loss(logits, truth, valid).item(), abs=1e-6)
    assert dice_of(spoiled, truth, valid).item() == pytest.approx(1.0)


def test_an_absent_class_costs_no_dice():
    truth, valid = torch.zeros(2, 100), torch.ones(100)
    truth[0, :50] = 1
    assert competing_classes(40 * truth - 20, truth, valid).item() < 1e-3
    assert dice_cross_entropy(40 * truth - 20, truth, valid).item() < 1e-3


# Optimiser


def step(network: torch.nn.Module, optimizer: Optimizer, image: torch.Tensor) -> float:
    _, features = network.image_encoder(image, with_point=False, with_label=True)
    logits, _ = network.class_head(features, torch.tensor([[1], [3]]))
    target = torch.stack([image[0] > 0.5, image[0] < 0.2]).float().flatten(1)
    loss = dice_cross_entropy(logits.flatten(1), target, torch.ones(target.shape[1]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def test_the_optimiser_learns_and_leaves_what_got_no_gradient():
    torch.manual_seed(1)
    network, image = build_network(TINY), torch.rand(1, 1, 16, 16, 16)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = Optimizer(network)
    optimizer.rate = 3e-3
    losses = [step(network, optimizer, image) for _ in range(25)]
    assert losses[-1] < 0.7 * losses[0]
    after = network.state_dict()
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert "image_encoder.encoder.conv_init.weight" in moved
    assert "image_encoder.encoder.layers.1.blocks.0.conv1.weight" in moved
    assert not any(name.startswith("point_head") for name in moved)


def test_an_optimiser_that_took_back_its_moments_goes_on_alike():
    torch.manual_seed(1)
    network, image = build_network(TINY), torch.rand(1, 1, 16, 16, 16)
    optimizer = Optimizer(network)
    optimizer.rate = 1e-3
    for _ in range(3):
        step(network, optimizer, image)
    other = build_network(TINY)
    other.load_state_dict(network.state_dict())
    successor = Optimizer(other)
    successor.set_moments({name: value.clone() for name, value in optimizer.moments().items()})
    successor.rate = optimizer.rate
    assert optimizer.rate == 1e-3
    for _ in range(2):
        assert step(network, optimizer, image) == pytest.approx(step(other, successor, image), rel=1e-5)


# The point head's start


def test_an_untaught_point_head_attends_to_the_place_of_a_click():
    torch.manual_seed(1)
    head = build_network(starter.SHAPE).point_head
    point_head_start.start_point_head(head)
    places = head.pe_layer((12, 12, 12)).flatten(1).T
    for at in ((2, 3, 4), (6, 6, 6), (10, 1, 8)):
        click = head.pe_layer.forward_with_coords(torch.tensor([[at]]) + 0.5, (12, 12, 12))[0]
        for layer in head.transformer.layers:
            attention = layer.cross_attn_token_to_image
            with torch.no_grad():
                best = int((attention.q_proj(click) @ attention.k_proj(places).T).argmax())
            found = np.unravel_index(best, (12, 12, 12))
            assert np.abs(np.array(found) - at).max() <= 1


@pytest.mark.slow
def test_the_lesson_teaches_regions():
    torch.manual_seed(1)
    head = build_network(starter.SHAPE).point_head
    point_head_start.start_point_head(head)
    assert point_head_start.warm_up_point_head(head, rng(), steps=600) > 0.35


def test_a_lesson_asks_for_the_region_of_its_positive_clicks():
    for seed in range(20):
        _, points, labels, truth = point_head_start._regions(rng(seed), 4)
        side = point_head_start.SIDE
        at = (points @ torch.tensor([side * side, side, 1.0])).long()
        assert torch.equal(truth.gather(1, at), labels)


# Cases and patches


def test_a_phantom_case_is_on_the_models_grid(phantom_case):
    assert phantom_case.image.shape == phantom_case.labels.shape
    assert phantom_case.image.dtype == np.float16
    assert phantom_case.image.min() >= 0
    assert phantom_case.image.max() <= 1
    assert phantom_case.kind == "phantom"
    assert phantom_case.labelled == PHANTOM_CLASSES
    # A liver of one to three litres on a grid of this spacing; right of the midline (the first axis runs to the right).
    liver = np.argwhere(phantom_case.labels == 1)
    assert 0.7 < len(liver) * np.prod(SPACING_MM) * 1e-6 < 3.5
    assert liver[:, 0].mean() > np.argwhere(phantom_case.labels == 3)[:, 0].mean()


def test_a_case_comes_back_from_its_folder(phantom_case, tmp_path):
    phantom_case.save(tmp_path / "case")
    back = Case.load(tmp_path / "case")
    assert np.array_equal(back.image, phantom_case.image)
    assert np.array_equal(back.labels, phantom_case.labels)
    assert (back.regions, back.labelled, back.kind) == (None, phantom_case.labelled, "phantom")


def test_supervoxels_follow_edges_and_leave_out_air():
    image = np.zeros((40, 40, 40), np.float32)
    image[5:35, 5:35, 5:20], image[5:35, 5:35, 20:35] = 0.4, 0.7
    found = supervoxels(image, rng())
    assert not found[image == 0].any()
    lower, upper = np.unique(found[8:32, 8:32, 8:17]), np.unique(found[8:32, 8:32, 23:32])
    assert lower[lower > 0].size
    assert not set(lower[lower > 0]) & set(upper[upper > 0])


def test_a_patch_beyond_the_case_repeats_the_border_and_says_so():
    labels = np.ones((20, 20, 6), np.uint8)
    image = np.broadcast_to(np.linspace(0, 1, 6, dtype=np.float16), labels.shape)
    for seed in range(10):
        patch = cut_patch(Case(image, labels, None, frozenset({1}), "real"), (16, 16, 16), rng(seed), thin=0)
        assert patch.image.shape == patch.valid.shape == (16, 16, 16)
        planes = np.flatnonzero(patch.valid.any(axis=(0, 1)))
        assert len(planes) == 6
        assert (patch.valid.sum(axis=(0, 1))[planes] == 256).all()
        assert (patch.image[..., : planes[0]] == 0).all()
        assert (patch.image[..., planes[-1] :] == 1).all()


def test_patches_that_ask_by_name_keep_left_and_right(phantom_case):
    draws = rng()
    mirrored = 0
    for _ in range(20):
        patch = cut_patch(phantom_case, (24, 24, 24), draws)
        assert np.array_equal(augment(patch, draws, named=True).labels, patch.labels)
        mirrored += not np.array_equal(augment(patch, draws, named=False).labels, patch.labels)
    assert mirrored > 5


def test_classes_to_ask_for_are_all_or_some_that_are_there_and_some_that_are_not(phantom_case):
    patch = cut_patch(phantom_case, (48, 48, 48), rng(3), thin=0)
    there = {n for n in starter.CLASSES if (patch.labels == n).sum() >= 60}
    assert len(there) > 2
    asked = []
    for seed in range(40):
        ids, masks = choose_classes(patch, starter.CLASSES, 32, rng(seed))
        assert all(np.array_equal(mask, patch.labels == n) for n, mask in zip(ids, masks, strict=True))
        assert len(set(ids)) == len(ids)
        absent = set(ids) - there
        assert absent
        assert not any((patch.labels == n).any() for n in absent)
        asked.append(len(set(ids) & there))
    assert 10 < asked.count(len(there)) < 35
    assert min(asked) <= 2


def test_objects_to_click_on_are_large_enough_to_be_hit(phantom_case):
    draws = rng()
    for _ in range(10):
        patch = cut_patch(phantom_case, (24, 24, 24), draws)
        targets = choose_targets(patch, 3, draws)
        assert len(targets) in (0, 3)
        assert all((target.mask & patch.valid).sum() >= 60 for target in targets)


def test_a_click_goes_into_the_largest_error():
    truth = torch.zeros(1, 16, 16, 16)
    truth[0, 2:10, 2:10, 2:10] = 1
    answer = torch.full_like(truth, -1.0)
    answer[0, 2:10, 2:10, 2:5] = 1  # five of eight planes are missing
    clicker = starter.Clicker(truth, torch.ones(16, 16, 16), [False], rng())
    clicker.correct(answer)
    assert clicker.labels.tolist() == [[1.0]]
    r, a, s = clicker.points[0, 0].long().tolist()
    assert truth[0, r, a, s] == 1
    assert answer[0, r, a, s] < 0
    answer[0, 10:, :, :] = 1  # and now far more is wrong outside
    clicker.correct(torch.where(truth > 0, 1.0, answer))
    assert clicker.labels[0, 1] == 0
    assert clicker.points[0, 1, 0] >= 10


# A run


def test_a_run_resumes_where_it_was_stopped_and_its_model_ships(tiny, phantom_case, tmp_path, monkeypatch):
    phantom_case.save(tmp_path / "cases" / "phantom_001")
    cases = starter.Cases(tmp_path / "cases", (("phantom", 1.0),))
    checkpoint = tmp_path / "run.safetensors"
    recipe = starter.Recipe(hours=1 / 3600, classes_first=2, objects=2)
    first = starter.Trainer(recipe, checkpoint)
    first.run(cases)
    assert first.step > 2

    with pytest.raises(ModelError, match="begun with another classes_first"):
        starter.Trainer(replace(recipe, classes_first=0), checkpoint)
    again = starter.Trainer(replace(recipe, rate=5e-4), checkpoint)
    assert (again.step, again.seconds) == (first.step, first.seconds)
    for name, value in first.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], value), name
    assert {n: v.sum() for n, v in again.optimizer.moments().items()} == {
        n: v.sum() for n, v in first.optimizer.moments().items()
    }
    again.recipe.hours = 2 / 3600
    again.run(cases)
    assert again.step > first.step

    monkeypatch.setattr(shipping, "CLASSES", frozenset({1, 3}))
    scores = shipping.ship(checkpoint, tmp_path / "model.safetensors", "7", good_enough=0.0, seeds=(800_002,))
    shipped = load_model(tmp_path / "model.safetensors")
    assert set(scores) == {1, 3}
    assert shipped.specification.classes == (1, 3)
    assert (shipped.specification.version, shipped.shape) == ("7", TINY)
    assert [path.name for path in tmp_path.glob("*.safetensors")].count("trial.safetensors") == 0

    further = starter.Trainer(recipe, tmp_path / "new.safetensors", tmp_path / "model.safetensors")
    assert further.step == 0
    name = "class_head.class_embeddings.weight"
    assert torch.allclose(further.network.state_dict()[name], again.average[name], atol=2e-3)
    begun = {name: value.clone() for name, value in further.network.state_dict().items()}
    further.recipe.hours = 0.5 / 3600
    further.run(cases)
    assert any(not torch.equal(value, begun[name]) for name, value in further.network.state_dict().items())


def test_a_run_for_classes_only_leaves_what_clicks_need(tiny, phantom_case, tmp_path):
    phantom_case.save(tmp_path / "cases" / "phantom_001")
    recipe = starter.Recipe(hours=0.5 / 3600, classes_first=0, classes_only=True)
    trainer = starter.Trainer(recipe, tmp_path / "run.safetensors")
    begun = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    trainer.run(starter.Cases(tmp_path / "cases", (("phantom", 1.0),)))
    moved = {name for name, value in trainer.network.state_dict().items() if not torch.equal(value, begun[name])}
    assert moved
    assert all("up_layers_auto" in name or name.startswith("class_head") for name in moved)


def test_a_run_that_begins_with_a_missing_model_says_so(tmp_path):
    with pytest.raises(ModelError, match="no model file"):
        starter.Trainer(starter.Recipe(), tmp_path / "run.safetensors", Path(tmp_path / "gone.safetensors"))
