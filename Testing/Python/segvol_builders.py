"""Small worlds for tests of the SegVol engine: tiny networks, the published layout, a backend that sees grey values."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
from shared_data import shared
from VISTA3DSegmentLib.engines.segvol.backend import Backend, WindowPrompts
from VISTA3DSegmentLib.engines.segvol.engine import Options, SegVolEngine
from VISTA3DSegmentLib.engines.segvol.network import SegVolNetwork, SegVolShape, build_network
from VISTA3DSegmentLib.engines.segvol.texts import Texts
from VISTA3DSegmentLib.models.segvol_specification import SegVolSpecification
from VISTA3DSegmentLib.models.specification import HounsfieldWindow

Tensor = torch.Tensor

TINY = SegVolShape(
    window=(16, 32, 32),
    grid=(4, 8, 8),
    width=64,
    blocks=1,
    encoder_mlp=64,
    decoder_mlp=32,
    masks=1,
    iou_width=8,
    text_width=64,
    text_blocks=1,
    text_mlp=64,
    vocabulary=600,
    longest_text=77,
)
"""A quarter of a token is one voxel: logits have the window's resolution."""
TEXTS = ("bright", "dim")


def specification(**changes: Any) -> SegVolSpecification:
    """What the tiny network expects: HU -1000..1000, the scan's own voxels."""
    plain: dict[str, Any] = {
        "name": "tiny",
        "version": "1",
        "licence": "Apache-2.0",
        "modalities": ("CT",),
        "intensity": HounsfieldWindow(-1000.0, 1000.0),
        "texts": TEXTS,
        "window": TINY.window,
    }
    return SegVolSpecification(**(plain | changes))


@cache
def tiny_network(seed: int = 0) -> SegVolNetwork:
    """SegVol, as small as it gets, with seeded random weights."""
    torch.manual_seed(seed)
    return build_network(TINY).eval().requires_grad_(False)


def seeded() -> ModuleType:
    """The parity kit's module that fills weights from their names."""
    path = shared("reference/segvol_parity/seeded.py")
    found = importlib.util.spec_from_file_location("seeded", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def published_state() -> dict[str, Tensor]:
    """The 475 tensors of the published file, by its names, with the parity kit's weights."""
    keys = json.loads(shared("reference/segvol_parity/state_dict_keys.json").read_text())["keys"]
    kit = seeded()
    return {name: kit.value(name.removeprefix("model."), entry["shape"]) for name, entry in keys.items()}


@dataclass
class GreyBackend:
    """A network that sees grey values: bright voxels (above 0.6) belong to what is asked, inside the box, and not
    within three voxels of a negative point. The text "dim" asks for 0.55 to 0.6 instead. It counts what it does."""

    encoded: list[Tensor] = field(default_factory=list)
    asked: list[WindowPrompts] = field(default_factory=list)
    description: str = "sees grey"

    def encode(self, image: Tensor) -> Tensor:
        """The image is its own embedding."""
        self.encoded.append(image)
        return image[None]

    def decode(self, embedding: Tensor, prompts: WindowPrompts) -> Tensor:
        """See the class."""
        self.asked.append(prompts)
        image = embedding[0, 0].float()
        dim = prompts.text is not None and float(prompts.text[0, 0]) == TEXTS.index("dim")
        wanted = (image > 0.55) & (image <= 0.6) if dim else image > 0.6
        k, j, i = np.ogrid[tuple(slice(0, n) for n in image.shape)]
        if prompts.box is not None:
            low, high = prompts.box[:3].numpy(), prompts.box[3:].numpy()
            inside = np.ones(image.shape, np.bool_)
            for index, first, last in zip((k, j, i), low, high, strict=True):
                inside &= (index >= first - 0.51) & (index <= last + 0.51)
            wanted &= torch.from_numpy(inside & bool((low >= 0).all()))
        if prompts.points is not None and prompts.labels is not None:
            for point, label in zip(prompts.points.numpy(), prompts.labels.tolist(), strict=True):
                if label == 0:
                    near = (k - point[0]) ** 2 + (j - point[1]) ** 2 + (i - point[2]) ** 2 <= 9
                    wanted &= torch.from_numpy(~near)
        return torch.where(wanted, 5.0, -5.0)


def engine_of(
    backend: Backend | None = None, expects: SegVolSpecification | None = None, **options: Any
) -> SegVolEngine:
    """An engine over a backend that sees grey values, unless another is given."""
    expects = expects or specification()
    table = torch.arange(len(expects.texts), dtype=torch.float32)[:, None]
    return SegVolEngine(backend or GreyBackend(), expects, Texts(table, expects.texts), "test", Options(**options))
