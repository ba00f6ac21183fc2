"""The header of a model file: what the model expects, read without its weights and without any library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeAlias

from ..errors import ModelError
from .segvol_specification import SegVolSpecification, is_of_segvol
from .specification import ModelSpecification

LENGTH_BYTES, MAX_HEADER_BYTES = 8, 100_000_000
"""Of a safetensors file: it begins with the length of its header; the format allows no longer one."""
METADATA_KEY = "vista3dsegment"
"""Key of the specification in the metadata of a safetensors header."""

DAMAGED_REMEDY = "Download or copy the file again, and check it with: vista3dsegment models verify."

Specification: TypeAlias = ModelSpecification | SegVolSpecification


def specification_of(path: Path) -> Specification | None:
    """What the header of a safetensors file says; None: nothing. The weights are not read.

    Raises:
        ModelError: the file cannot be read, or says something that is not valid.
    """
    # Read without the library: desktop Slicer has none until it was installed, and the panel is there before.
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(LENGTH_BYTES), "little")
            if not 0 < size <= min(MAX_HEADER_BYTES, path.stat().st_size - LENGTH_BYTES):
                raise ValueError("its header has no length that is possible")
            text = (json.loads(file.read(size)).get("__metadata__") or {}).get(METADATA_KEY)
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"The model file {path.name} is damaged ({error}).", DAMAGED_REMEDY) from error
    if not text:
        return None
    return (SegVolSpecification if is_of_segvol(text) else ModelSpecification).from_json(text)
