"""The reference at hand: MONAI's own pipeline around its own network, as NVIDIA's bundle for CT composes it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from monai.data.meta_tensor import MetaTensor
from monai.inferers.utils import sliding_window_inference
from monai.transforms.croppad.array import CropForeground
from monai.transforms.intensity.array import ScaleIntensityRange
from monai.transforms.spatial.array import Spacing
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from VISTA3DSegmentLib.models.specification import HounsfieldWindow, ModelSpecification
from VISTA3DSegmentLib.volume import FloatArray, Volume

Tensor = torch.Tensor


def resampled(volume: Volume, spacing_mm: float = 1.5) -> tuple[npt.NDArray[np.float64], FloatArray]:
    """Spacing and orientation as the bundle's: values (R, A, S) and the affine of their indices.

    MONAI's ``Orientation`` needs nibabel, so the axes are put in order here.
    """
    image = MetaTensor(
        torch.from_numpy(volume.array.astype(np.float64).transpose(2, 1, 0)[None].copy()),
        affine=torch.from_numpy(np.array(volume.ijk_to_ras)),
    )
    spaced = Spacing(pixdim=spacing_mm, mode="bilinear", padding_mode="border", dtype=np.float64)(image)
    assert isinstance(spaced, MetaTensor)
    return _in_ras(spaced[0].numpy(), np.asarray(spaced.affine, dtype=np.float64))


def _in_ras(values: npt.NDArray[np.float64], affine: FloatArray) -> tuple[npt.NDArray[np.float64], FloatArray]:
    ras_axis, index_axis = linear_sum_assignment(-np.abs(affine[:3, :3]))
    order = index_axis[np.argsort(ras_axis)]
    values, affine = values.transpose(order), affine[:, [*order, 3]]
    for axis in range(3):
        if affine[axis, axis] < 0:
            values = np.flip(values, axis)
            affine = affine.copy()
            affine[:3, 3] += affine[:3, axis] * (values.shape[axis] - 1)
            affine[:3, axis] *= -1
    return values, affine


def foreground(values: npt.NDArray[np.float64]) -> tuple[list[int], list[int]]:
    """The bundle's crop of a resampled image: first and last + 1 index along each axis."""
    crop = CropForeground(select_fn=lambda image: image > 0, margin=10, allow_smaller=True)
    low, high = crop.compute_bounding_box(torch.from_numpy(values.copy())[None])
    return [int(n) for n in low], [int(n) for n in high]


def scaled(values: npt.NDArray[Any], specification: ModelSpecification) -> Tensor:
    """Intensity scaling as the bundle's, float32."""
    assert isinstance(specification.intensity, HounsfieldWindow)
    scale = ScaleIntensityRange(specification.intensity.low, specification.intensity.high, 0.0, 1.0, clip=True)
    return torch.as_tensor(scale(torch.from_numpy(values.astype(np.float32)))).float()


def automatic_labels(
    network: Any, image: Tensor, ids: Sequence[int], specification: ModelSpecification
) -> npt.NDArray[Any]:
    """Class ids (R, A, S) of a scaled image: MONAI's sliding window over all class logits, then the largest above 0."""
    with torch.inference_mode():
        logits = sliding_window_inference(
            image[None, None],
            specification.window,
            1,
            lambda window: network(window, class_vector=torch.tensor(ids)[:, None], transpose=True),
            overlap=specification.overlap,
            mode=specification.blending,
            padding_mode="replicate",
        )
    best, index = torch.as_tensor(logits)[0].max(dim=0)
    return torch.where(best > 0, torch.tensor(list(ids))[index], 0).numpy()


def with_scikit_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give MONAI the one function of scikit-image that its merge needs: neighbours touch along up to three axes."""

    def label(mask: npt.NDArray[np.bool_], connectivity: int, return_num: bool) -> tuple[npt.NDArray[Any], int]:
        assert return_num
        return ndimage.label(mask, ndimage.generate_binary_structure(mask.ndim, connectivity))  # type: ignore[no-any-return]

    monkeypatch.setattr("monai.transforms.utils.measure", SimpleNamespace(label=label))
    monkeypatch.setattr("monai.transforms.utils.has_measure", True)
