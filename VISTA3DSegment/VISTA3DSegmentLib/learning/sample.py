"""The sample case that ships with the project: one phantom, abdomen and lower chest, and its truth.

``python -m VISTA3DSegmentLib.learning.sample FOLDER`` writes it again, voxel by voxel the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 (the library's own custom)

from .phantom import Appearance, Phantom, make_phantom

CT_NAME, TRUTH_NAME = "sample_ct.nrrd", "sample_truth.nrrd"

SEED = 20
SPACING_MM = (1.8, 1.8, 2.5)
COVERAGE_MM = (-30.0, 265.0)
APPEARANCE = Appearance(
    phase="venous", blur_mm=0.9, noise_hu=9.0, grain_mm=1.6, streaks_hu=3.0, texture_hu=4.0, oversampling=2
)

_OUTSIDE_HU = -1000
_README = f"""# Sample case

`{CT_NAME}` is a synthetic CT (abdomen and lower chest, portal venous phase); `{TRUTH_NAME}` is its truth
(ids of `anatomy.csv`; lesions keep the id of their organ). No patient was scanned: both come from the seed {SEED} by
`python -m VISTA3DSegmentLib.learning.sample FOLDER`. Licence: CC0 1.0 (public domain).
"""


def sample_phantom() -> Phantom:
    """The phantom of the sample case."""
    return make_phantom(SEED, SPACING_MM, COVERAGE_MM, APPEARANCE)


def write_sample(folder: Path) -> tuple[Path, Path]:
    """Write the sample's CT (int16), its truth (uint8) and a README into a folder.

    Returns:
        The paths of the CT and of the truth.
    """
    folder.mkdir(parents=True, exist_ok=True)
    phantom = sample_phantom()
    # Noise in the air around the body tells nobody anything and does not compress.
    quiet = np.where(phantom.volume.array < _OUTSIDE_HU, _OUTSIDE_HU, phantom.volume.array).astype(np.int16)
    matrix = phantom.volume.ijk_to_ras
    _write(folder / CT_NAME, quiet, matrix)
    _write(folder / TRUTH_NAME, phantom.labels, matrix)
    (folder / "README.md").write_text(_README, encoding="utf-8")
    return folder / CT_NAME, folder / TRUTH_NAME


def _write(path: Path, array: npt.NDArray[Any], ijk_to_ras: npt.NDArray[np.float64]) -> None:
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ ijk_to_ras
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    sitk.WriteImage(image, str(path), useCompression=True, compressionLevel=9)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    print(*write_sample(parser.parse_args(arguments).folder), sep="\n")


if __name__ == "__main__":
    main()
