"""A training that is stopped and gone on with: prepared cases, rate, the average of the weights, the checkpoint."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from ..errors import ModelError
from .optimizer import Optimizer
from .patches import Case

Tensor = torch.Tensor

MAY_CHANGE = frozenset({"hours", "rate"})
"""What of a recipe may be another when a run is resumed."""
WARM_UP_STEPS, AVERAGE = 100, 0.999


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


class Training:
    """A network, its running average, and what is needed to go on training it another day.

    Args:
        network: to be trained.
        recipe: what to do: a dataclass with the ``hours`` of training in all, over every resumption (the learning rate
            falls to zero at their end), the ``rate`` that it falls from, and the ``seed`` of every draw.
        checkpoint: safetensors file to write, and to resume from if it exists.
    """

    def __init__(self, network: Any, recipe: Any, checkpoint: Path) -> None:
        self.network, self.recipe, self.checkpoint = network, recipe, checkpoint
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.optimizer = Optimizer(self.network)
        self.step, self.seconds = 0, 0.0
        if checkpoint.exists():
            self._resume()
        self.rng = np.random.default_rng((recipe.seed, self.step))

    def take_step(self, cases: Cases) -> dict[str, float]:
        """Learn from one draw; returns figures to report."""
        raise NotImplementedError

    def run(self, cases: Cases, report_every: int = 50, save_every: int = 250) -> None:
        """Train until the recipe's hours are spent."""
        sums: dict[str, list[float]] = defaultdict(list)
        while self.seconds < self.recipe.hours * 3600:
            started = time.monotonic()
            self._set_rate()
            for name, value in self.take_step(cases).items():
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

    def _set_rate(self) -> None:
        done = min(1.0, self.seconds / (self.recipe.hours * 3600))
        rate = self.recipe.rate * min(1.0, (self.step + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * done))
        self.optimizer.set_rate(max(rate, 1e-6))

    def learn(self, loss: Tensor) -> None:
        """Move the network, and its average behind it."""
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
