"""The automatic run gives the labels of MONAI's sliding window over all class logits, without keeping any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import monai_reference as reference
import numpy as np
import pytest
import torch
from engine_builders import (
    AIR,
    CLASSES,
    COLOURS,
    HEPATIC_TUMOR,
    HEPATIC_VESSEL,
    KIDNEY,
    LEFT_KIDNEY,
    LIVER,
    LUNG_TUMOR,
    MM,
    RIGHT_KIDNEY,
    SPLEEN,
    WINDOW,
    ColourBackend,
    Spy,
    cloudy_scan,
    colour_engine,
    engine_of,
    painted_scan,
    specification,
    tiny_network,
    torch_backend,
    whole,
)
from VISTA3DSegmentLib.edits import BoolArray
from VISTA3DSegmentLib.engine import Progress
from VISTA3DSegmentLib.engines.grid import Region
from VISTA3DSegmentLib.engines.vista3d import engine as engine_module
from VISTA3DSegmentLib.engines.vista3d.automatic import CHUNK_BYTES, NativeLabels, Planes, finished_planes
from VISTA3DSegmentLib.engines.vista3d.engine import OpenedVista3D, Vista3DEngine
from VISTA3DSegmentLib.engines.vista3d.windows import sweep
from VISTA3DSegmentLib.errors import Cancelled, PromptError
from VISTA3DSegmentLib.models.specification import Percentiles
from VISTA3DSegmentLib.prompts import Box
from VISTA3DSegmentLib.volume import Volume

EXCLUSIVE = tuple(n for n in CLASSES if n not in (23, 24, 25, 26, 27, 57, 128))
LIVER_BOX = (slice(4, 12), slice(3, 20), slice(4, 20))
TUMOR_BOX = (slice(6, 9), slice(6, 10), slice(6, 10))
SPLEEN_BOX = (slice(16, 40), slice(4, 9), slice(2, 9))
RIGHT_BOX = (slice(30, 36), slice(12, 18), slice(2, 8))
LEFT_BOX = (slice(30, 37), slice(12, 18), slice(12, 19))


def body() -> Volume:
    """Organs of known colours on the model's own grid; the tumour (80 HU) has the colours of liver and tumour."""
    boxes = [
        (LIVER_BOX, COLOURS[LIVER]),
        (TUMOR_BOX, 80),
        (SPLEEN_BOX, COLOURS[SPLEEN]),
        (RIGHT_BOX, COLOURS[RIGHT_KIDNEY]),
        (LEFT_BOX, COLOURS[LEFT_KIDNEY]),
    ]
    return painted_scan((42, 24, 22), boxes)


def filled(*boxes: tuple[slice, slice, slice]) -> BoolArray:
    mask = np.zeros(body().shape_kji, np.bool_)
    for box in boxes:
        mask[box] = True
    return mask


def found(opened: OpenedVista3D, *classes: int, **how: Any) -> dict[int, BoolArray]:
    return {n: whole(edit, opened.volume) for n, edit in opened.segment(classes, **how)}


def agreement(ours: np.ndarray, theirs: np.ndarray) -> float:
    assert ours.shape == theirs.shape
    return float((ours == theirs).mean())


@pytest.mark.parametrize("blending", ["constant", "gaussian"])
@pytest.mark.parametrize(
    ("shape_kji", "overlap"),
    [((26, 35, 30), 0.25), ((26, 20, 22), 0.625), ((9, 30, 12), 0.25), ((7, 11, 13), 0.25), ((1, 20, 20), 0.25)],
    ids=["several windows", "much overlap", "thinner than a window", "smaller than a window", "one slice"],
)
def test_labels_on_the_grid_are_monais(shape_kji: tuple[int, int, int], overlap: float, blending: Any) -> None:
    expects = specification(overlap=overlap, blending=blending)
    opened = engine_of(expects=expects).open(cloudy_scan(shape_kji))
    grid = opened.grid
    image = reference.scaled(grid.read(grid.foreground), expects)
    expected = reference.automatic_labels(tiny_network(), image, EXCLUSIVE, expects)
    assert len(np.unique(expected)) > 3
    assert agreement(opened.grid_labels(EXCLUSIVE), expected) >= 0.9999


def test_labels_of_an_oblique_scan_are_those_of_the_whole_bundle() -> None:
    volume = cloudy_scan((14, 40, 36), spacing_mm=(0.9, 0.9, 2.6), axes="LPS", degrees=12.0)
    expects = specification()
    values, _ = reference.resampled(volume)
    low, high = reference.foreground(values)
    image = reference.scaled(values[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], expects)
    expected = reference.automatic_labels(tiny_network(), image, EXCLUSIVE, expects)
    assert agreement(engine_of(expects=expects).open(volume).grid_labels(EXCLUSIVE), expected) >= 0.999


def test_masks_on_the_grids_own_voxels_are_the_labels_of_the_grid() -> None:
    opened = engine_of().open(cloudy_scan((26, 24, 30)))
    labels = opened.grid_labels(EXCLUSIVE).transpose(2, 1, 0)
    for class_id, mask in found(opened, *EXCLUSIVE).items():
        assert agreement(mask, labels == class_id) >= 0.9999


def test_half_precision_sums_change_next_to_nothing() -> None:
    volume = cloudy_scan((26, 24, 30))
    labels = engine_of(keep_half=True).open(volume).grid_labels(EXCLUSIVE)
    assert agreement(labels, engine_of().open(volume).grid_labels(EXCLUSIVE)) >= 0.99


def test_windows_in_batches_give_the_same_labels() -> None:
    volume = cloudy_scan((26, 24, 30))
    expected = engine_of().open(volume).grid_labels(EXCLUSIVE)
    assert agreement(engine_of(batch=3).open(volume).grid_labels(EXCLUSIVE), expected) >= 0.9999


def test_every_organ_is_found_where_it_is() -> None:
    masks = found(colour_engine()[0].open(body()), SPLEEN, RIGHT_KIDNEY, LEFT_KIDNEY, LIVER)
    assert list(masks) == [SPLEEN, RIGHT_KIDNEY, LEFT_KIDNEY, LIVER]
    np.testing.assert_array_equal(masks[SPLEEN], filled(SPLEEN_BOX))
    np.testing.assert_array_equal(masks[RIGHT_KIDNEY], filled(RIGHT_BOX))
    np.testing.assert_array_equal(masks[LIVER], filled(LIVER_BOX))


def test_a_tumour_does_not_take_its_voxels_from_the_organ() -> None:
    masks = found(colour_engine()[0].open(body()), LIVER, HEPATIC_TUMOR)
    np.testing.assert_array_equal(masks[HEPATIC_TUMOR], filled(TUMOR_BOX))
    np.testing.assert_array_equal(masks[LIVER], filled(LIVER_BOX))


def test_lesions_and_vessels_overlap_each_other_too() -> None:
    shared, vessel = (slice(4, 8), slice(4, 8), slice(4, 8)), (slice(8, 12), slice(4, 8), slice(4, 8))
    scan = painted_scan((16, 16, 16), [(shared, 120), (vessel, 170)])
    masks = found(colour_engine()[0].open(scan), HEPATIC_TUMOR, HEPATIC_VESSEL, LUNG_TUMOR)
    assert np.argwhere(masks[HEPATIC_TUMOR]).min(axis=0).tolist() == [4, 4, 4]
    assert np.argwhere(masks[HEPATIC_TUMOR]).max(axis=0).tolist() == [7, 7, 7]
    assert np.argwhere(masks[HEPATIC_VESSEL]).max(axis=0).tolist() == [11, 7, 7]
    assert [int(masks[n].sum()) for n in (HEPATIC_TUMOR, HEPATIC_VESSEL, LUNG_TUMOR)] == [64, 128, 0]


@pytest.mark.parametrize("axes", ["RAS", "LPI", "SRP"])
def test_every_voxel_between_the_planes_of_the_grid_is_decided(monkeypatch: pytest.MonkeyPatch, axes: str) -> None:
    monkeypatch.setattr(engine_module, "CHUNK_BYTES", 1)  # one plane at a time, so that every plane is a border
    scan = painted_scan((30, 27, 33), [], ground=COLOURS[LIVER], spacing_mm=(0.9, 0.7, 1.1), axes=axes)
    scan.array[0, 0, 0] = COLOURS[LIVER]
    scan.array[15, 14, 16] = AIR  # between grid points or not: it is a CT
    mask = found(colour_engine()[0].open(scan), LIVER)[LIVER]
    assert (~mask).sum() <= 27
    assert mask[[0, -1]].all()
    assert mask[:, [0, -1]].all()
    assert mask[:, :, [0, -1]].all()


def test_a_group_is_the_union_of_its_members() -> None:
    masks = found(colour_engine()[0].open(body()), KIDNEY, LEFT_KIDNEY)
    np.testing.assert_array_equal(masks[KIDNEY], filled(LEFT_BOX, RIGHT_BOX))
    np.testing.assert_array_equal(masks[LEFT_KIDNEY], filled(LEFT_BOX))


def test_an_organ_that_is_not_there_is_answered_with_the_reason() -> None:
    empty = painted_scan((20, 20, 20), [((slice(4, 9), slice(4, 9), slice(4, 9)), COLOURS[LIVER])])
    edits = dict(colour_engine()[0].open(empty).segment([SPLEEN, LIVER]))
    assert edits[SPLEEN].mask.size == 0
    assert "spleen was not found" in edits[SPLEEN].empty_reason
    assert edits[LIVER].added == 5**3
    assert edits[LIVER].empty_reason == ""


def test_a_class_that_the_model_does_not_know_is_refused_by_name() -> None:
    with pytest.raises(PromptError, match="pancreas"):
        list(engine_of(expects=specification(classes=(LIVER,))).open(body()).segment([4]))
    with pytest.raises(PromptError, match="No class"):
        list(engine_of().open(body()).segment([]))


# ---------------------------------------------------------------------- region


def box_of(volume: Volume, low_kji: tuple[float, ...], high_kji: tuple[float, ...]) -> Box:
    corners = [volume.ras_of((kji[2], kji[1], kji[0])) for kji in (low_kji, high_kji)]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def test_in_a_region_the_labels_are_those_of_its_own_windows() -> None:
    volume, expects = cloudy_scan((44, 40, 42)), specification()
    opened = engine_of(expects=expects).open(volume)
    # 18 x 20 x 22 voxels: larger than a window along each axis, so its windows are those of the region alone.
    masks = found(opened, *EXCLUSIVE, region=box_of(volume, (10, 8, 12), (27, 27, 33)))
    part = (slice(10, 28), slice(8, 28), slice(12, 34))
    image = reference.scaled(volume.array[part].transpose(2, 1, 0), expects)
    expected = reference.automatic_labels(tiny_network(), image, EXCLUSIVE, expects).transpose(2, 1, 0)
    for class_id, mask in masks.items():
        assert agreement(mask[part], expected == class_id) >= 0.999
        assert mask.sum() == mask[part].sum()


def test_a_region_costs_only_its_windows() -> None:
    engine, spy = colour_engine()
    opened = engine.open(body())
    region = box_of(opened.volume, (30, 12, 2), (36, 17, 8))
    assert len(opened.windows(region)) == 1 < len(opened.windows())
    np.testing.assert_array_equal(found(opened, RIGHT_KIDNEY, region=region)[RIGHT_KIDNEY], filled(RIGHT_BOX))
    assert len(spy.images) == 1


@pytest.mark.parametrize("degrees", [0.0, 25.0])
def test_not_one_voxel_outside_the_region_is_labelled(degrees: float) -> None:
    ground = painted_scan((20, 40, 40), [], ground=COLOURS[LIVER], spacing_mm=(0.8, 0.8, 1.9), degrees=degrees)
    middle = ground.ras_of((20.0, 20.0, 10.0))
    low, high = middle - np.array((4.3, 5.2, 6.4)), middle + np.array((6.1, 3.7, 2.2))
    region = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    mask = found(colour_engine()[0].open(ground), LIVER, region=region)[LIVER]
    k, j, i = np.meshgrid(*map(np.arange, mask.shape), indexing="ij")
    positions = np.stack([i, j, k], axis=-1) @ ground.ijk_to_ras[:3, :3].T + ground.ijk_to_ras[:3, 3]
    np.testing.assert_array_equal(mask, ((positions >= low) & (positions <= high)).all(axis=-1))


def test_a_region_beside_everything_that_is_image_finds_nothing() -> None:
    opened = colour_engine()[0].open(body())
    assert not found(opened, LIVER, region=Box((900.0, 900.0, 900.0), (910.0, 910.0, 910.0)))[LIVER].any()


# ---------------------------------------------------------------------- progress, cancel, memory


def test_progress_counts_every_window_and_ends_with_nothing_left() -> None:
    seen: list[Progress] = []
    opened = colour_engine()[0].open(body())
    list(opened.segment([LIVER], on_progress=seen.append))
    assert [step.done for step in seen] == list(range(1, len(opened.windows()) + 1))
    assert {step.total for step in seen} == {len(opened.windows())}
    assert seen[0].seconds_left is not None
    assert seen[0].seconds_left > 0
    assert seen[-1].seconds_left == 0


def test_cancel_takes_effect_within_one_window_and_leaves_nothing_behind() -> None:
    engine, spy = colour_engine()
    opened = engine.open(body())
    assert len(opened.windows()) > 4
    with pytest.raises(Cancelled):
        list(opened.segment([LIVER], cancel=lambda: len(spy.images) >= 2))
    assert len(spy.images) == 2
    np.testing.assert_array_equal(found(opened, LIVER)[LIVER], filled(LIVER_BOX))


def chunks_seen(monkeypatch: pytest.MonkeyPatch, chunk_bytes: int, spied: Spy | None = None) -> list[tuple[int, int]]:
    """(bytes of logits, windows computed so far) of each step of the decision from now on."""
    seen: list[tuple[int, int]] = []
    decide = NativeLabels.decide

    def noted(self: NativeLabels, planes: Planes, vectors: torch.Tensor) -> None:
        seen.append((4 * len(vectors) * planes.features[0].numel(), len(spied.images) if spied else 0))
        decide(self, planes, vectors)

    monkeypatch.setattr(engine_module, "CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr(NativeLabels, "decide", noted)
    return seen


@pytest.mark.parametrize("classes", [1, len(EXCLUSIVE)])
def test_the_logits_that_exist_at_one_time_are_bounded(monkeypatch: pytest.MonkeyPatch, classes: int) -> None:
    volume = cloudy_scan((40, 24, 30))
    expected = found(engine_of().open(volume), *EXCLUSIVE[:classes])
    bound = 4 * len(EXCLUSIVE) * 24 * 30 * 3  # three planes of all classes
    seen = chunks_seen(monkeypatch, bound)
    masks = found(engine_of().open(volume), *EXCLUSIVE[:classes])
    assert max(size for size, _ in seen) <= bound
    for class_id, mask in masks.items():
        np.testing.assert_array_equal(mask, expected[class_id])


def test_finished_planes_are_decided_before_later_windows_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy(torch_backend())
    seen = chunks_seen(monkeypatch, CHUNK_BYTES, spy)
    opened = engine_of(spy).open(cloudy_scan((70, 18, 18)))
    list(opened.segment([LIVER]))
    levels = len(opened.windows().starts[2])
    assert levels >= 5
    assert [windows for _, windows in seen] == [(n + 1) * len(spy.images) // levels for n in range(levels)]


def test_memory_of_the_running_sum_does_not_grow_with_the_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    # The features of one level of windows are what is kept: never more planes than a window is deep.
    seen: list[int] = []
    decide = NativeLabels.decide

    def noted(self: NativeLabels, planes: Planes, vectors: torch.Tensor) -> None:
        seen.append(planes.features.shape[-1])
        decide(self, planes, vectors)

    monkeypatch.setattr(NativeLabels, "decide", noted)
    list(engine_of().open(cloudy_scan((100, 18, 18))).segment([LIVER]))
    assert max(seen) <= specification().window[2]
    assert sum(seen) == 100


@pytest.mark.parametrize("blending", ["constant", "gaussian"])
def test_where_windows_agree_blending_changes_nothing(blending: Any) -> None:
    asked = Region((2, 0, 3), (30, 20, 40))
    lattice = sweep(asked, Region((0, 0, 0), (32, 20, 44)), WINDOW, 0.3)

    def ramp(windows: Sequence[Region]) -> Iterator[tuple[Region, torch.Tensor]]:
        for window in windows:
            along = torch.arange(window.low[2], window.high[2]).float().expand(*WINDOW)
            yield window, torch.stack([along, torch.full(WINDOW, 5.0)])

    planes = list(finished_planes(lattice, asked, blending, ramp, torch.float32, planes_at_once=4))
    assert [part.region.low[2] for part in planes] == sorted(part.region.low[2] for part in planes)
    features = torch.cat([part.features for part in planes], dim=-1)
    torch.testing.assert_close(features[0], torch.arange(3, 40).float().expand(28, 20, 37), atol=1e-4, rtol=0)
    torch.testing.assert_close(features[1], torch.full((28, 20, 37), 5.0))


# ---------------------------------------------------------------------- grey values


def test_an_image_without_hounsfield_units_is_scaled_by_itself_and_the_person_is_told() -> None:
    ct = cloudy_scan((20, 20, 20))
    magnetic = Volume(np.clip(ct.array.astype(np.float32) + 1100, 0, None), ct.ijk_to_ras)
    spy = Spy(ColourBackend())
    (_, edit), *_ = engine_of(spy).open(magnetic).segment([LIVER])
    assert "Hounsfield" in edit.notices[0]
    image = torch.stack(spy.images)
    assert (float(image.min()), float(image.max())) == (0.0, 1.0)


def test_a_model_of_percentiles_sees_the_percentiles_of_the_image() -> None:
    spy = Spy(ColourBackend())
    expects = specification(intensity=Percentiles(5.0, 95.0))
    opened: OpenedVista3D = Vista3DEngine.open(engine_of(spy, expects), cloudy_scan((16, 16, 16)))
    ((_, edit),) = opened.segment([LIVER])
    assert edit.notices == ()
    low, high = np.percentile(opened.volume.array, (5, 95))
    expected = np.clip((opened.volume.array.transpose(2, 1, 0) - low) / (high - low), 0, 1)
    assert opened.grid.spacing_mm == (MM, MM, MM)
    np.testing.assert_allclose(spy.images[0].numpy(), expected, atol=1e-5)


SPECK_BOX = (slice(20, 22), slice(14, 17), slice(12, 16))
FAR_BOX = (slice(24, 30), slice(12, 18), slice(2, 10))


@pytest.mark.parametrize(("smallest", "kept"), [(0.0, (SPECK_BOX, FAR_BOX)), (0.1, (FAR_BOX,)), (1.0, ())])
def test_small_pieces_of_an_automatic_answer_are_dropped(
    smallest: float, kept: tuple[tuple[slice, slice, slice], ...]
) -> None:
    # 2176 voxels, 24 voxels (1 %) and 288 voxels (13 %) of the liver's colour.
    volume = painted_scan((40, 22, 22), [(box, COLOURS[LIVER]) for box in (LIVER_BOX, SPECK_BOX, FAR_BOX)])
    expects = specification(smallest_piece=smallest, window=(48, 48, 48))
    opened = engine_of(ColourBackend(), expects).open(volume)
    ((_, edit),) = opened.segment([LIVER])
    expected = np.zeros(volume.shape_kji, np.bool_)
    for box in (LIVER_BOX, *kept):
        expected[box] = True
    np.testing.assert_array_equal(whole(edit, volume), expected)
