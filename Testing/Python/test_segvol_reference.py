"""The authors' zoom-out-zoom-in, its padding defect mended, against a calculation that shares no code with it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from segvol_builders import GreyBackend, engine_of, specification
from test_segvol_engine import AIR, BRIGHT, NEW, TISSUE, box_of
from VISTA3DSegmentLib.errors import PromptError
from VISTA3DSegmentLib.prompts import Box, Click, Prompts, Text
from VISTA3DSegmentLib.volume import Volume

WINDOW = (16, 32, 32)
Place = tuple[slice, slice, slice]


class Padded(GreyBackend):
    """Sees bright voxels inside the box that it is given, if any; and near positive points only, if any."""

    def decode(self, embedding, prompts):  # type: ignore[no-untyped-def]
        logits = super().decode(embedding, prompts)
        if prompts.points is not None:
            near = np.zeros(logits.shape, np.bool_)
            for point, label in zip(prompts.points.numpy(), prompts.labels.tolist(), strict=True):
                if label == 1:
                    grid = np.ogrid[tuple(slice(0, n) for n in logits.shape)]
                    near |= sum((g - p) ** 2 for g, p in zip(grid, point, strict=True)) <= 15**2
            logits = torch.where(torch.from_numpy(near), logits, -5.0)
        return logits


def body(shape: tuple[int, int, int], blob: Place) -> Volume:
    """Tissue everywhere but for one plane of air at the end of each axis, with a bright blob."""
    array = np.full(shape, TISSUE, np.int16)
    array[0] = array[:, 0] = array[:, :, 0] = AIR
    array[blob] = BRIGHT
    return Volume(array, np.diag([-1.0, -1.0, 1.0, 1.0]))


def by_hand(volume: Volume, truth_box: Place | None, point: tuple[int, int, int] | None) -> np.ndarray:
    """What the authors' algorithm finds with the network of ``Padded``: plain loops over one axis after the other."""
    image = (np.clip(volume.array, -1000, 1000) + 1000) / 2000
    crop = image[1:, 1:, 1:]  # the box of what is brighter than 0
    shape, answer = crop.shape, np.zeros(volume.shape_kji, np.bool_)

    def seen(window: np.ndarray, box: Sequence[float] | None, at: Sequence[float] | None) -> np.ndarray:
        k, j, i = np.indices(window.shape)
        found = window > 0.6
        if box is not None:
            for index, low, high in zip((k, j, i), box[:3], box[3:], strict=True):
                found &= (index >= low - 0.51) & (index <= high + 0.51) & (low >= 0)
        if at is not None:
            found &= (k - at[0]) ** 2 + (j - at[1]) ** 2 + (i - at[2]) ** 2 <= 15**2
        return found

    nearest = [
        [math.floor((n + 0.5) * count / size) for n in range(size)] for count, size in zip(shape, WINDOW, strict=True)
    ]
    whole = crop[np.ix_(*nearest)]
    scale = [size / count for count, size in zip(shape, WINDOW, strict=True)]
    out_box = None
    if truth_box is not None:
        first = [(part.start - 1) * s for part, s in zip(truth_box, scale, strict=True)]
        last = [(part.stop - 1) * s - 1 for part, s in zip(truth_box, scale, strict=True)]
        out_box = [*first, *(max(a, b) for a, b in zip(first, last, strict=True))]
    out_point = None if point is None else [(p - 1 + 0.5) * s - 0.5 for p, s in zip(point, scale, strict=True)]
    coarse = seen(whole, out_box, out_point)
    back = [[math.floor(n * size / count) for n in range(count)] for count, size in zip(shape, WINDOW, strict=True)]
    native = coarse[np.ix_(*back)]
    if not native.any():
        return answer
    low, high = [], []
    for axis in range(3):
        used = [n for n in range(shape[axis]) if native.take(n, axis).any()]
        half = max(0, WINDOW[axis] - (used[-1] - used[0] + 1)) // 2
        low.append(max(0, used[0] - half))
        high.append(min(shape[axis], used[-1] + half) + 1)
    part = tuple(slice(a, min(b, n)) for a, b, n in zip(low, high, shape, strict=True))
    region, coarse_region = crop[part], native[part]
    pads = [max(0, size - count) for size, count in zip(WINDOW, region.shape, strict=True)]
    before = [pad // 2 for pad in pads]
    around = [(a, pad - a) for a, pad in zip(before, pads, strict=True)]
    padded, coarse_padded = np.pad(region, around), np.pad(coarse_region, around)
    votes, total = np.zeros(padded.shape), np.zeros(padded.shape)
    one = all(n == size for n, size in zip(padded.shape, WINDOW, strict=True))
    starts = []
    for count, size in zip(padded.shape, WINDOW, strict=True):
        step = size if count == size else size // 2
        starts.append(sorted({min(n, count - size) for n in range(0, count, step)}))
    for k in starts[0]:
        for j in starts[1]:
            for i in starts[2]:
                here = (slice(k, k + 16), slice(j, j + 32), slice(i, i + 32))
                where = np.argwhere(coarse_padded[here])
                box: Sequence[float] | None = [*where.min(0), *where.max(0)] if len(where) else [-1.0] * 6
                at = None
                if point is not None:
                    at = [p - 1 - a + b - s for p, a, b, s in zip(point, low, before, (k, j, i), strict=True)]
                    inside = all(0 <= p < size for p, size in zip(at, WINDOW, strict=True))
                    found = seen(padded[here], box, at) if inside else np.zeros(WINDOW, np.bool_)
                else:
                    if truth_box is None:
                        box = None
                    elif one:
                        box = [t.start - 1 - a + b for t, a, b in zip(truth_box, low, before, strict=True)]
                        box += [t.stop - 2 - a + b for t, a, b in zip(truth_box, low, before, strict=True)]
                    found = seen(padded[here], box, None)
                votes[here] += np.where(found, 5.0, -5.0)
                total[here] += 1
    inner = tuple(slice(b, b + n) for b, n in zip(before, region.shape, strict=True))
    result = native.copy()
    result[part] = (votes / total > 0)[inner]
    answer[1:, 1:, 1:] = result
    return answer


CASES: dict[str, tuple[tuple[int, int, int], Place]] = {
    "one window": ((40, 90, 100), (slice(10, 18), slice(30, 50), slice(40, 60))),
    "fewer slices than the window": ((11, 90, 100), (slice(4, 8), slice(30, 50), slice(40, 60))),
    "a body smaller than the window": ((40, 23, 25), (slice(10, 18), slice(6, 15), slice(8, 20))),
    "smaller along every axis": ((9, 23, 25), (slice(3, 6), slice(6, 15), slice(8, 20))),
    "at the border": ((40, 90, 100), (slice(1, 8), slice(1, 21), slice(80, 100))),
    "at the other border": ((37, 91, 101), (slice(30, 37), slice(71, 91), slice(1, 15))),
    "many windows": ((50, 100, 120), (slice(5, 41), slice(12, 90), slice(20, 99))),
}


def ours(volume: Volume, prompts: Prompts) -> np.ndarray:
    """The engine's answer in the authors' way."""
    opened = engine_of(Padded(), specification(), reference=True).open(volume)
    return opened.refine(NEW, prompts).onto(None).full(volume.shape_kji)


@pytest.mark.parametrize("case", CASES)
def test_text_is_answered_as_by_hand(case: str) -> None:
    volume = body(*CASES[case])
    expected = by_hand(volume, None, None)
    assert expected.any()
    np.testing.assert_array_equal(ours(volume, (Text("bright"),)), expected)


@pytest.mark.parametrize("case", CASES)
def test_a_box_is_answered_as_by_hand(case: str) -> None:
    shape, blob = CASES[case]
    volume = body(shape, blob)
    half = (blob[0], blob[1], slice(blob[2].start, (blob[2].start + blob[2].stop) // 2))
    mask = np.zeros(shape, np.bool_)
    mask[half] = True
    expected = by_hand(volume, half, None)
    assert expected.any()
    np.testing.assert_array_equal(ours(volume, (box_of(volume, mask),)), expected)


@pytest.mark.parametrize("case", CASES)
def test_a_point_is_answered_as_by_hand(case: str) -> None:
    shape, blob = CASES[case]
    volume = body(shape, blob)
    k, j, i = ((part.start + part.stop) // 2 for part in blob)
    expected = by_hand(volume, None, (k, j, i))
    assert expected.any()
    r, a, s = volume.ras_of((i, j, k))
    np.testing.assert_array_equal(ours(volume, (Click((float(r), float(a), float(s))),)), expected)


def test_a_box_where_nothing_is_finds_nothing() -> None:
    shape, blob = CASES["one window"]
    volume = body(shape, blob)
    mask = np.zeros(shape, np.bool_)
    mask[30:35, 60:70, 70:80] = True
    assert not ours(volume, (box_of(volume, mask),)).any()


def test_points_and_a_box_at_once_are_refused_as_there() -> None:
    volume = body(*CASES["one window"])
    with pytest.raises(PromptError, match="points or a box"):
        ours(volume, (Box((-70.0, -60.0, 5.0), (-30.0, -20.0, 20.0)), Click((-50.0, -40.0, 14.0))))


def test_the_calculation_by_hand_notices_a_shift() -> None:
    shape, blob = CASES["fewer slices than the window"]
    volume = body(shape, blob)
    moved = (slice(blob[0].start + 1, blob[0].stop + 1), blob[1], blob[2])
    assert (by_hand(volume, blob, None) != by_hand(volume, moved, None)).any()


@pytest.mark.parametrize("shape", [(37, 45, 77), (32, 64, 96), (16, 32, 32), (9, 20, 160)])
def test_nearest_exact_is_torchs(shape: tuple[int, int, int]) -> None:
    volume = body(shape, (slice(3, 8), slice(10, 15), slice(4, 20)))
    volume.array[:] = np.random.default_rng(0).integers(-900, 900, volume.shape_kji)
    opened = engine_of().open(volume)
    image = torch.from_numpy((volume.array.astype(np.float32) + 1000) / 2000)
    expected = F.interpolate(image[None, None], WINDOW, mode="nearest-exact")[0, 0]
    torch.testing.assert_close(opened._whole(), expected)
