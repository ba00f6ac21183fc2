"""How tissues look in a CT: Hounsfield units by contrast phase, texture, blur, noise, streaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import VolumeError
from .phantom_body import Tissue
from .phantom_shapes import Float32

PHASES = ("native", "arterial", "venous", "late")
AIR_HU, LOWEST_HU, HIGHEST_HU = -1000.0, -1024, 3071


@dataclass(frozen=True)
class Appearance:
    """How a scan was taken.

    Args:
        phase: "native", "arterial", "venous" or "late".
        enhancement: strength of the contrast, 1 = usual.
        blur_mm: standard deviation of the point spread. noise_hu: standard deviation of the noise in soft tissue.
        grain_mm: correlation length of the noise. streaks_hu: strength of the streaks through shoulders and hips.
        texture_hu: unevenness of organs. table: whether the patient table is in view.
        oversampling: the image is made on voxels this many times finer along each axis, then averaged (partial volume).
    """

    phase: str = "venous"
    enhancement: float = 1.0
    blur_mm: float = 1.2
    noise_hu: float = 12.0
    grain_mm: float = 1.2
    streaks_hu: float = 6.0
    texture_hu: float = 6.0
    table: bool = True
    oversampling: int = 1

    def __post_init__(self) -> None:
        if self.phase not in PHASES:
            raise VolumeError(f'There is no contrast phase "{self.phase}".', f"Choose one of {', '.join(PHASES)}.")
        if self.oversampling < 1:
            raise VolumeError(f"Each voxel cannot be cut into {self.oversampling} along an axis.", "Use 1 or more.")

    @classmethod
    def random(cls, rng: np.random.Generator) -> Appearance:
        """Any scanner, any phase."""
        return cls(
            phase=str(rng.choice(PHASES, p=(0.3, 0.2, 0.35, 0.15))),
            enhancement=float(rng.uniform(0.7, 1.25)),
            blur_mm=float(rng.uniform(0.7, 2.0)),
            noise_hu=float(np.exp(rng.uniform(np.log(4), np.log(35)))),
            grain_mm=float(rng.uniform(0.6, 2.0)),
            streaks_hu=float(rng.uniform(0, 15)),
            texture_hu=float(rng.uniform(2, 10)),
            table=bool(rng.random() < 0.8),
        )


# Tissue: native HU, its spread between people, and what contrast adds in the arterial, venous and late phase.
_HOUNSFIELD: dict[Tissue, tuple[float, float, float, float, float]] = {
    Tissue.AIR: (-1000, 0, 0, 0, 0),
    Tissue.SKIN: (20, 15, 5, 10, 10),
    Tissue.FAT: (-105, 6, 0, 0, 0),
    Tissue.VISCERAL_FAT: (-100, 7, 0, 2, 2),
    Tissue.MUSCLE: (55, 6, 5, 12, 10),
    Tissue.SHEATH: (-20, 15, 0, 5, 5),
    Tissue.LUNG: (-850, 35, 5, 8, 5),
    Tissue.FISSURE: (-720, 30, 0, 0, 0),
    Tissue.LUNG_VESSEL: (35, 15, 140, 90, 60),
    Tissue.LUNG_VESSEL_EDGE: (-480, 60, 30, 25, 15),
    Tissue.AIRWAY: (-985, 10, 0, 0, 0),
    Tissue.CORTICAL_BONE: (650, 110, 0, 0, 0),
    Tissue.SPONGY_BONE: (190, 50, 5, 10, 8),
    Tissue.MARROW: (-20, 30, 0, 5, 5),
    Tissue.CARTILAGE: (110, 40, 0, 5, 5),
    Tissue.DISC: (85, 12, 0, 5, 5),
    Tissue.CORD: (38, 5, 2, 5, 5),
    Tissue.SPINAL_FLUID: (14, 6, 0, 0, 0),
    Tissue.LIVER: (57, 9, 14, 52, 38),
    Tissue.HEPATIC_VEIN: (38, 5, 5, 120, 75),
    Tissue.PORTAL_VEIN: (40, 4, 35, 130, 75),
    Tissue.BILE: (8, 8, 0, 0, 0),
    Tissue.SPLEEN: (47, 5, 60, 75, 48),
    Tissue.PANCREAS: (38, 8, 65, 55, 35),
    Tissue.CORTEX: (33, 4, 125, 150, 110),
    Tissue.MEDULLA: (32, 4, 30, 125, 115),
    Tissue.RENAL_PELVIS: (8, 5, 0, 5, 250),
    Tissue.ADRENAL: (25, 10, 40, 50, 30),
    Tissue.ARTERY: (41, 4, 270, 120, 75),
    Tissue.VENA_CAVA: (40, 4, 45, 95, 75),
    Tissue.ILIAC_VEIN: (40, 4, 5, 60, 75),
    Tissue.UPPER_VEIN: (40, 4, 200, 110, 75),
    Tissue.RIGHT_HEART: (41, 4, 200, 115, 75),
    Tissue.LEFT_HEART: (41, 4, 260, 120, 75),
    Tissue.MYOCARDIUM: (45, 5, 65, 60, 45),
    Tissue.BOWEL_WALL: (36, 7, 35, 50, 35),
    Tissue.FLUID: (12, 12, 0, 0, 0),
    Tissue.CONTRAST_FLUID: (230, 90, 0, 0, 0),
    Tissue.FOOD: (25, 25, 0, 0, 0),
    Tissue.STOOL: (10, 35, 0, 0, 0),
    Tissue.GAS: (-960, 30, 0, 0, 0),
    Tissue.URINE: (6, 6, 0, 0, 60),
    Tissue.GLAND: (42, 6, 15, 30, 25),
    Tissue.THYROID: (105, 15, 60, 60, 40),
    Tissue.SOFT: (45, 7, 20, 45, 45),
    Tissue.TUMOUR: (38, 12, 18, 22, 25),
    Tissue.NECROSIS: (20, 8, 0, 3, 5),
    Tissue.LUNG_TUMOUR: (25, 20, 20, 30, 30),
    Tissue.CYST: (7, 6, 0, 0, 0),
    Tissue.LYTIC: (50, 18, 15, 25, 25),
    Tissue.SCLEROTIC: (650, 120, 0, 0, 0),
    Tissue.CALCIUM: (650, 200, 0, 0, 0),
    Tissue.METAL: (3000, 0, 0, 0, 0),
    Tissue.TABLE: (-150, 120, 0, 0, 0),
    Tissue.FOAM: (-930, 25, 0, 0, 0),
}

# How uneven a tissue is, relative to ``texture_hu``.
_COARSENESS = {
    Tissue.STOOL: 11.0, Tissue.FOOD: 6.0, Tissue.LUNG: 4.0, Tissue.SPONGY_BONE: 7.0, Tissue.CORTICAL_BONE: 8.0,
    Tissue.MUSCLE: 1.8, Tissue.PANCREAS: 2.0, Tissue.VISCERAL_FAT: 1.4, Tissue.TUMOUR: 1.6, Tissue.GLAND: 1.8,
    Tissue.MYOCARDIUM: 1.4, Tissue.AIR: 0.0, Tissue.GAS: 0.0, Tissue.AIRWAY: 0.0, Tissue.FOAM: 0.0, Tissue.METAL: 0.0,
}  # fmt: skip


def hounsfield_table(appearance: Appearance, rng: np.random.Generator) -> Float32:
    """Mean HU of each tissue for one person and one scan, indexed by ``Tissue``."""
    table = np.full(256, AIR_HU, np.float32)
    added = {"native": None, "arterial": 0, "venous": 1, "late": 2}[appearance.phase]
    for tissue, (native, spread, *contrast) in _HOUNSFIELD.items():
        gain = 0.0 if added is None else contrast[added] * appearance.enhancement * rng.normal(1.0, 0.08)
        table[tissue] = native + spread * float(np.clip(rng.normal(), -2.5, 2.5)) + gain
    if rng.random() < 0.12:
        table[Tissue.LIVER] -= rng.uniform(
            15, 45
        )  # a fatty liver: darker than the spleen, at times than its own vessels
    return table


def textured(
    tissue: npt.NDArray[np.uint8], appearance: Appearance, spacing_mm: float, rng: np.random.Generator
) -> Float32:
    """The noiseless image: HU of each tissue and its unevenness. Axes as ``tissue``."""
    image = hounsfield_table(appearance, rng)[tissue]
    coarseness = np.ones(256, np.float32)
    coarseness[list(_COARSENESS)] = list(_COARSENESS.values())
    step = max(1, round(4.5 / spacing_mm))
    image += correlated_noise(tissue.shape, step, rng) * (coarseness * np.float32(appearance.texture_hu))[tissue]
    return image


def correlated_noise(shape: tuple[int, ...], step: int, rng: np.random.Generator) -> Float32:
    """Noise of unit strength whose grains are ``step`` voxels wide."""
    coarse = rng.standard_normal([n // step + 3 for n in shape], dtype=np.float32)
    out = coarse
    for axis, count in enumerate(shape):
        out = _linear(out, axis, count, step)
    return np.asarray(out * np.float32(1.6 if step > 1 else 1.0), np.float32)


def _linear(values: Float32, axis: int, count: int, step: int) -> Float32:
    if step == 1:
        return np.take(values, np.arange(count), axis=axis)
    place = np.arange(count) / step
    first = place.astype(np.intp)
    shape = [1, 1, 1]
    shape[axis] = count
    share = (place - first).astype(np.float32).reshape(shape)
    low = np.take(values, first, axis=axis)
    high = np.take(values, first + 1, axis=axis)
    high -= low
    high *= share
    high += low
    return high


def blurred(image: Float32, sigma_voxels: tuple[float, float, float]) -> Float32:
    """Gaussian blur; standard deviations along (k, j, i), in voxels. Made for small ones: its cost grows with them."""
    out = image
    for axis, sigma in enumerate(sigma_voxels):
        radius = min(int(2.5 * sigma + 0.7), image.shape[axis] - 1)
        if radius > 0:
            out = _convolved(out, axis, np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2))
    return out


def _convolved(image: Float32, axis: int, half: npt.NDArray[np.float64]) -> Float32:
    """Convolve along an axis with a symmetric kernel, given from its middle outwards; the border is continued."""
    weights = (half / (half[0] + 2 * half[1:].sum())).astype(np.float32)
    count, reach = image.shape[axis], len(half) - 1
    ends = [np.take(image, [end], axis=axis).repeat(reach, axis=axis) for end in (0, count - 1)]
    padded = np.concatenate([ends[0], image, ends[1]], axis=axis)

    def shifted(offset: int) -> Float32:
        part = [slice(None)] * 3
        part[axis] = slice(reach + offset, reach + offset + count)
        return padded[tuple(part)]

    out: Float32 = image * weights[0]
    for n in range(1, reach + 1):
        pair = shifted(n) + shifted(-n)
        pair *= weights[n]
        out += pair
    return out


def exposed(
    image: Float32,
    tissue: npt.NDArray[np.uint8],
    appearance: Appearance,
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> npt.NDArray[np.int16]:
    """What the scanner records of a noiseless image: blur, grainy noise, streaks.

    Axes are (k, j, i); the spacing is along (i, j, k).
    """
    i, j, k = spacing_mm
    image = blurred(image, (appearance.blur_mm / k, appearance.blur_mm / j, appearance.blur_mm / i))
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    # Neighbouring slices share less noise than neighbouring pixels: the slices are reconstructed one by one.
    grain = appearance.grain_mm
    noise = blurred(noise, (0.6 * grain / k, grain / j, grain / i))
    noise *= np.float32(appearance.noise_hu / max(float(noise[::4].std()), 1e-6))
    image += noise
    image += _streaks(tissue, appearance, rng)
    np.clip(image, LOWEST_HU, HIGHEST_HU, out=image)
    return np.rint(image).astype(np.int16)


def _streaks(tissue: npt.NDArray[np.uint8], appearance: Appearance, rng: np.random.Generator) -> Float32:
    """Noise drawn out sideways where the beam passes much bone, and a star around metal."""
    slices, rows, columns = tissue.shape
    coarse = rng.standard_normal((slices, rows, columns // 24 + 3), dtype=np.float32)
    bone = ((tissue == Tissue.CORTICAL_BONE) | (tissue == Tissue.SPONGY_BONE)).sum(axis=2, dtype=np.float32)
    coarse *= (bone * np.float32(appearance.streaks_hu / max(columns, 1) * 8))[:, :, None]
    out = _linear(coarse, 2, columns, 24)
    metal = tissue == Tissue.METAL
    for k in np.flatnonzero(metal.any(axis=(1, 2))):
        j, i = (float(place.mean()) for place in np.nonzero(metal[k]))
        dj, di = np.arange(rows, dtype=np.float32)[:, None] - j, np.arange(columns, dtype=np.float32)[None] - i
        angle = np.arctan2(dj, di)
        star = np.sin(angle * 11 + rng.normal(0, 0.3)) + np.cos(angle * 2)
        out[k] += (350 * star * np.exp(-np.hypot(dj, di) / (0.12 * columns))).astype(np.float32)
    return out
