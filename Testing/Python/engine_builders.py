"""Small worlds for tests of the VISTA3D engine: volumes, a tiny random network, and a backend that sees colours."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import gaussian_filter
from VISTA3DSegmentLib.edits import BoolArray, Edit
from VISTA3DSegmentLib.engines.vista3d.backend import Backend, TorchBackend
from VISTA3DSegmentLib.engines.vista3d.engine import Options, Vista3DEngine
from VISTA3DSegmentLib.engines.vista3d.network import NetworkShape, build_network
from VISTA3DSegmentLib.engines.vista3d.runner import Runner
from VISTA3DSegmentLib.models.specification import HounsfieldWindow, ModelSpecification
from VISTA3DSegmentLib.prompts import Click
from VISTA3DSegmentLib.volume import FloatArray, Volume

Tensor = torch.Tensor
Index3 = tuple[int, int, int]

SHAPE = NetworkShape(init_filters=8, feature_size=8, blocks_down=(1, 1), n_classes=256)
WINDOW = (16, 16, 16)
MM = 1.5
"""The grid's step; a volume of this spacing has the model's grid as its own."""

LIVER, SPLEEN, RIGHT_KIDNEY, LEFT_KIDNEY, KIDNEY = 1, 3, 5, 14, 2
LUNG_TUMOR, HEPATIC_VESSEL, HEPATIC_TUMOR, LUNG_LOBE = 23, 25, 26, 28
CLASSES = (1, 3, 4, 5, 6, 7, 10, 12, 14, 15, 19, 22, 28, 62, 115, 23, 24, 25, 26, 27, 57, 128)

AIR = -1000
COLOURS = {LIVER: 50, SPLEEN: 250, RIGHT_KIDNEY: 450, LEFT_KIDNEY: 650, HEPATIC_TUMOR: 110, HEPATIC_VESSEL: 140}
"""HU of the structures that ``ColourBackend`` sees."""
TOLERANCE_HU = 40.0
"""A structure reaches this far from its own colour: 80 HU is liver and tumour at once, 120 HU tumour and vessel."""


def specification(**changes: Any) -> ModelSpecification:
    """What the tiny network expects: windows of 16 voxels of 1.5 mm, HU -1000..1000."""
    plain: dict[str, Any] = {
        "name": "tiny",
        "version": "1",
        "licence": "Apache-2.0",
        "modalities": ("CT",),
        "intensity": HounsfieldWindow(-1000.0, 1000.0),
        "classes": CLASSES,
        "window": WINDOW,
    }
    return ModelSpecification(**(plain | changes))


@cache
def tiny_network(seed: int = 0) -> Any:
    """MONAI's VISTA3D, as small as it gets, with seeded random weights."""
    torch.manual_seed(seed)
    return build_network(SHAPE).eval().requires_grad_(False)


def torch_backend(seed: int = 0) -> TorchBackend:
    """The tiny network in PyTorch; a copy, for a backend lays its network out anew."""
    return TorchBackend(deepcopy(tiny_network(seed)))


def engine_of(
    backend: Backend | None = None, expects: ModelSpecification | None = None, batch: int = 1, **options: Any
) -> Vista3DEngine:
    """An engine over a backend; the tiny network in PyTorch unless told otherwise, features kept in float32."""
    runner = Runner(backend or torch_backend(), batch)
    chosen = Options(**({"keep_half": False} | options))
    return Vista3DEngine(runner, expects or specification(), "test", chosen, SHAPE.feature_size)


def geometry(
    spacing_mm: tuple[float, float, float] = (MM, MM, MM),
    axes: str = "RAS",
    degrees: float = 0.0,
    origin: tuple[float, float, float] = (-12.5, 7.25, 100.0),
) -> FloatArray:
    """An IJK-to-RAS matrix.

    Args:
        spacing_mm: along i, j, k.
        axes: where i, j and k point: letters of R/L, A/P, S/I.
        degrees: then turned by this angle about an oblique axis.
        origin: RAS of the first voxel, in mm.
    """
    directions = np.zeros((3, 3))
    for column, letter in enumerate(axes):
        row = ["RL", "AP", "SI"].index(next(pair for pair in ("RL", "AP", "SI") if letter in pair))
        directions[row, column] = 1.0 if letter in "RAS" else -1.0
    around = np.array([1.0, 2.0, 3.0]) / np.sqrt(14.0)
    cross = np.array([[0, -around[2], around[1]], [around[2], 0, -around[0]], [-around[1], around[0], 0]])
    angle = np.radians(degrees)
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ directions * np.array(spacing_mm)
    matrix[:3, 3] = origin
    return matrix


def clouds(shape_kji: Index3, seed: int = 0, smooth: float = 1.5) -> npt.NDArray[np.int16]:
    """Smooth random grey values, -1000 to 1000 HU, axes (k, j, i)."""
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(shape_kji), smooth)
    return np.asarray(np.clip(noise / noise.std() * 400 - 100, -1000, 1000), np.int16)


def cloudy_scan(shape_kji: Index3 = (26, 24, 30), seed: int = 0, **place: Any) -> Volume:
    """A volume of ``clouds``; ``place`` goes to ``geometry``."""
    return Volume(clouds(shape_kji, seed), geometry(**place), "clouds")


def painted_scan(
    shape_kji: Index3, boxes: Sequence[tuple[tuple[slice, slice, slice], int]], ground: int = AIR, **place: Any
) -> Volume:
    """Air with boxes (slices k, j, i) of given HU, the later ones on top."""
    array = np.full(shape_kji, ground, np.int16)
    for box, hounsfield in boxes:
        array[box] = hounsfield
    array[0, 0, 0] = AIR  # so that it is always a CT
    return Volume(array, geometry(**place), "painted")


def click_at(volume: Volume, kji: tuple[float, float, float], positive: bool = True) -> Click:
    """A click on a voxel (k, j, i)."""
    r, a, s = volume.ras_of((kji[2], kji[1], kji[0]))
    return Click((float(r), float(a), float(s)), positive)


def whole(edit: Edit, volume: Volume, base: BoolArray | None = None) -> BoolArray:
    """The whole-volume mask (k, j, i) after an edit."""
    mask = np.zeros(volume.shape_kji, np.bool_) if base is None else base.copy()
    mask[edit.slices] = edit.mask
    return mask


@dataclass
class Clicked:
    """What a backend was asked about clicks."""

    low: Tensor
    points: list[tuple[float, ...]]
    labels: list[int]
    zero_shot: bool


@dataclass
class Spy:
    """A backend that notes what it is asked and passes it on."""

    inner: Backend
    images: list[Tensor] = field(default_factory=list)
    clicked: list[Clicked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.description, self.device = self.inner.description, self.inner.device

    def encode(self, images: Tensor, classes: bool, clicks: bool) -> tuple[Tensor | None, Tensor | None]:
        """See ``Backend``."""
        self.images.extend(images[:, 0])
        return self.inner.encode(images, classes, clicks)

    def class_vectors(self, ids: Sequence[int]) -> Tensor:
        """See ``Backend``."""
        return self.inner.class_vectors(ids)

    def click_logits(self, low: Tensor, points: Tensor, labels: Tensor, zero_shot: bool) -> Tensor:
        """See ``Backend``."""
        self.clicked.append(Clicked(low, [tuple(p) for p in points.tolist()], labels.tolist(), zero_shot))
        return self.inner.click_logits(low, points, labels, zero_shot)


class ColourBackend:
    """A network that sees grey values only, so that a test knows the answer.

    A class is where the HU are near its colour. A positive click means everything in its window with about its grey
    value, a negative click everything but that.
    """

    description = "colours"
    device = torch.device("cpu")

    def encode(self, images: Tensor, classes: bool, clicks: bool) -> tuple[Tensor | None, Tensor | None]:
        """See ``Backend``; the features for clicks are the image itself, at full resolution."""
        features = torch.cat([images**2, images, torch.ones_like(images)], dim=1) if classes else None
        return features, images if clicks else None

    def class_vectors(self, ids: Sequence[int]) -> Tensor:
        """See ``Backend``: width^2 - (grey - colour)^2, times a steepness, is a dot product with (grey^2, grey, 1)."""
        rows = []
        for class_id in ids:
            colour, width = (COLOURS.get(class_id, 5000) + 1000) / 2000, TOLERANCE_HU / 2000
            rows.append([-1.0, 2 * colour, width**2 - colour**2])
        return 4e4 * torch.tensor(rows)

    def click_logits(self, low: Tensor, points: Tensor, labels: Tensor, zero_shot: bool) -> Tensor:
        """See ``Backend``."""
        image, width = low[0, 0].float(), TOLERANCE_HU / 2000
        answer = torch.full_like(image, -20.0)
        for wanted in (1, 0):
            for point, label in zip(points.long().tolist(), labels.tolist(), strict=True):
                if label % 2 == wanted:
                    alike = (image - image[tuple(point)]).abs() <= width
                    answer[alike] = 20.0 if wanted else -20.0
        return answer


def colour_engine(**options: Any) -> tuple[Vista3DEngine, Spy]:
    """An engine that sees colours, and what its backend was asked."""
    spy = Spy(ColourBackend())
    return engine_of(spy, **options), spy
