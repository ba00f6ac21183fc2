"""The DICOM series that a scan of the scene was loaded from: identifiers in the scene, files in the host's database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from ..scene.volumes import DICOM_INSTANCES


def instances_of(volume_node: Any) -> tuple[str, ...]:
    """Identifiers of the images that a volume was made of; (): it came from elsewhere."""
    return tuple((volume_node.GetAttribute(DICOM_INSTANCES) or "").split())


def file_of(instance_uid: str) -> Path | None:
    """The file of an image; None: the host's database does not know it."""
    database = getattr(slicer, "dicomDatabase", None)
    name = "" if database is None else database.fileForInstance(instance_uid)
    return Path(name) if name else None
