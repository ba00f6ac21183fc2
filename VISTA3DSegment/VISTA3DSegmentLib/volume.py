"""An image in space: voxels, and where they lie in the patient."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import PromptError, VolumeError
from .prompts import Box, Ras

FloatArray = npt.NDArray[np.float64]

MAX_SHEAR_COSINE = 1e-3
"""Axes may deviate from a right angle by this cosine (0.06 degrees): the rounding of DICOM's and NIfTI's decimals."""


LOWEST_OF_A_CT = -100
"""A CT shows fat or air somewhere; an image whose smallest value lies above is taken for something else, as MR."""
SAMPLED_VOXELS = 1_000_000
NEARLY_MM = 1e-6
"""A voxel on a box's face is inside it, whatever the last decimal says."""


def name_of_series(modality: str, number: str, images: int) -> str:
    """What a DICOM series is called. Its description may hold data of the patient, so it is never shown.

    Args:
        modality: CT, MR, ...; "" if unknown.
        number: of the series, as written; "" if unknown.
        images: how many.
    """
    words = " ".join(word for word in (modality or "DICOM", "series", number) if word)
    return f"{words} ({images} {'image' if images == 1 else 'images'})"


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3-D image with its place in the patient.

    Args:
        array: voxels, axes (k, j, i), any real numeric dtype, every value finite.
        ijk_to_ras: 4x4, float64: homogeneous voxel index (i, j, k, 1) to RAS position in mm. The axes may be flipped
            and oblique, not sheared.
        name: what the person calls it (never patient data).

    Raises:
        VolumeError: if no correct segmentation could come of it.
    """

    array: npt.NDArray[Any]
    ijk_to_ras: FloatArray
    name: str = ""

    def __post_init__(self) -> None:
        array = np.asarray(self.array)
        matrix = np.array(self.ijk_to_ras, dtype=np.float64)
        matrix.flags.writeable = False
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "ijk_to_ras", matrix)
        check_voxels(array)
        check_geometry(matrix)

    @property
    def shape_kji(self) -> tuple[int, int, int]:
        """Number of voxels along (k, j, i)."""
        k, j, i = self.array.shape
        return k, j, i

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxels along (i, j, k), in mm."""
        i, j, k = np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(abs(np.linalg.det(self.ijk_to_ras[:3, :3]))) / 1000.0

    @cached_property
    def lowest(self) -> float:
        """The smallest grey value."""
        return float(self.array.min())

    @property
    def looks_like_hounsfield(self) -> bool:
        """Its grey values may be Hounsfield units: see ``LOWEST_OF_A_CT``."""
        return self.lowest < LOWEST_OF_A_CT

    @cached_property
    def ras_to_ijk(self) -> FloatArray:
        """4x4, float64: RAS position in mm to (fractional) voxel index (i, j, k)."""
        return np.asarray(np.linalg.inv(self.ijk_to_ras), dtype=np.float64)

    @cached_property
    def content_key(self) -> str:
        """Same voxels and same geometry give the same key, in any process: the key of every cache."""
        return self._digest(self.array)

    @cached_property
    def sample_key(self) -> str:
        """Like ``content_key``, of about a million voxels only: in milliseconds, good enough to find a volume again."""
        step = max(1, round((self.array.size / SAMPLED_VOXELS) ** (1 / 3)))
        return self._digest(self.array[::step, ::step, ::step])

    def _digest(self, voxels: npt.NDArray[Any]) -> str:
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr((self.array.shape, self.array.dtype.str)).encode())
        digest.update(self.ijk_to_ras.tobytes())
        digest.update(np.ascontiguousarray(voxels).data)
        return digest.hexdigest()

    def ijk_of(self, ras: tuple[float, float, float]) -> FloatArray:
        """Fractional voxel index (i, j, k) of a RAS position in mm; may lie outside the volume."""
        return np.asarray(self.ras_to_ijk[:3, :3] @ np.asarray(ras, dtype=np.float64) + self.ras_to_ijk[:3, 3])

    def ras_of(self, ijk: tuple[float, float, float]) -> FloatArray:
        """RAS position in mm of a (fractional) voxel index (i, j, k)."""
        return np.asarray(self.ijk_to_ras[:3, :3] @ np.asarray(ijk, dtype=np.float64) + self.ijk_to_ras[:3, 3])

    def check_inside(self, ras: Ras) -> None:
        """Refuse a click that lies in no voxel.

        Raises:
            PromptError: the position (RAS, mm) lies outside the volume.
        """
        ijk = self.ijk_of(ras)
        if (ijk < -0.5).any() or (ijk > np.array(self.shape_kji[::-1]) - 0.5).any():
            place = ", ".join(f"{value:.1f}" for value in ras)
            raise PromptError(f"The click at ({place}) mm lies outside the scan.", "Click inside the image.")

    def check_overlap(self, box: Box) -> None:
        """Refuse a box that lies beside the volume.

        Raises:
            PromptError: the box (RAS, mm) and the volume have no place in common.
        """
        sides = zip(box.ras_min, box.ras_max, strict=True)
        ijk = np.array([self.ijk_of((r, a, s)) for r, a, s in product(*sides)])
        if (ijk.max(0) < -0.5).any() or (ijk.min(0) > np.array(self.shape_kji[::-1]) - 0.5).any():
            raise PromptError("The box lies outside the scan.", "Draw it over the image.")

    def voxels_inside(self, box: Box, part: tuple[slice, slice, slice]) -> npt.NDArray[np.bool_]:
        """Which voxels of a part of the volume have their centre inside a box (RAS, mm).

        Args:
            box: its faces included.
            part: slices (k, j, i) of the volume.

        Returns:
            bool, axes (k, j, i), of the part's shape.
        """
        k, j, i = np.ogrid[part]
        inside = np.ones((1, 1, 1), np.bool_)
        for row, low, high in zip(self.ijk_to_ras, box.ras_min, box.ras_max, strict=False):
            # A term only for the indices that it depends on: a scan that is not oblique stays one-dimensional.
            terms = [step * index for step, index in zip(row[:3], (i, j, k), strict=True) if step != 0.0]
            position = sum(terms, np.full((1, 1, 1), row[3]))
            inside = inside & (position >= low - NEARLY_MM) & (position <= high + NEARLY_MM)
        return np.broadcast_to(inside, (k.shape[0], j.shape[1], i.shape[2]))

    def voxels_near(
        self, places: Iterable[Ras], reach_mm: float, part: tuple[slice, slice, slice]
    ) -> npt.NDArray[np.bool_]:
        """Which voxels of a part of the volume have their centre near some places.

        Args:
            places: RAS, mm.
            reach_mm: from the nearest of them, at most.
            part: slices (k, j, i) of the volume.

        Returns:
            bool, axes (k, j, i), of the part's shape.
        """
        start, shape = [one.start for one in part], tuple(one.stop - one.start for one in part)
        near = np.zeros(shape, np.bool_)
        spacing_kji = np.array(self.spacing_mm[::-1])
        for ras in places:
            middle = self.ijk_of(ras)[::-1] - start
            low = np.maximum(0, np.floor(middle - reach_mm / spacing_kji)).astype(int)
            high = np.minimum(shape, np.ceil(middle + reach_mm / spacing_kji) + 1).astype(int)
            if (low < high).all():
                k, j, i = (
                    ((np.arange(a, b) - at) * mm) ** 2
                    for a, b, at, mm in zip(low, high, middle, spacing_kji, strict=True)
                )
                squared = k[:, None, None] + j[None, :, None] + i[None, None, :]
                near[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] |= squared <= reach_mm**2
        return near


def check_voxels(array: npt.NDArray[Any]) -> None:
    """Refuse voxels that no correct segmentation could come of.

    Raises:
        VolumeError: not 3-D, empty, not real numbers, or with a value that is not finite.
    """
    if array.ndim != 3:
        raise VolumeError(
            f"The image has {array.ndim} dimensions, but one 3-D volume is needed.",
            "Choose a single time point or channel and save it as its own volume.",
        )
    if array.size == 0:
        raise VolumeError(f"The image is empty ({' x '.join(map(str, array.shape))} voxels).", "Load the scan again.")
    if not (
        np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating) or array.dtype == np.bool_
    ):
        raise VolumeError(
            f"The image holds values of type {array.dtype}, not grey values.", "Convert it to a scalar volume."
        )
    if np.issubdtype(array.dtype, np.floating) and not _all_finite(array):
        raise VolumeError(
            "The image holds values that are not numbers (NaN or infinite).",
            "Replace them, for a CT by -1024 HU, and load it again.",
        )


def _all_finite(array: npt.NDArray[Any]) -> bool:
    # By slices: a mask of the whole volume would double its memory.
    return all(bool(np.isfinite(plane).all()) for plane in array)


def grid_of(shape_kji: tuple[int, int, int], ijk_to_ras: FloatArray) -> Volume:
    """A grid as a volume of zeros, which take no memory.

    Args:
        shape_kji: number of voxels along (k, j, i).
        ijk_to_ras: 4x4, mm.

    Raises:
        VolumeError: the geometry is not one.
    """
    return Volume(np.broadcast_to(np.zeros((1, 1, 1), np.uint8), shape_kji), ijk_to_ras)


def check_geometry(ijk_to_ras: FloatArray) -> None:
    """Refuse an IJK-to-RAS matrix that does not place voxels in space.

    Raises:
        VolumeError: not 4x4, not finite, zero spacing, singular, or sheared beyond ``MAX_SHEAR_COSINE``.
    """
    remedy = "Export the scan again from its DICOM series, or correct the header."
    if ijk_to_ras.shape != (4, 4):
        raise VolumeError(f"The geometry is a matrix of shape {ijk_to_ras.shape}, not 4 x 4.", remedy)
    if not np.isfinite(ijk_to_ras).all():
        raise VolumeError("The geometry holds values that are not numbers (NaN or infinite).", remedy)
    if not np.allclose(ijk_to_ras[3], (0.0, 0.0, 0.0, 1.0)):
        raise VolumeError("The geometry is not affine: its last row is not 0 0 0 1.", remedy)
    axes = ijk_to_ras[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    if (spacing < 1e-6).any():
        raise VolumeError("The voxel spacing is zero along an axis.", remedy)
    cosines = axes / spacing
    angle = np.abs(cosines.T @ cosines - np.eye(3)).max()
    if abs(np.linalg.det(cosines)) < 1e-3:
        raise VolumeError("The geometry is singular: two axes of the image point the same way.", remedy)
    if angle > MAX_SHEAR_COSINE:
        raise VolumeError(
            f"The image's axes are not at right angles (off by {np.degrees(np.arcsin(min(1.0, angle))):.1f} degrees), "
            "as after a gantry tilt that was not corrected.",
            "Resample it onto a rectangular grid first.",
        )
