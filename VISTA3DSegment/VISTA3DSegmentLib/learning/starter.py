"""Train the starter: a small VISTA3D that ships with the project.

``python -m VISTA3DSegmentLib.learning.starter CASES CHECKPOINT --hours H`` trains on the cases that ``learning.cases``
prepared, and resumes from the checkpoint if there is one; ``learning.shipping`` makes the model file of it.

Both branches are trained jointly from scratch. A step asks either for objects by clicks or for classes by name. A click
step follows the paper's iteration: the answer to the first clicks is computed without gradients, the next clicks go
where it is wrong, and only the last answer is learned from.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from safetensors.torch import load_file, save_file

from ..engines.vista3d.network import NetworkShape, build_network
from ..engines.vista3d.point_head import SPECIAL, click_logits, low_features
from ..engines.vista3d.weights import load_model
from ..errors import ModelError
from .losses import competing_classes, dice_cross_entropy, dice_of
from .optimizer import Optimizer
from .patches import Case, Patch, Target, augment, choose_classes, choose_targets, cut_patch
from .point_head_start import start_point_head, warm_up_point_head

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
MAY_CHANGE = frozenset({"hours", "rate"})
"""What of a recipe may be another when a run is resumed."""
WARM_UP_STEPS, AVERAGE = 100, 0.999
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


class Cases:
    """The prepared cases of a folder, drawn by kind; new ones are noticed as they appear."""

    def __init__(self, folder: Path, mixture: Sequence[tuple[str, float]]) -> None:
        self._folder = folder
        self._mixture = mixture
        self._known: dict[Path, Case] = {}
        self._by_kind: dict[str, list[Case]] = {}
        self.refresh()

    def refresh(self) -> int:
        """Look for new cases; returns how many there are."""
        for image in sorted(self._folder.glob("*/image.npy")):
            if image.parent not in self._known:
                self._known[image.parent] = Case.load(image.parent)
        by_kind = defaultdict(list)
        for case in self._known.values():
            by_kind[case.kind].append(case)
        self._by_kind = dict(by_kind)
        return len(self._known)

    def draw(self, rng: np.random.Generator, kinds: frozenset[str] | None = None) -> Case:
        """A case of a random kind."""
        choices = [(k, w) for k, w in self._mixture if k in self._by_kind and (kinds is None or k in kinds)]
        weights = np.array([weight for _, weight in choices])
        kind = choices[int(rng.choice(len(choices), p=weights / weights.sum()))][0]
        cases = self._by_kind[kind]
        return cases[int(rng.integers(len(cases)))]


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


class Trainer:
    """A network, its running average, and what is needed to go on training it another day.

    Args:
        recipe: what to do.
        checkpoint: safetensors file to write, and to resume from if it exists.
        model: model file whose weights to begin with; None: from scratch.
    """

    def __init__(self, recipe: Recipe, checkpoint: Path, model: Path | None = None) -> None:
        self.recipe, self.checkpoint = recipe, checkpoint
        torch.manual_seed(recipe.seed)
        if model is not None:
            self.network = load_model(model).network.train().requires_grad_()
        else:
            self.network = build_network(SHAPE)
            start_point_head(self.network.point_head)
        if recipe.classes_only:
            for name, parameter in self.network.named_parameters():
                parameter.requires_grad_(".up_layers_auto." in name or name.startswith("class_head."))
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.optimizer = Optimizer(self.network)
        self.step, self.seconds = 0, 0.0
        if checkpoint.exists():
            self._resume()
        self.rng = np.random.default_rng((recipe.seed, self.step))

    def run(self, cases: Cases, report_every: int = 50, save_every: int = 250) -> None:
        """Train until the recipe's hours are spent."""
        sums: dict[str, list[float]] = defaultdict(list)
        while self.seconds < self.recipe.hours * 3600:
            started = time.monotonic()
            self._set_rate()
            if self.step == self.recipe.classes_first > 0:
                self._lend_decoder()
            clicks = self.step >= self.recipe.classes_first and self.rng.random() < self.recipe.click_share
            clicks &= not self.recipe.classes_only
            figures = self._click_step(cases) if clicks else self._class_step(cases)
            for name, value in figures.items():
                sums[name].append(value)
            self.step += 1
            self.seconds += time.monotonic() - started
            if self.step % report_every == 0:
                line = {name: round(float(np.mean(values)), 3) for name, values in sorted(sums.items())}
                print(json.dumps({"step": self.step, "hours": round(self.seconds / 3600, 3), **line}), flush=True)
                sums.clear()
            if self.step % save_every == 0:
                self.save()
                if self.step % (4 * save_every) == 0:
                    cases.refresh()
        self.save()

    def _lend_decoder(self) -> None:
        # Clicks have a decoder of their own. It begins where that of the classes stands: what tells organs apart.
        for state in (self.network.state_dict(), self.average):
            for name, value in state.items():
                if ".up_layers." in name:
                    value.copy_(state[name.replace(".up_layers.", ".up_layers_auto.")])

    def _set_rate(self) -> None:
        done = min(1.0, self.seconds / (self.recipe.hours * 3600))
        rate = self.recipe.rate * min(1.0, (self.step + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * done))
        self.optimizer.set_rate(max(rate, 1e-6))

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
        self._learn(loss + LIKENESS_WEIGHT * alike)
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
        self._learn(loss)
        winner = torch.where(logits == logits.amax(0), logits, -1.0)
        scores = dice_of(winner, truth, valid)[truth.sum(1) > 0].tolist()
        return {"class loss": loss.item()} | ({"dice " + case.kind: float(np.mean(scores))} if scores else {})

    def _learn(self, loss: Tensor) -> None:
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        keep = min(AVERAGE, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                self.average[name].lerp_(value, 1 - keep)

    def save(self) -> None:
        """Write network, average and optimiser, atomically; a run that is killed goes on from here."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        tensors |= {f"moment.{name}": value for name, value in self.optimizer.moments().items()}
        state = {"step": str(self.step), "seconds": str(self.seconds), "recipe": json.dumps(asdict(self.recipe))}
        partial = self.checkpoint.with_suffix(".part")
        save_file({name: value.contiguous() for name, value in tensors.items()}, partial, metadata=state)
        partial.replace(self.checkpoint)

    def _resume(self) -> None:
        from safetensors import safe_open

        tensors = load_file(self.checkpoint)
        with safe_open(self.checkpoint, "pt") as file:
            state = file.metadata()
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        begun, now = json.loads(state.get("recipe", "{}")), json.loads(json.dumps(asdict(self.recipe)))
        changed = [name for name in now if name not in MAY_CHANGE and begun.get(name) != now[name]]
        if changed:
            raise ModelError(
                f"The training in {self.checkpoint.name} was begun with another {', '.join(changed)}.",
                "Give the options with which it was begun, or the name of a new file.",
            )
        self.network.load_state_dict(_under("network.", tensors))
        self.average = _under("average.", tensors)
        self.optimizer.set_moments(_under("moment.", tensors))


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


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
