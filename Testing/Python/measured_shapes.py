"""Bodies of known size on a grid, for tests of what is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from builders import box_mask
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.files.segments import Segment, Segmentation
from VISTA3DSegmentLib.volume import FloatArray, Volume


def upright(spacing_ijk_mm: Sequence[float] = (1.0, 1.0, 1.0)) -> FloatArray:
    """An IJK-to-RAS matrix as most CTs have it: i to the left, j to posterior, k to superior."""
    i, j, k = spacing_ijk_mm
    matrix = np.diag((-i, -j, k, 1.0))
    matrix[:3, 3] = (100.0, 80.0, -300.0)
    return matrix


def ellipsoid(volume: Volume, centre_ras: Sequence[float], radii_mm: Sequence[float], turn: float = 0.0) -> MaskCrop:
    """The voxels whose centre lies in an ellipsoid with radii along R, A and S, turned about S (radians)."""
    k, j, i = np.indices(volume.shape_kji, dtype=np.float64)
    ijk = np.stack((i, j, k), axis=-1)
    offset = ijk @ volume.ijk_to_ras[:3, :3].T + volume.ijk_to_ras[:3, 3] - centre_ras
    r = np.cos(turn) * offset[..., 0] + np.sin(turn) * offset[..., 1]
    a = -np.sin(turn) * offset[..., 0] + np.cos(turn) * offset[..., 1]
    inside = (r / radii_mm[0]) ** 2 + (a / radii_mm[1]) ** 2 + (offset[..., 2] / radii_mm[2]) ** 2
    return MaskCrop.of(inside <= 1)


def of_zeros(shape_kji: tuple[int, int, int], ijk_to_ras: FloatArray | None = None) -> Volume:
    """A volume without content."""
    return Volume(np.zeros(shape_kji, np.int16), upright() if ijk_to_ras is None else ijk_to_ras)


def centre_of(volume: Volume) -> tuple[float, float, float]:
    """RAS of the middle of a volume, in mm."""
    k, j, i = ((count - 1) / 2 for count in volume.shape_kji)
    r, a, s = volume.ras_of((i, j, k))
    return float(r), float(a), float(s)


def boxes(volume: Volume, named: dict[str, tuple[Sequence[int], Sequence[int]]], **words: object) -> Segmentation:
    """Segments that are boxes from start (included) to end (excluded), axes (k, j, i); ``words`` are each segment's."""
    segments = [
        Segment(name, box_mask(volume.shape_kji, *ends), (200, 60 + 20 * n, 60), **words)  # type: ignore[arg-type]
        for n, (name, ends) in enumerate(named.items())
    ]
    return Segmentation(volume.shape_kji, volume.ijk_to_ras, tuple(segments))
