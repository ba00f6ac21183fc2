"""``slicer.util``'s loading and saving of volumes and scenes, by the storage nodes that Slicer's own readers use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer


def install() -> None:
    """Put these functions in place of those that need the application's I/O manager."""
    import slicer.util as util

    util.loadVolume = load_volume
    util.loadLabelVolume = lambda filename, properties=None: load_volume(filename, {"labelmap": True})
    util.loadScene = load_scene
    util.saveScene = save_scene


def load_volume(filename: str, properties: dict[str, Any] | None = None, returnNode: bool = False) -> Any:  # noqa: N803
    """Load a scalar volume or a label map, named after its file."""
    kind = "vtkMRMLLabelMapVolumeNode" if (properties or {}).get("labelmap") else "vtkMRMLScalarVolumeNode"
    node = slicer.mrmlScene.AddNewNodeByClass(kind, Path(filename).name.split(".")[0])
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(filename)
    node.SetAndObserveStorageNodeID(storage.GetID())
    if not storage.ReadData(node):
        slicer.mrmlScene.RemoveNode(node)
        raise RuntimeError(f"Failed to load node from file: {filename}")
    node.CreateDefaultDisplayNodes()
    return (True, node) if returnNode else node


def load_scene(filename: str, properties: dict[str, Any] | None = None) -> bool:
    """Load a scene into the one that is there."""
    if filename.endswith(".mrb"):
        return bool(slicer.mrmlScene.ReadFromMRB(filename, bool((properties or {}).get("clear"))))
    slicer.mrmlScene.SetURL(filename)
    return bool(slicer.mrmlScene.Import())


def save_scene(filename: str, properties: dict[str, Any] | None = None) -> bool:
    """Save the scene. Neither here nor in Slicer is a word said before it is done."""
    if filename.endswith(".mrb"):
        return bool(slicer.mrmlScene.WriteToMRB(filename, None))
    slicer.mrmlScene.SetURL(filename)
    return bool(slicer.mrmlScene.Commit())
