"""Zoom-out-zoom-in as SegVol's authors run it, for comparisons; with their padding defect mended.

Theirs: the coarse answer and the prompts are brought to the scan's voxels by nearest neighbour; the region is the
coarse answer's box, grown to a window; MONAI's sliding window averages logits; negative points are dropped; with
several windows a drawn box gives way to the coarse answer's box in each. Where the region is smaller than a window,
their prompts were not shifted as the image was: here they are. They draw points at random; here all are given.

Source: ``forward_test`` and ``zoom_in_zoom_out`` of the authors' repository, described in arXiv:2311.13385.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from monai.inferers.utils import sliding_window_inference

from ...errors import PromptError
from ...models.segvol_specification import SegVolSpecification
from ..grid import Region
from .backend import WindowPrompts
from .prompt_encoder import PADDING, POSITIVE
from .views import View, to_grid_axes
from .zoom import GridPrompts, box_of, zoomed_out

Tensor = torch.Tensor


def zoom_out_zoom_in(
    image: Tensor,
    whole: Tensor,
    prompts: GridPrompts,
    crop: Region,
    specification: SegVolSpecification,
    decode: Callable[[Tensor, WindowPrompts], Tensor],
) -> Tensor:
    """Logits of a structure.

    Args:
        image: (k, j, i), 0..1, the crop at full resolution.
        whole: (k, j, i) of the window's size, the crop resized.
        prompts: on the grid.
        crop: where the image lies in the grid.
        specification: of the model.
        decode: a window's image (1, k, j, i) and its prompts to its logits (k, j, i).

    Returns:
        (R, A, S), float32, of the crop.

    Raises:
        PromptError: points and a box at once; the authors' code takes one of them.
    """
    if prompts.box is not None and len(prompts.points):
        raise PromptError("SegVol's authors take points or a box, not both.", "Leave one of them out.")
    coarse = decode(whole[None], zoomed_out(View(crop, specification.window), prompts))
    logits = F.interpolate(coarse[None, None], image.shape, mode="nearest")[0, 0]
    found = box_of(logits.numpy() > 0)
    if found is None:
        return to_grid_axes(logits)
    first, part = _grown(found, specification.window, image.shape)
    coarse_part = logits[part].numpy() > 0
    native = View(crop, (image.shape[0], image.shape[1], image.shape[2]))
    padding = [max(0, size - count) // 2 for size, count in zip(specification.window, coarse_part.shape, strict=True)]
    shift = first - np.array(padding)

    def predict(window: Tensor, slices: Any) -> Tensor:
        here = [one.start for one in slices[0][2:]]
        origin = shift + np.array(here)  # of the window, in voxels of the image
        gap = origin - first
        cut = [slice(max(0, int(g)), max(0, int(g) + size)) for g, size in zip(gap, specification.window, strict=True)]
        inside = box_of(coarse_part[cut[0], cut[1], cut[2]])
        by_coarse = torch.full((6,), -1.0)
        if inside is not None:
            offset = np.array([one.start for one in cut]) - gap
            by_coarse = torch.from_numpy(np.concatenate([inside[0] + offset, inside[1] + offset]).astype(np.float32))
        one_window = all(c <= s for c, s in zip(coarse_part.shape, specification.window, strict=True))
        questions = _asked(native, prompts, origin, specification.window, by_coarse, one_window)
        return decode(window[0], questions)[None, None]

    answer = sliding_window_inference(
        image[part][None, None],
        specification.window,
        1,
        predict,
        overlap=specification.overlap,
        mode="constant",
        with_coord=True,
    )
    assert isinstance(answer, Tensor)  # one in, one out
    logits[part] = answer[0, 0]
    return to_grid_axes(logits)


def _grown(
    found: tuple[Any, ...], window: tuple[int, int, int], shape: torch.Size
) -> tuple[np.ndarray, tuple[slice, slice, slice]]:
    """The region to zoom into: the box of the coarse answer, grown to a window where it is smaller."""
    half = np.maximum(0, np.array(window) - (found[1] - found[0] + 1)) // 2
    low, high = np.maximum(0, found[0] - half), np.minimum(np.array(shape), found[1] + half)
    k, j, i = (slice(int(a), min(int(b) + 1, size)) for a, b, size in zip(low, high, shape, strict=True))
    return low, (k, j, i)


def _asked(
    native: View,
    prompts: GridPrompts,
    origin: np.ndarray,
    window: tuple[int, int, int],
    by_coarse: Tensor,
    one_window: bool,
) -> WindowPrompts:
    if len(prompts.points):
        places = native.places(prompts.points[prompts.positive]) - origin
        places = places[((places >= -0.5) & (places <= np.array(window) - 0.5)).all(1)]
        points = torch.from_numpy(places.astype(np.float32))
        return WindowPrompts(*_padded(points, torch.full((len(points),), POSITIVE)), by_coarse, prompts.text)
    if prompts.box is None:
        return WindowPrompts(text=prompts.text)
    if not one_window:
        return WindowPrompts(box=by_coarse, text=prompts.text)
    drawn = native.box(*prompts.box)
    assert drawn is not None  # prompts lie within the crop
    box = torch.from_numpy((drawn - np.concatenate([origin, origin])).astype(np.float32))
    return WindowPrompts(box=box, text=prompts.text)


def _padded(points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Points of a window; one that counts for nothing where there is none, as in the training."""
    if len(points):
        return points, labels
    return torch.full((1, 3), -1.0), torch.full((1,), PADDING)
