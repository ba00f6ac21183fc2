"""Train the starter: a small VISTA3D that ships with the project.

``python -m VISTA3DSegmentLib.learning.starter CASES CHECKPOINT --hours H`` trains on the cases that ``learning.cases``
prepared, and resumes from the checkpoint if there is one; ``learning.shipping`` makes the model file of it.

Both branches are trained jointly from scratch. A step asks either for objects by clicks or for classes by name. A click
step follows the paper's iteration: the answer to the first clicks is computed without gradients, the next clicks go
where it is wrong, and only the last answer is learned from.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)

from ..engines.vista3d.network import NetworkShape, build_network
from ..engines.vista3d.point_head import SPECIAL, click_logits, low_features
from ..engines.vista3d.weights import load_model
from .losses import competing_classes, dice_cross_entropy, dice_of
from .patches import Patch, Target, augment, choose_classes, choose_targets, cut_patch
from .point_head_start import start_point_head, warm_up_point_head
from .training import Cases, Training

Tensor = torch.Tensor

SHAPE = NetworkShape(init_filters=16, feature_size=32, blocks_down=(1, 2, 2, 4), n_classes=256)
WINDOW = (48, 48, 48)
CLICK_COUNTS, CLICK_WEIGHTS = (1, 2, 3, 5, 8), (0.3, 0.15, 0.2, 0.2, 0.15)
ROUND_CLICKS = {1: 1, 2: 1, 3: 2, 5: 2, 8: 4}
"""Clicks given at once after each answer, so that no step needs more than two answers before the one it learns from."""
CLASSES = frozenset(
    {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 28, 29, 30, 31, 32, 57, 62, 115, 118, 119, 121, 122, 125}
    | {87, 88, 89, 90, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 114}
)
"""Learned automatically. Single vertebrae and ribs are left out: a window of 144 mm does not show which one it is."""
NATURAL = frozenset({"phantom", "real"})
"""Kinds of cases from which classes are learned by name: their grey values mean something."""
LIKENESS_WEIGHT, LIKENESS_OBJECTS = 1.0, 16


@dataclass
class Recipe:
    """What a run is asked to do.

    Args:
        hours: training time in all, over every resumption; the learning rate falls to zero at its end.
        rate: the learning rate that it falls from.
        seed: of the network's first weights and of every draw.
        classes_first: steps that ask by name only, before clicks join: a click needs features that tell organs apart.
        click_share: share of the later steps that ask by clicks.
        objects: objects per click step.
        classes: classes per automatic step.
        mixture: relative weight of the kinds of cases.
        classes_only: train what answers by name and nothing that clicks need: encoder and point head stay as they are.
    """

    hours: float = 8.0
    rate: float = 1e-3
    seed: int = 2026
    classes_first: int = 3000
    click_share: float = 0.5
    objects: int = 3
    classes: int = 32
    mixture: tuple[tuple[str, float], ...] = (("phantom", 0.5), ("real", 0.3), ("synthetic", 0.2))
    classes_only: bool = False


class Clicker:
    """Simulated clicks on the objects of one patch.

    Args:
        truth: (B, R, A, S), 0 or 1.
        valid: (R, A, S), 0 or 1: clicks go nowhere else.
        special: the objects whose clicks carry the special flag.
    """

    def __init__(self, truth: Tensor, valid: Tensor, special: Sequence[bool], rng: np.random.Generator) -> None:
        self._truth, self._valid, self._special, self._rng = truth, valid, special, rng
        count = truth.shape[0]
        self.points = torch.zeros(count, 0, 3)
        self.labels = torch.zeros(count, 0)

    def first(self) -> None:
        """A positive click in each object, near its middle as often as anywhere in it."""
        self._add(self._truth, torch.ones(len(self._truth)), self._rng.random() < 0.6)

    def correct(self, logits: Tensor) -> None:
        """A click in each object's largest error; logits (B, R, A, S). A perfect object gets another positive click."""
        guess = (logits > 0).float()
        missing = self._truth * (1 - guess) * self._valid
        leaked = (1 - self._truth) * guess * self._valid
        deepest = [_depth(error).flatten(1).amax(1) for error in (missing, leaked)]
        noise = 1 + 0.3 * torch.from_numpy(self._rng.normal(size=(2, len(guess))).astype(np.float32))
        positive = (deepest[0] * noise[0] >= deepest[1] * noise[1]).float()
        error = torch.where(positive.view(-1, 1, 1, 1) > 0, missing, leaked)
        none = error.flatten(1).sum(1) == 0
        error[none] = self._truth[none]
        positive[none] = 1
        self._add(error, positive, self._rng.random() < 0.7)

    def _add(self, where: Tensor, positive: Tensor, middle: bool) -> None:
        noise = torch.from_numpy(self._rng.random(where.shape, dtype=np.float32))
        score = (_depth(where) + 0.05 * noise if middle else noise) * where * self._valid
        flat = score.flatten(1).argmax(1)
        _, height, depth = where.shape[1:]
        point = torch.stack([flat // (height * depth), flat // depth % height, flat % depth], 1).float()
        label = positive + torch.tensor([float(SPECIAL) if special else 0.0 for special in self._special])
        self.points = torch.cat([self.points, point[:, None]], 1)
        self.labels = torch.cat([self.labels, label[:, None]], 1)


def _depth(mask: Tensor) -> Tensor:
    # How much of its surroundings a voxel's object fills: highest in the middle of its thickest part. At half
    # resolution: pooling is slow.
    half = F.avg_pool3d(mask[:, None], 2)
    near = F.avg_pool3d(half, 3, 1, 1)
    far = F.avg_pool3d(F.avg_pool3d(near, 3, 1, 1), 3, 1, 1)
    return mask * F.interpolate(half + near + far, scale_factor=2)[:, 0]


class Trainer(Training):
    """A network, its running average, and what is needed to go on training it another day.

    Args:
        recipe: what to do.
        checkpoint: safetensors file to write, and to resume from if it exists.
        model: model file whose weights to begin with; None: from scratch.
    """

    def __init__(self, recipe: Recipe, checkpoint: Path, model: Path | None = None) -> None:
        torch.manual_seed(recipe.seed)
        if model is not None:
            network = load_model(model).network.train().requires_grad_()
        else:
            network = build_network(SHAPE)
            start_point_head(network.point_head)
        if recipe.classes_only:
            for name, parameter in network.named_parameters():
                parameter.requires_grad_(".up_layers_auto." in name or name.startswith("class_head."))
        super().__init__(network, recipe, checkpoint)

    def take_step(self, cases: Cases) -> dict[str, float]:
        """Learn from clicks or from names."""
        if self.step == self.recipe.classes_first > 0:
            self._lend_decoder()
        clicks = self.step >= self.recipe.classes_first and self.rng.random() < self.recipe.click_share
        clicks &= not self.recipe.classes_only
        return self._click_step(cases) if clicks else self._class_step(cases)

    def _lend_decoder(self) -> None:
        # Clicks have a decoder of their own. It begins where that of the classes stands: what tells organs apart.
        for state in (self.network.state_dict(), self.average):
            for name, value in state.items():
                if ".up_layers." in name:
                    value.copy_(state[name.replace(".up_layers.", ".up_layers_auto.")])

    def _click_step(self, cases: Cases) -> dict[str, float]:
        patch, targets = self._patch_with_targets(cases)
        image, valid = torch.from_numpy(patch.image)[None, None], torch.from_numpy(patch.valid).float()
        truth = torch.from_numpy(np.stack([target.mask for target in targets])).float()
        clicker = Clicker(truth, valid, [target.special for target in targets], self.rng)
        head = self.network.point_head
        zero_shot = torch.tensor([target.class_id is None for target in targets])
        count = int(self.rng.choice(CLICK_COUNTS, p=CLICK_WEIGHTS))
        with torch.autocast("cpu", torch.bfloat16):
            features, _ = self.network.image_encoder(image, with_point=True, with_label=False)
            low = low_features(head, features)
        clicker.first()
        while clicker.points.shape[1] < count:
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                logits = click_logits(head, low.detach(), clicker.points, clicker.labels, zero_shot)
            for _ in range(min(ROUND_CLICKS[count], count - clicker.points.shape[1])):
                clicker.correct(logits.float())
        with torch.autocast("cpu", torch.bfloat16):
            logits = click_logits(head, low, clicker.points, clicker.labels, zero_shot)
        logits, truth, valid = logits.flatten(1).float(), truth.flatten(1), valid.flatten()
        loss = dice_cross_entropy(logits, truth, valid)
        alike = self._likeness(patch, low)
        self.learn(loss + LIKENESS_WEIGHT * alike)
        return {
            "click loss": loss.item(),
            "likeness": alike.item(),
            f"dice {count}": dice_of(logits, truth, valid).mean().item(),
        }

    def _likeness(self, patch: Patch, low: Tensor) -> Tensor:
        """How far the features of a voxel resemble those of its own object and of no other.

        It is what the point head goes by; asked directly, of many objects at once, it costs one product of matrices.
        """
        targets = choose_targets(patch, LIKENESS_OBJECTS, self.rng)
        truth = torch.from_numpy(np.stack([target.mask for target in targets])).float()[:, None]
        truth = (F.avg_pool3d(truth, 2) >= 0.5).float().flatten(1)
        valid = F.avg_pool3d(torch.from_numpy(patch.valid).float()[None, None], 2).flatten()
        inside = truth * valid
        there = inside.sum(1) > 0
        truth, chosen = truth[there], torch.multinomial(inside[there], 1)[:, 0]
        features = low.float().flatten(2)[0]
        logits = features[:, chosen].T @ features / 4 - 2  # features have unit variance: 0 where a quarter agrees
        return dice_cross_entropy(logits, truth, valid)

    def _patch_with_targets(self, cases: Cases) -> tuple[Patch, list[Target]]:
        while True:
            patch = augment(cut_patch(cases.draw(self.rng), WINDOW, self.rng), self.rng, named=False)
            targets = choose_targets(patch, self.recipe.objects, self.rng)
            if targets:
                return patch, targets

    def _class_step(self, cases: Cases) -> dict[str, float]:
        while True:
            case = cases.draw(self.rng, NATURAL)
            patch = augment(cut_patch(case, WINDOW, self.rng, thin=0.15), self.rng, named=True)
            ids, masks = choose_classes(patch, CLASSES, self.recipe.classes, self.rng)
            if any(bool((mask & patch.valid).any()) for mask in masks):
                break
        truth = torch.from_numpy(np.stack(masks)).float().flatten(1)
        valid = torch.from_numpy(patch.valid).float().flatten()
        with torch.autocast("cpu", torch.bfloat16):
            _, features = self.network.image_encoder(
                torch.from_numpy(patch.image)[None, None], with_point=False, with_label=True
            )
            logits, _ = self.network.class_head(features, torch.tensor(ids)[:, None])
        logits = logits.flatten(1).float()
        loss = competing_classes(logits, truth, valid)
        self.learn(loss)
        winner = torch.where(logits == logits.amax(0), logits, -1.0)
        scores = dice_of(winner, truth, valid)[truth.sum(1) > 0].tolist()
        return {"class loss": loss.item()} | ({"dice " + case.kind: float(np.mean(scores))} if scores else {})


def main(arguments: Sequence[str] | None = None) -> Any:
    """Command line of the training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, help="folder that learning.cases filled")
    parser.add_argument("checkpoint", type=Path, help="safetensors file; resumed if it exists")
    parser.add_argument("--hours", type=float, default=Recipe.hours, help="training time in all")
    parser.add_argument("--rate", type=float, default=Recipe.rate, help="learning rate to begin with")
    parser.add_argument("--model", type=Path, help="model file to begin with, instead of from scratch")
    parser.add_argument(
        "--classes-only", action="store_true", help="train what answers by name; clicks stay as they are"
    )
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)  # on a CPU, numbers too small to matter cost a hundredfold
    classes_first = 0 if options.model else Recipe.classes_first
    recipe = Recipe(options.hours, options.rate, classes_first=classes_first, classes_only=options.classes_only)
    trainer = Trainer(recipe, options.checkpoint, options.model)
    if trainer.step == 0 and options.model is None:
        warm_up_point_head(trainer.network.point_head, trainer.rng)
    trainer.run(Cases(options.cases, recipe.mixture))


if __name__ == "__main__":
    sys.exit(main())
