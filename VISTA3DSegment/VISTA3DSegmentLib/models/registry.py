"""The models that are known by name: where they are published, under which licence, and what they expect.

The sizes of NVIDIA's safetensors files follow from their 259 tensors; the SHA-256 stands in two independent places.
What could not be had is None, and the store records the hash of what arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeAlias

from ..anatomy import EVERYTHING, SECOND_PASS
from ..errors import ModelError
from .header import Specification
from .segvol_specification import ForegroundPercentiles, SegVolSpecification
from .segvol_texts import segvol_texts
from .specification import HounsfieldWindow, ModelSpecification, Percentiles

System: TypeAlias = Literal["vista3d", "segvol"]
SYSTEMS: dict[System, str] = {"vista3d": "VISTA3D", "segvol": "SegVol"}
"""The systems, and what people call them."""


@dataclass(frozen=True)
class Licence:
    """The terms of a model's weights.

    Args:
        name: as the publisher calls it.
        summary: what it allows and forbids, for a person who decides; not a replacement for the text.
        url: where the text is.
    """

    name: str
    summary: str
    url: str


@dataclass(frozen=True)
class PublishedVocabulary:
    """The words that a model's text tower knows, published beside its weights.

    Args:
        url: of the file.
        size_bytes: its exact size.
    """

    url: str
    size_bytes: int


@dataclass(frozen=True)
class KnownModel:
    """A published file of weights.

    Args:
        name: what people type.
        title: what it is, in one line.
        architecture: the system that it is for.
        source: page of the publisher.
        url: of the file; None: it comes with this package.
        file: name under which it is kept.
        size_bytes: its exact size, where it is known.
        sha256: its hash, where it is known.
        md5: its hash, where only that was published.
        licence: of the weights.
        specification: what it expects; None: its own header says so.
        vocabulary: without which it understands only the texts of its specification; None: there is none.
    """

    name: str
    title: str
    source: str
    url: str | None
    file: str
    licence: Licence
    specification: Specification | None
    size_bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None
    architecture: System = "vista3d"
    vocabulary: PublishedVocabulary | None = None

    @property
    def comes_along(self) -> bool:
        """Whether it is a part of this package."""
        return self.url is None

    @property
    def modality(self) -> str:
        """What it was trained on, as text: "CT" or "CT, MR"."""
        return ", ".join(self.specification.modalities) if self.specification else "CT"


APACHE_2 = Licence(
    "Apache-2.0",
    "Free to use, change and pass on, also commercially. Trained on synthetic and openly licensed images.",
    "https://www.apache.org/licenses/LICENSE-2.0",
)
NVIDIA_OPEN = Licence(
    "NVIDIA Open Model License",
    "Commercial use and derived models are allowed; the model card says research, not clinical use. Copies of this "
    "model published elsewhere carry other, non-commercial terms: the licence beside the downloaded file governs.",
    "https://www.nvidia.com/en-us/agreements/enterprise-software/nvidia-open-model-license/",
)
NVIDIA_ONE_WAY = Licence(
    "NVIDIA OneWay Noncommercial License",
    "Research and evaluation only: no commercial use, no clinical use.",
    "https://huggingface.co/nvidia/NV-Segment-CTMR/blob/main/LICENSE",
)
NVIDIA_SOURCE_CODE = Licence(
    "NVIDIA Source Code License (NSCLv1)",
    "Research and evaluation only: no commercial use.",
    "https://github.com/Project-MONAI/model-zoo/blob/dev/models/vista3d/LICENSE",
)

SEGVOL_MIT = Licence(
    "MIT",
    "The code of SegVol is under the MIT licence. For the weights its authors say MIT on their page at ModelScope; "
    "their page at Hugging Face, where this file comes from, names no licence. They were trained on public scans, some "
    "of which may be used for research only. For CT, and not for clinical use.",
    "https://github.com/BAAI-DCAI/SegVol/blob/main/LICENSE",
)

HOUNSFIELD = HounsfieldWindow(-963.8247715525971, 1053.678477684517)
"""The range with which NVIDIA trained on CT: ``inference.json`` of the bundle."""


def _nvidia_ct(version: str, licence: Licence) -> ModelSpecification:
    # Overlap and blending are what the bundle does; the 0.3 of its configuration is never passed on.
    return ModelSpecification(
        name="NV-Segment-CT",
        version=version,
        licence=licence.name,
        modalities=("CT",),
        intensity=HOUNSFIELD,
        classes=EVERYTHING + SECOND_PASS,
        overlap=0.25,
        blending="constant",
    )


CT_SPECIFICATION = _nvidia_ct("0.6.0", NVIDIA_OPEN)

CTMR_SPECIFICATION = ModelSpecification(
    name="NV-Segment-CTMR",
    version="0.0.1",
    licence=NVIDIA_ONE_WAY.name,
    modalities=("CT", "MR"),
    intensity=Percentiles(1.0, 99.0),  # of CT too
    classes=EVERYTHING,
    clicks=False,  # its publisher supports the automatic branch only
    zero_shot=False,
    window=(192, 192, 128),
    overlap=0.25,
    blending="constant",
)

SEGVOL_SPECIFICATION = SegVolSpecification(
    name="SegVol",
    version="",
    licence=SEGVOL_MIT.name,
    modalities=("CT",),
    intensity=ForegroundPercentiles(0.05, 99.95),
    texts=tuple(text.name for text in segvol_texts()),
)

# Revisions are pinned, so that a name means the same file for ever.
CT_PAGE = "https://huggingface.co/nvidia/NV-Segment-CT"
CT_FILES = f"{CT_PAGE}/resolve/afb51518689f71e6abb367ee6301b2cd0225c66a/vista3d_pretrained_model"
CTMR_PAGE = "https://huggingface.co/nvidia/NV-Segment-CTMR"
CTMR_FILES = f"{CTMR_PAGE}/resolve/4fb8b4a6b2532be9f1c449a3726fe5440ab4213a/vista3d_pretrained_model"

# Its main branch: the size and the SHA-256 pin the file.
SEGVOL_PAGE = "https://huggingface.co/BAAI/SegVol"
SEGVOL_FILES = f"{SEGVOL_PAGE}/resolve/main"

STARTER = KnownModel(
    name="starter",
    title="Small model that comes with VISTA3DSegment, to try it on CT",
    source="VISTA3DSegment",
    url=None,
    file="starter.safetensors",
    licence=APACHE_2,
    specification=None,
)

SEGVOL_STARTER = KnownModel(
    name="segvol-starter",
    title="Small model that comes with VISTA3DSegment, to try text, box and points on CT",
    source="VISTA3DSegment",
    url=None,
    file="segvol-starter.safetensors",
    licence=APACHE_2,
    specification=None,
    architecture="segvol",
)

KNOWN_MODELS: tuple[KnownModel, ...] = (
    STARTER,
    SEGVOL_STARTER,
    KnownModel(
        name="nv-segment-ct",
        title="VISTA3D of NVIDIA for CT: 124 classes and clicks",
        source=CT_PAGE,
        url=f"{CT_FILES}/model.safetensors",
        file="nv-segment-ct.safetensors",
        licence=NVIDIA_OPEN,
        specification=CT_SPECIFICATION,
        size_bytes=871_894_112,
    ),
    KnownModel(
        name="nv-segment-ct-pt",
        title="The same as nv-segment-ct, as PyTorch file",
        source=CT_PAGE,
        url=f"{CT_FILES}/model.pt",
        file="nv-segment-ct-pt.pt",
        licence=NVIDIA_OPEN,
        specification=CT_SPECIFICATION,
    ),
    KnownModel(
        name="nv-segment-ct-monai1.3",
        title="The same as nv-segment-ct, as MONAI 1.3 names its layers",
        source=CT_PAGE,
        url=f"{CT_FILES}/model_monai1.3.pt",
        file="nv-segment-ct-monai1.3.pt",
        licence=NVIDIA_OPEN,
        specification=CT_SPECIFICATION,
        size_bytes=872_073_824,
        sha256="889042ab37dbb9f9b2467e4a91654fb3b56482b74b98d315fc89026ab1570af8",
    ),
    KnownModel(
        name="nv-segment-ctmr",
        title="VISTA3D of NVIDIA for CT and MR: automatic only",
        source=CTMR_PAGE,
        url=f"{CTMR_FILES}/model.safetensors",
        file="nv-segment-ctmr.safetensors",
        licence=NVIDIA_ONE_WAY,
        specification=CTMR_SPECIFICATION,
        size_bytes=871_892_040,
    ),
    KnownModel(
        name="nv-segment-ctmr-pt",
        title="The same as nv-segment-ctmr, as PyTorch file",
        source=CTMR_PAGE,
        url=f"{CTMR_FILES}/model.pt",
        file="nv-segment-ctmr-pt.pt",
        licence=NVIDIA_ONE_WAY,
        specification=CTMR_SPECIFICATION,
    ),
    KnownModel(
        name="vista3d-0.5",
        title="VISTA3D for CT as in MONAI's model zoo of 2024",
        source="https://github.com/Project-MONAI/model-zoo/tree/dev/models/vista3d",
        url="https://developer.download.nvidia.com/assets/Clara/monai/tutorials/model_zoo/model_vista3d.pt",
        file="vista3d-0.5.pt",
        licence=NVIDIA_SOURCE_CODE,
        specification=_nvidia_ct("0.5.4", NVIDIA_SOURCE_CODE),
        md5="6ce45a8edde4400c5d28d5e74d7b61d5",
    ),
    KnownModel(
        name="segvol",
        title="SegVol of BAAI for CT: text, box and points",
        source=SEGVOL_PAGE,
        url=f"{SEGVOL_FILES}/pytorch_model.bin",
        file="segvol.bin",
        licence=SEGVOL_MIT,
        specification=SEGVOL_SPECIFICATION,
        size_bytes=723_726_667,
        sha256="500f2758a8f989339b2b2baf09a819169bc87549795193d3cfe505726ac0b399",
        architecture="segvol",
        vocabulary=PublishedVocabulary(f"{SEGVOL_FILES}/merges.txt", 524_657),
    ),
)

BY_NAME = {model.name: model for model in KNOWN_MODELS}


def known(name: str) -> KnownModel:
    """The model of that name.

    Raises:
        ModelError: it is not in the registry; the sentence suggests the nearest.
    """
    if name in BY_NAME:
        return BY_NAME[name]
    near = get_close_matches(name, BY_NAME, n=1)
    remedy = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(BY_NAME)}."
    raise ModelError(f"There is no known model called {name!r}.", remedy)
