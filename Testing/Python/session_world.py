"""A session with an engine on paper, and everything that it said."""

from __future__ import annotations

from typing import Any

import numpy as np
from fake_engine import LIVER, RIGHT_KIDNEY, SPLEEN, FakeEngine, two_engines
from VISTA3DSegmentLib.edits import NOTHING, MaskCrop
from VISTA3DSegmentLib.errors import SegmentationError
from VISTA3DSegmentLib.service import InProcess
from VISTA3DSegmentLib.service.routing import answering
from VISTA3DSegmentLib.session.journal import Journal
from VISTA3DSegmentLib.session.rules import Anywhere, Limits
from VISTA3DSegmentLib.session.session import Session
from VISTA3DSegmentLib.volume import Volume

RED = (1.0, 0.0, 0.0)
NAMES = {LIVER: "liver", SPLEEN: "spleen", RIGHT_KIDNEY: "right kidney"}
COLORS = dict.fromkeys(NAMES, RED)
SHAPE = (8, 9, 10)


def volume() -> Volume:
    array = np.zeros(SHAPE, dtype=np.int16)
    array[1:3, 2:5, 3:6], array[4:6, 5:7, 1:3] = 10 * LIVER, 10 * SPLEEN
    return Volume(array, np.eye(4), "painted")


def client_on(scan: Volume, engine: FakeEngine) -> InProcess:
    client = InProcess(engine)
    client.open(scan)
    return client


class Greedy(Anywhere):
    """While it is on, prompts take voxels from every other object."""

    session: Session
    on = False
    reach_mm: float | None = None

    def limits(self, object_id: str) -> Limits:
        return Limits(overwrites="all" if self.on else "none", reach_mm=self.reach_mm)

    def yielding(self, object_id: str, limits: Limits, added: MaskCrop) -> tuple[str, ...]:
        others = {n: value for n, value in self.session.annotation.objects.items() if n != object_id}
        return tuple(n for n, value in others.items() if (value.mask.full(SHAPE) & added.full(SHAPE)).any())


class World:
    """A session and everything that it said."""

    def __init__(self, engine: FakeEngine | None = None, journal: Journal | None = None, **options: Any) -> None:
        self.engine, self.rules = engine or two_engines(), Greedy()
        self.session = Session(volume(), client_on(volume(), self.engine), journal, rules=self.rules, **options)
        self.rules.session = self.session
        self.said: list[str] = []
        self.failed: list[SegmentationError] = []
        self.session.said.connect(self.said.append)
        self.session.failed.connect(self.failed.append)

    def settle(self) -> None:
        for _ in range(200):
            self.session.pump()
            if not self.session.busy and not self.session.running:
                return
        raise AssertionError("never done")

    def mask(self, object_id: str) -> np.ndarray:
        return self.session.annotation[object_id].mask.full(SHAPE)

    def state(self) -> dict[str, Any]:
        return {
            key: (
                *(value.structure, value.placed, value.engine, value.status, value.limits),
                *(_bytes(value.mask), _bytes(value.base), {n: _bytes(mask) for n, mask in value.took.items()}),
            )
            for key, value in self.session.annotation.objects.items()
        }

    def check_pure(self) -> None:
        """Every mask is the function of its prompts and its base."""
        opened = two_engines().open(volume())
        for value in self.session.annotation.objects.values():
            if value.placed:
                engine = answering(opened, value.engine)
                expected = engine.refine(value.structure, value.prompts, value.base).onto(value.base)
            else:
                expected = value.base or NOTHING
            assert np.array_equal(value.mask.full(SHAPE), expected.full(SHAPE))


def _bytes(mask: MaskCrop | None) -> bytes | None:
    return None if mask is None else mask.full(SHAPE).tobytes()


def random_mask(rng: np.random.Generator) -> MaskCrop:
    mask = np.zeros(SHAPE, dtype=np.bool_)
    low = rng.integers(0, 5, 3)
    high = low + rng.integers(1, 4, 3)
    mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = rng.random(tuple(high - low)) < 0.7
    return MaskCrop.of(mask)
