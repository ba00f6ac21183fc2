"""Tiny volumes, masks and files for tests."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.volume import FloatArray


def gradient(shape_kji: tuple[int, int, int] = (4, 5, 6)) -> npt.NDArray[np.int16]:
    """An image in which every voxel is different."""
    return np.arange(np.prod(shape_kji), dtype=np.int16).reshape(shape_kji) - 50


def oblique_geometry(spacing_ijk_mm: Sequence[float] = (0.7, 0.9, 2.5)) -> FloatArray:
    """An IJK-to-RAS matrix turned about two axes, with an origin off zero."""
    a, b = np.radians(20.0), np.radians(-35.0)
    about_s = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_r = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    matrix = np.eye(4)
    matrix[:3, :3] = about_s @ about_r * np.asarray(spacing_ijk_mm)
    matrix[:3, 3] = (-12.5, 30.25, -401.0)
    return matrix


def box_mask(shape_kji: tuple[int, int, int], start: Sequence[int], end: Sequence[int]) -> MaskCrop:
    """A mask that is a box, from start (included) to end (excluded), axes (k, j, i)."""
    mask = np.zeros(shape_kji, np.bool_)
    mask[tuple(slice(a, b) for a, b in zip(start, end, strict=True))] = True
    return MaskCrop.of(mask)


def ras_geometry(image: sitk.Image) -> FloatArray:
    """The IJK-to-RAS matrix of an ITK image."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return np.asarray(np.diag((-1.0, -1.0, 1.0, 1.0)) @ matrix)


def itk_image(array: npt.NDArray[Any], ijk_to_ras: FloatArray) -> sitk.Image:
    """An ITK image of a (k, j, i) array: the other way to write and read every format."""
    image = sitk.GetImageFromArray(array)
    ijk_to_lps = np.diag((-1.0, -1.0, 1.0, 1.0)) @ ijk_to_ras
    spacing = np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((ijk_to_lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(ijk_to_lps[:3, 3].tolist())
    return image


def nifti_bytes(
    array: npt.NDArray[Any],
    *,
    pixdim: Sequence[float] = (1.0, 2.0, 3.0),
    qform: tuple[int, Sequence[float]] = (0, (0, 0, 0, 0, 0, 0)),
    sform: tuple[int, npt.ArrayLike] = (0, np.zeros((3, 4))),
    dim: Sequence[int] | None = None,
    datatype: int = 4,
    scaling: tuple[float, float] = (1.0, 0.0),
    unit: int = 2,
    offset: float = 352.0,
    magic: bytes = b"n+1\0",
    order: str = "<",
) -> bytes:
    """A NIfTI-1 file, right or wrong in any field, of an int16 array (k, j, i).

    Forms are a code with the quaternion b, c, d and offset x, y, z, or with the (3, 4) matrix; dim has the count first.
    """
    header = bytearray(352)
    dim = dim if dim is not None else (3, *reversed(array.shape))
    struct.pack_into(f"{order}i", header, 0, 348)
    struct.pack_into(f"{order}8h", header, 40, *dim, *(1,) * (8 - len(dim)))
    struct.pack_into(f"{order}2h", header, 70, datatype, array.dtype.itemsize * 8)
    struct.pack_into(f"{order}4f", header, 76, 1.0, *pixdim)
    struct.pack_into(f"{order}3f", header, 108, offset, *scaling)
    header[123] = unit
    struct.pack_into(f"{order}2h", header, 252, qform[0], sform[0])
    struct.pack_into(f"{order}6f", header, 256, *qform[1])
    struct.pack_into(f"{order}12f", header, 280, *np.ravel(sform[1]))
    header[344:348] = magic
    return bytes(header) + array.astype(array.dtype.newbyteorder(order)).tobytes()


def written(path: Path, content: bytes) -> Path:
    """A file with this content."""
    path.write_bytes(content)
    return path
