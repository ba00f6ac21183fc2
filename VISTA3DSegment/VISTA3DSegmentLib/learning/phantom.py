"""A procedural torso: random anatomy, painted as a CT, with the truth that a real scan lacks.

``make_phantom`` draws a person from a seed: proportions and organs (``phantom_body`` and the files beside it), bent a
little, as voxels (``phantom_canvas``), seen by a random scanner (``phantom_appearance``). For label maps of real people
there are ``random_deformation``, ``warp`` and ``randomise_contrast``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..edits import MaskCrop
from ..errors import VolumeError
from ..volume import Volume
from . import phantom_abdomen as abdomen
from . import phantom_skeleton as skeleton
from . import phantom_thorax as thorax
from .phantom_appearance import Appearance, exposed, textured
from .phantom_body import Body, Chance, Stroke, Tissue, make_body
from .phantom_canvas import Bending, Canvas, Grid
from .phantom_contrast import randomise_contrast
from .phantom_deformation import random_deformation, warp
from .phantom_lesions import LesionPlan, plan_lesions
from .phantom_shapes import box_of, inside_wall

__all__ = ["Appearance", "Lesion", "Phantom", "make_phantom", "random_deformation", "randomise_contrast", "warp"]

COVERAGES_MM = {"torso": (-150.0, 490.0), "abdomen": (-140.0, 300.0), "thorax": (150.0, 490.0)}
"""Range along the body axis by name, in mm above the disc L5/S1 of a standard body."""


class Lesion(NamedTuple):
    """A tumour, cyst or bone lesion: an object of its own that overlaps an organ.

    Args:
        name: as in the class table. mask: its voxels. organ_class: id of the organ that it lies in.
    """

    name: str
    mask: MaskCrop
    organ_class: int


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic scan and its truth.

    Args:
        volume: int16 HU, axes (k, j, i): k up, j to the back, i to the left, as in a CT of a patient on the back.
        labels: uint8, same grid: id of the class table, 0 = none. Organs keep their voxels where a lesion lies in them.
        lesions: objects that overlap ``labels``.
    """

    volume: Volume
    labels: npt.NDArray[np.uint8]
    lesions: tuple[Lesion, ...]


def coverage_of(seed: int) -> str:
    """What one of many phantoms shows: as often the torso as the abdomen or the thorax."""
    return [*COVERAGES_MM][seed % len(COVERAGES_MM)]


def make_phantom(
    seed: int,
    spacing_mm: tuple[float, float, float] = (2.5, 2.5, 2.5),
    coverage: str | tuple[float, float] = "torso",
    appearance: Appearance | None = None,
) -> Phantom:
    """Draw a random person and scan them. The same arguments give the same voxels.

    The anatomy depends on the seed alone: another spacing, coverage or appearance shows the same person.

    Args:
        seed: 0 or more.
        spacing_mm: along (i, j, k).
        coverage: "torso", "abdomen", "thorax" (each a little different in every person), or (low, high): mm along the
            body axis above the disc L5/S1.
        appearance: how the scan is taken; None = at random.

    Raises:
        VolumeError: for an unknown coverage or a spacing that is not positive.
    """
    if min(spacing_mm) <= 0:
        raise VolumeError(f"A phantom cannot have a voxel spacing of {spacing_mm} mm.")
    person = _Person.of(seed)
    scanner = np.random.default_rng([seed, 2])
    look = appearance or Appearance.random(scanner)
    grid = _field_of_view(person.body, spacing_mm, _range_mm(coverage, person.body, scanner), scanner)
    canvas, lesions = person.on(grid)
    volume = Volume(_image(canvas, person, look, scanner), grid.ijk_to_ras, f"phantom {seed}")
    return Phantom(volume, canvas.labels, lesions)


@dataclass(frozen=True, eq=False)
class _Person:
    """Everything about the person that does not depend on the scan."""

    body: Body
    bending: Bending
    scene: list[Stroke]
    lesions: list[LesionPlan]

    @classmethod
    def of(cls, seed: int) -> _Person:
        chance = Chance(np.random.default_rng([seed, 1]))
        body = make_body(chance)
        return cls(body, Bending.random(chance), draw(body, chance), plan_lesions(body, chance))

    def on(self, grid: Grid) -> tuple[Canvas, tuple[Lesion, ...]]:
        canvas = Canvas(grid, self.body, self.bending)
        canvas.paint(self.scene)
        found = [(plan.name, canvas.add_lesion(plan)) for plan in self.lesions]
        return canvas, tuple(Lesion(name, *lesion) for name, lesion in found if lesion)


def draw(body: Body, chance: Chance) -> list[Stroke]:
    """The whole anatomy as brush strokes, in the order in which they are painted."""
    neck = box_of((-200, -200, 455), (200, 200, 700)) & inside_wall(0)
    return [
        *skeleton.limbs(body),
        Stroke(neck, Tissue.MUSCLE),
        *thorax.lungs(body, chance),
        *skeleton.muscles(body, chance),
        *skeleton.pelvic_muscles(body, chance),
        *thorax.heart(chance),
        *thorax.mediastinum(body, chance),
        *abdomen.spleen(chance),
        *abdomen.liver(chance),
        *abdomen.kidneys(body, chance),
        *abdomen.gallbladder(chance),
        *abdomen.colon(body, chance),
        *abdomen.stomach(chance),
        *abdomen.great_vessels(body, chance),
        *abdomen.pancreas_and_duodenum(chance),
        *abdomen.pelvic_organs(body, chance),
        *abdomen.small_bowel(chance),
        *skeleton.ribs(body, chance),
        *skeleton.shoulders(body, chance),
        *skeleton.pelvis(body, chance),
        *skeleton.spine(body, chance),
    ]


def _range_mm(coverage: str | tuple[float, float], body: Body, rng: np.random.Generator) -> tuple[float, float]:
    if not isinstance(coverage, str):
        low, high = coverage
    elif coverage in COVERAGES_MM:
        low, high = (end + float(rng.uniform(-20, 20)) for end in COVERAGES_MM[coverage])
    else:
        raise VolumeError(f'There is no coverage "{coverage}".', f"Choose one of {', '.join(COVERAGES_MM)}.")
    if high <= low:
        raise VolumeError(f"The range from {low} to {high} mm along the body axis is empty.")
    return low * body.scale[2], high * body.scale[2]


def _field_of_view(
    body: Body, spacing_mm: tuple[float, float, float], range_mm: tuple[float, float], rng: np.random.Generator
) -> Grid:
    """A grid that holds the trunk with some air around it; arms and shoulders may be cut off, as in many scans."""
    heights = np.arange(range_mm[0], range_mm[1], 10.0) / body.scale[2]
    column = body.columns(heights.astype(np.float32))
    width, depth, centre, front_wall, side_wall, back_wall, front_fat, side_fat, back_fat = body.tables[:9, column]
    air = rng.uniform(6, 30, size=3)
    half = float((width + side_wall + side_fat).max()) * body.scale[0] + air[0]
    front = float((centre + depth + front_wall + front_fat).max()) * body.scale[1] + air[1]
    back = float((centre - depth - back_wall - back_fat).min()) * body.scale[1] - air[2] - 20.0
    first = (half + float(rng.uniform(-5, 5)), front, range_mm[0])
    extents = (2 * half, front - back, range_mm[1] - range_mm[0])
    i, j, k = (max(1, round(extent / step)) for extent, step in zip(extents, spacing_mm, strict=True))
    return Grid(first, spacing_mm, (k, j, i))


def _image(canvas: Canvas, person: _Person, look: Appearance, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    factor = look.oversampling
    fine = canvas if factor == 1 else person.on(canvas.grid.refined(factor))[0]
    if look.table:
        fine.lay_on_table(rng)
    image = textured(fine.tissue, look, min(fine.grid.spacing_mm), rng)
    if factor > 1:
        k, j, i = canvas.grid.shape_kji
        image = image.reshape(k, factor, j, factor, i, factor).mean(axis=(1, 3, 5), dtype=np.float32)
    return exposed(image, canvas.tissue, look, canvas.grid.spacing_mm, rng)
