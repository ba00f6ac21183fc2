"""Train the small SegVol that ships with the project: text, boxes and points.

``python -m VISTA3DSegmentLib.learning.segvol_starter CASES CHECKPOINT --hours H`` trains on the cases that
``learning.cases`` prepared, and resumes from the checkpoint if there is one; ``learning.segvol_shipping`` makes the
model file of it.

A step shows the network one view, a whole scan squeezed into its window or a window at full resolution, encodes it
once, and asks for many structures in the ways that SegVol's authors trained: text, box, points, and two of these
together.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from torch import nn

from ..engines.segvol.network import SegVolNetwork, SegVolShape
from ..engines.segvol.prompt_encoder import NEGATIVE, POSITIVE
from .losses import balanced_cross_entropy, competing_classes, dice_cross_entropy, dice_of
from .patches import MIN_VOXELS, Case, Patch, augment, some_labelled_voxel
from .training import Cases, Training

Tensor = torch.Tensor
BoolArray = npt.NDArray[np.bool_]
Kind: TypeAlias = Literal["text", "box", "points"]
Way: TypeAlias = tuple[Kind, ...]

SHAPE = SegVolShape(
    window=(32, 96, 96),
    grid=(8, 12, 12),
    width=192,
    blocks=6,
    encoder_mlp=768,
    decoder_mlp=512,
    masks=1,
    iou_width=16,
    text_width=0,
    text_blocks=0,
    text_mlp=0,
    vocabulary=0,
    longest_text=0,
    matching_axes=True,
)
TEXTS: Mapping[str, tuple[int, ...]] = {
    "liver": (1,), "spleen": (3,), "pancreas": (4,), "right kidney": (5,), "left kidney": (14,), "aorta": (6,),
    "inferior vena cava": (7,), "gallbladder": (10,), "stomach": (12,), "duodenum": (13,), "bladder": (15,),
    "small bowel": (19,), "colon": (62,), "left lung": (28, 29), "right lung": (30, 31, 32), "heart": (115,),
    "trachea": (57,), "spinal cord": (121,), "sacrum": (97,), "left hip": (95,), "right hip": (96,),
    "left femur": (93,), "right femur": (94,), "spine": (*range(33, 52), 127),
}  # fmt: skip
"""What is learned by name, and the classes of the cases that it is made of."""
WAYS: Mapping[Way, float] = {
    ("text",): 1.0, ("text", "box"): 1.0, ("text", "points"): 0.7,
    ("box",): 2.0, ("points",): 0.7, ("box", "points"): 0.7,
}  # fmt: skip
"""The combinations that SegVol was trained on, never all three, and how often each is asked for: a box alone most, as
it takes longest to learn which of the structures in it is meant."""
REGION_SHARE, NAMED_SHARE = 0.15, 0.65
"""Of what is asked for without a text: pseudo-masks, and what has a text; the rest are single classes."""
LARGEST_SHIFT = 0.08
"""A drawn box is off by up to so much of its side, and always by up to a voxel."""
NAMING_WEIGHT = 0.5
BALANCED_STEPS = 1000
"""So long, ever less, the inside of a structure counts as much as all around it: else nothing is found for long."""
SHELL = 0.3
"""Negative points lie in the box around a structure, grown by so much of its sides, at least by three voxels."""


@dataclass
class Recipe:
    """What a run is asked to do; see ``training.Training``.

    Args:
        hours: training time in all, over every resumption.
        rate: the learning rate that it falls from.
        seed: of the network's first weights and of every draw.
        whole_share: share of the views that show the whole scan.
        named_share: share of the steps that ask by name too; the others flip the view and vary its grey values more.
        objects: structures asked for in one way.
        ways: ways in which a step asks.
        mixture: relative weight of the kinds of cases.
    """

    hours: float = 6.0
    rate: float = 1.5e-3
    seed: int = 2026
    whole_share: float = 0.45
    named_share: float = 0.7
    objects: int = 4
    ways: int = 2
    mixture: tuple[tuple[str, float], ...] = (("phantom", 0.65), ("real", 0.25), ("synthetic", 0.1))


class StarterNetwork(SegVolNetwork):
    """A SegVol network with a table of texts in place of the text tower, and what helps its encoder to learn.

    ``naming`` says of every token's voxels which structure they belong to. A prompt teaches one mask at a time; this
    teaches all of them at once, and is not shipped.
    """

    def __init__(self, shape: SegVolShape, texts: int) -> None:
        super().__init__(shape)
        self.text_table = nn.Embedding(texts, shape.width)
        self.naming = nn.Sequential(
            nn.ConvTranspose3d(shape.width, shape.width // 4, 2, 2),
            nn.GELU(),
            nn.ConvTranspose3d(shape.width // 4, texts, 2, 2),
        )


def axial(case: Case) -> Patch:
    """A case as SegVol sees a CT: axes (k up, j to the back, i to the left), cut to what is not air."""
    image = np.transpose(case.image, (2, 1, 0))[:, ::-1, ::-1]
    labels = np.transpose(case.labels, (2, 1, 0))[:, ::-1, ::-1]
    regions = None if case.regions is None else np.transpose(case.regions, (2, 1, 0))[:, ::-1, ::-1]
    box = []
    for axis in range(3):
        used = np.flatnonzero((image > 0).any(axis=tuple(n for n in range(3) if n != axis)))
        box.append(slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(None))
    part = (box[0], box[1], box[2])
    return Patch(
        np.asarray(image[part], np.float32),
        labels[part],
        None if regions is None else regions[part],
        np.ones(image[part].shape, np.bool_),
        case.labelled,
    )


def whole_view(scan: Patch, window: tuple[int, int, int], rng: np.random.Generator) -> Patch:
    """A scan, or a part of it along the body axis, resized to the window: the zoom-out view."""
    count = scan.image.shape[0]
    length = count if rng.random() < 0.4 else int(rng.integers(min(count, 16), count + 1))
    first = int(rng.integers(count - length + 1))
    part = slice(first, first + length)
    image = F.interpolate(torch.from_numpy(np.ascontiguousarray(scan.image[part]))[None, None], window, mode="area")
    nearest = np.ix_(
        *[
            np.minimum(((np.arange(n) + 0.5) * m / n).astype(int), m - 1)
            for n, m in zip(window, scan.image[part].shape, strict=True)
        ]
    )
    return Patch(
        image[0, 0].numpy(),
        scan.labels[part][nearest],
        None if scan.regions is None else scan.regions[part][nearest],
        np.ones(window, np.bool_),
        scan.labelled,
    )


def window_view(scan: Patch, window: tuple[int, int, int], rng: np.random.Generator) -> Patch:
    """A window at full resolution, around a labelled voxel more often than not; zeros beyond the scan."""
    centre = some_labelled_voxel(scan.labels, 0, rng) if rng.random() < 0.8 else None
    here, there = [], []
    for axis, size in enumerate(window):
        count = scan.image.shape[axis]
        middle = int(centre[axis]) if centre is not None else int(rng.integers(count))
        start = middle - size // 2 + int(rng.integers(-size // 3, size // 3 + 1))
        start = int(np.clip(start, 0, count - size)) if count >= size else -((size - count) // 2)
        low, high = max(0, start), min(count, start + size)
        there.append(slice(low, high))
        here.append(slice(low - start, high - start))

    def placed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        out = np.zeros(window, array.dtype)
        out[tuple(here)] = array[tuple(there)]
        return out

    return Patch(
        placed(scan.image),
        placed(scan.labels),
        None if scan.regions is None else placed(scan.regions),
        placed(scan.valid),
        scan.labelled,
    )


def structures(view: Patch, way: Way, count: int, rng: np.random.Generator) -> list[tuple[BoolArray, int | None]]:
    """Masks to ask for, each with its row in the table of texts; by name also one or two that are not there.

    Args:
        view: what the network sees.
        way: how they are asked for: with a text only what has one.
        count: how many.
        rng: source of chance.
    """
    ids = set(np.unique(view.labels).tolist()) - {0}
    named = [(n, classes) for n, classes in enumerate(TEXTS.values()) if any(c in view.labelled for c in classes)]
    present = [(n, np.isin(view.labels, classes)) for n, classes in named if ids.intersection(classes)]
    present = [(n, mask) for n, mask in present if mask.sum() >= MIN_VOXELS]
    if "text" in way:
        order = rng.permutation(len(present))[:count]
        chosen: list[tuple[BoolArray, int | None]] = [(present[n][1], present[n][0]) for n in order]
        if way == ("text",):
            absent = [n for n, classes in named if not ids.intersection(classes)]
            rng.shuffle(absent)
            chosen = chosen[: count - 1]
            chosen += [(np.zeros(view.labels.shape, np.bool_), n) for n in absent[: count - len(chosen)]]
        return chosen
    chosen = []
    regions = np.unique(view.regions)[1:] if view.regions is not None else np.zeros(0, int)
    singles = sorted(ids)
    for _ in range(count):
        draw = rng.random()
        if regions.size and draw < REGION_SHARE:
            assert view.regions is not None
            mask = view.regions == rng.choice(regions)
        elif present and draw < REGION_SHARE + NAMED_SHARE:
            mask = present[int(rng.integers(len(present)))][1]
        elif singles:
            mask = view.labels == rng.choice(singles)
        else:
            continue
        if mask.sum() >= MIN_VOXELS // 2:
            chosen.append((mask, None))
    return chosen


def drawn_box(mask: BoolArray, rng: np.random.Generator) -> list[float]:
    """A box around a mask as a person draws it: first and last voxel (k, j, i; k, j, i), a little off."""
    low, high = [], []
    for axis in range(3):
        used = np.flatnonzero(mask.any(axis=tuple(n for n in range(3) if n != axis)))
        first, last = float(used[0]), float(used[-1])
        shift = 1.0 + LARGEST_SHIFT * (last - first)
        first, last = first - rng.uniform(-0.5, 1.0) * shift, last + rng.uniform(-0.5, 1.0) * shift
        low.append(float(np.clip(first, 0, mask.shape[axis] - 1)))
        high.append(float(np.clip(max(first, last), 0, mask.shape[axis] - 1)))
    return [*low, *high]


def drawn_points(
    mask: BoolArray, valid: BoolArray, positives: int, negatives: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], list[int]]:
    """Points in a mask and beside it: (n, 3), (k, j, i), and their labels."""
    inside = np.flatnonzero(mask)
    points = [np.unravel_index(n, mask.shape) for n in inside[rng.integers(len(inside), size=positives)]]
    where = np.argwhere(mask.any(axis=0)), np.flatnonzero(mask.any(axis=(1, 2)))
    lows = [int(where[1][0]), *where[0].min(0)]
    highs = [int(where[1][-1]) + 1, *(where[0].max(0) + 1)]
    part = []
    for low, high, size in zip(lows, highs, mask.shape, strict=True):
        grow = max(3, int(SHELL * (high - low)))
        part.append(slice(max(0, low - grow), min(size, high + grow)))
    near = np.argwhere((~mask & valid)[tuple(part)])
    labels = [POSITIVE] * positives
    if len(near):
        for n in rng.integers(len(near), size=negatives):
            points.append(tuple(near[n] + [one.start for one in part]))
            labels.append(NEGATIVE)
    while len(points) < positives + negatives:  # nothing is beside it: another point in it
        points.append(np.unravel_index(inside[rng.integers(len(inside))], mask.shape))
        labels.append(POSITIVE)
    return np.array(points, np.float32), labels


class SegVolTraining(Training):
    """Trains the small SegVol; see the module."""

    def __init__(self, recipe: Recipe, checkpoint: Path) -> None:
        torch.manual_seed(recipe.seed)
        network = StarterNetwork(SHAPE, len(TEXTS))
        for part in (network.prompt_encoder, network.mask_decoder):
            for module in part.modules():
                if isinstance(module, nn.Embedding):
                    nn.init.normal_(module.weight, std=0.5)
        nn.init.normal_(network.text_table.weight, std=0.5)
        super().__init__(network, recipe, checkpoint)

    def take_step(self, cases: Cases) -> dict[str, float]:
        """Learn from one view, asked about in several ways."""
        view, named, whole = self._view(cases)
        ways = [way for way in WAYS if named or "text" not in way]
        shares = np.array([WAYS[way] for way in ways])
        asked = []
        for n in self.rng.choice(len(ways), self.recipe.ways, replace=False, p=shares / shares.sum()):
            if found := structures(view, ways[n], self.recipe.objects, self.rng):
                asked.append((ways[n], found))
        if not asked:
            return {}
        valid = torch.from_numpy(view.valid).float().flatten()
        with torch.autocast("cpu", torch.bfloat16):
            embedding = self.network.encode(torch.from_numpy(view.image)[None, None])
        losses, figures = [], {}
        for way, found in asked:
            truth = torch.from_numpy(np.stack([mask for mask, _ in found])).float().flatten(1)
            with torch.autocast("cpu", torch.bfloat16):
                logits = self._answer(embedding, view, way, found)
            logits = F.interpolate(logits[:, None].float(), SHAPE.window, mode="trilinear").flatten(1)
            fading = max(0.0, 1 - self.step / BALANCED_STEPS)
            loss = dice_cross_entropy(logits, truth, valid) + fading * balanced_cross_entropy(logits, truth, valid)
            losses.append(loss * len(found))
            there = (truth * valid).sum(1) > 0
            if there.any():
                name = f"{'+'.join(way)} {'whole' if whole else 'window'}"
                figures[name] = dice_of(logits, truth, valid)[there].mean().item()
        loss = torch.stack(losses).sum() / sum(len(found) for _, found in asked)
        if named:
            naming = self._naming(embedding, view)
            figures["naming"] = naming.item()
            loss = loss + NAMING_WEIGHT * naming
        self.learn(loss)
        return {"loss": loss.item(), **figures}

    def _naming(self, embedding: Tensor, view: Patch) -> Tensor:
        names = list(TEXTS.values())
        known = [n for n, classes in enumerate(names) if view.labelled.intersection(classes)]
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.network.naming(embedding)[0].float()
        sides = zip(logits.shape[1:], SHAPE.window, strict=True)
        middles = np.ix_(*[np.arange(n) * (size // n) + size // n // 2 for n, size in sides])
        labels, valid = view.labels[middles], torch.from_numpy(view.valid[middles]).float().flatten()
        if not np.isin(labels, [c for n in known for c in names[n]]).any():
            return logits.sum() * 0
        truth = torch.from_numpy(np.stack([np.isin(labels, names[n]) for n in known])).float().flatten(1)
        return competing_classes(logits[known].flatten(1), truth, valid)

    def _view(self, cases: Cases) -> tuple[Patch, bool, bool]:
        whole, named = self.rng.random() < self.recipe.whole_share, self.rng.random() < self.recipe.named_share
        scan = axial(cases.draw(self.rng, frozenset({"phantom", "real"}) if named else None))
        view = (whole_view if whole else window_view)(scan, SHAPE.window, self.rng)
        return augment(view, self.rng, named=named), named, whole

    def _answer(self, embedding: Tensor, view: Patch, way: Way, found: list[tuple[BoolArray, int | None]]) -> Tensor:
        masks = [mask for mask, _ in found]
        text = boxes = points = labels = None
        if "text" in way:
            text = self.network.text_table(torch.tensor([n for _, n in found]))
        if "box" in way:
            boxes = torch.tensor([drawn_box(mask, self.rng) for mask in masks])
        if "points" in way:
            positives = 1 + int(self.rng.integers(4) * (self.rng.random() < 0.6))
            negatives = int(self.rng.integers(1, 5) * (self.rng.random() < 0.6))
            drawn = [drawn_points(mask, view.valid, positives, negatives, self.rng) for mask in masks]
            points = torch.from_numpy(np.stack([one for one, _ in drawn]))
            labels = torch.tensor([one for _, one in drawn])
        sparse = self.network.prompt_encoder(points, labels, boxes, text)
        return self.network.decode(embedding, sparse, text)


def main(arguments: Sequence[str] | None = None) -> Any:
    """Command line of the training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, help="folder that learning.cases filled")
    parser.add_argument("checkpoint", type=Path, help="safetensors file; resumed if it exists")
    parser.add_argument("--hours", type=float, default=Recipe.hours, help="training time in all")
    parser.add_argument("--rate", type=float, default=Recipe.rate, help="learning rate to begin with")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)  # on a CPU, numbers too small to matter cost a hundredfold
    recipe = Recipe(options.hours, options.rate)
    SegVolTraining(recipe, options.checkpoint).run(Cases(options.cases, recipe.mixture))


if __name__ == "__main__":
    sys.exit(main())
