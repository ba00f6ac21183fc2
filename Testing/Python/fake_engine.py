"""An engine without a network, for whoever asks for masks: it finds what is painted into the scan, and obeys clicks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from VISTA3DSegmentLib.edits import BoolArray, Edit, MaskCrop
from VISTA3DSegmentLib.engine import Cancel, OnProgress, Progress
from VISTA3DSegmentLib.errors import Cancelled, PromptError
from VISTA3DSegmentLib.models.specification import HounsfieldWindow, ModelSpecification
from VISTA3DSegmentLib.prompts import Box, Prompts, Structure, boxes_of, clicks_of, texts_of
from VISTA3DSegmentLib.volume import Volume

HU_PER_CLASS = 10
"""Class n is where the scan says 10 n HU."""

CLICK_RADIUS_VOXELS = 2

LIVER, SPLEEN, LEFT_KIDNEY, RIGHT_KIDNEY, HEPATIC_TUMOR = 1, 3, 14, 5, 26

WORDS = {"liver": LIVER, "spleen": SPLEEN, "right kidney": RIGHT_KIDNEY, "left kidney": LEFT_KIDNEY}
"""What can be named to it."""


def specification(classes: tuple[int, ...] = (LIVER, SPLEEN, RIGHT_KIDNEY, HEPATIC_TUMOR)) -> ModelSpecification:
    """A model that knows a few classes and takes clicks."""
    return ModelSpecification(
        name="fake",
        version="7",
        licence="CC0-1.0",
        modalities=("CT",),
        intensity=HounsfieldWindow(-1000.0, 1000.0),
        classes=classes,
    )


@dataclass
class FakeEngine:
    """Opens volumes and remembers what it was asked.

    Args:
        during: called in every window, for whoever wants to disturb.
        others: engines that it stands for besides itself, by name.
    """

    specification: ModelSpecification = field(default_factory=specification)
    name: str = "fake"
    identity: str = f"{'f' * 64} numpy on paper"
    during: Callable[[], None] = lambda: None
    asked: list[object] = field(default_factory=list)
    others: dict[str, FakeEngine] = field(default_factory=dict)

    @property
    def engines(self) -> tuple[str, ...]:
        """Names of those that it stands for."""
        return (self.name, *self.others) if self.others else ()

    @property
    def texts(self) -> tuple[str, ...]:
        """What can be named to them."""
        return tuple(WORDS) if self.others else ()

    def engine(self, name: str) -> FakeEngine:
        """One of those that it stands for; "": itself."""
        return self.others.get(name, self)

    def open(self, volume: Volume) -> FakeOpened:
        """Make a volume ready."""
        return FakeOpened(volume, self)


@dataclass
class FakeOpened:
    """The engine with a volume."""

    volume: Volume
    engine: FakeEngine

    def segment(
        self,
        classes: Sequence[int],
        region: Box | None = None,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[tuple[int, Edit]]:
        """One window for each class."""
        self.engine.asked.append((tuple(classes), region))
        for done, class_id in enumerate(classes):
            self._window(cancel)
            mask = MaskCrop.of(self.volume.array == HU_PER_CLASS * class_id)
            if on_progress:
                on_progress(Progress(done + 1, len(classes), seconds_left=1.5 * (len(classes) - done - 1)))
            yield (
                class_id,
                Edit(
                    mask.start,
                    mask.mask,
                    int(mask.mask.sum()),
                    0,
                    empty_reason="" if mask.mask.any() else "No such voxel.",
                ),
            )

    def refine(
        self,
        structure: Structure,
        prompts: Prompts,
        base: MaskCrop | None = None,
        region: Box | None = None,
        cancel: Cancel | None = None,
        reach_mm: float | None = None,
    ) -> Edit:
        """What is named or lies in a box is added, then a ball round every click is added or removed, in the region."""
        self.engine.asked.append((structure, prompts, base, region))
        self._window(cancel)
        before = base.full(self.volume.shape_kji) if base else self._automatic(structure)
        after = before.copy()
        for text in texts_of(prompts):
            if text.text.lower() not in WORDS:
                raise PromptError(f"{self.engine.name} knows no {text.text}.", "Say it in other words.")
            after |= self.volume.array == HU_PER_CLASS * WORDS[text.text.lower()]
        for box in boxes_of(prompts):
            after |= self.volume.voxels_inside(box, MaskCrop((0, 0, 0), after).slices)
        for click in clicks_of(prompts):
            ijk = np.round(self.volume.ijk_of(click.ras))
            if (ijk < 0).any() or (ijk >= self.volume.shape_kji[::-1]).any():
                raise PromptError("A click lies outside the scan.", "Place it inside.")
            after[_ball(self.volume.shape_kji, (ijk[2], ijk[1], ijk[0]))] = click.positive
        whole = MaskCrop((0, 0, 0), after).slices
        if reach_mm is not None:
            near = self.volume.voxels_near([click.ras for click in clicks_of(prompts)], reach_mm, whole)
            after = np.where(near, after, before)
        if region is not None:
            after = np.where(self.volume.voxels_inside(region, whole), after, before)
        return Edit((0, 0, 0), after, int((after & ~before).sum()), int((before & ~after).sum()))

    def by(self, name: str) -> FakeOpened:
        """The same volume with another engine."""
        engines = {self.engine.name: self.engine, **self.engine.others}
        if name not in engines:
            raise PromptError(f"There is no engine called {name} here.", "Choose another.")
        return FakeOpened(self.volume, engines[name])

    def _automatic(self, structure: Structure) -> BoolArray:
        value = HU_PER_CLASS * structure.class_id if structure.class_id is not None else np.nan
        return np.asarray(self.volume.array == value)

    def _window(self, cancel: Cancel | None) -> None:
        self.engine.during()
        if cancel is not None and cancel():
            raise Cancelled


def two_engines() -> FakeEngine:
    """One that takes clicks when none is named, and one beside it, called segvol."""
    return FakeEngine(others={"segvol": FakeEngine(name="segvol")})


def _ball(shape_kji: tuple[int, int, int], center_kji: tuple[float, float, float]) -> BoolArray:
    k, j, i = np.ogrid[: shape_kji[0], : shape_kji[1], : shape_kji[2]]
    squares = (k - center_kji[0]) ** 2 + (j - center_kji[1]) ** 2 + (i - center_kji[2]) ** 2
    return np.asarray(squares <= CLICK_RADIUS_VOXELS**2)
