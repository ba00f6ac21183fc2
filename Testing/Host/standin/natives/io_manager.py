"""qSlicerCoreIOManager: reading and writing of nodes and scenes, through MRML's own storage nodes."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore
from PySide6.QtCore import Signal

READERS = {
    "SegmentationFile": (".seg.nrrd", ".seg.nhdr", ".seg.vtm"),
    "MarkupsFile": (".mrk.json", ".fcsv"),
    "SceneFile": (".mrml", ".mrb"),
    "VolumeFile": (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd"),
    "ModelFile": (".stl", ".obj", ".vtk", ".vtp", ".ply"),
    "ColorTableFile": (".ctbl", ".csv"),
    "TransformFile": (".h5", ".tfm"),
}
NODES = {
    "VolumeFile": "vtkMRMLScalarVolumeNode",
    "SegmentationFile": "vtkMRMLSegmentationNode",
    "ModelFile": "vtkMRMLModelNode",
    "TransformFile": "vtkMRMLLinearTransformNode",
}


class qSlicerCoreIOManager(QtCore.QObject):
    """Reads volumes, segmentations, markups, models, transforms and scenes."""

    newFileLoaded = Signal(dict)
    fileSaved = Signal(dict)

    def __init__(self, scene: Any) -> None:
        super().__init__()
        self._scene = scene

    def fileType(self, path: str) -> str:
        """Return how a file is read, by its ending."""
        name = str(path).lower()
        return next((kind for kind, endings in READERS.items() if name.endswith(endings)), "NoFile")

    def fileWriterFileType(self, node: Any, *rest: Any) -> str:
        """Return how a node is written."""
        return next((kind for kind, cls in NODES.items() if node.IsA(cls)), "MarkupsFile")

    def loadNodes(self, kind: str, properties: dict[str, Any], loaded: Any = None, messages: Any = None) -> bool:
        """Read a file into the scene."""
        path = str(properties["fileName"])
        if not Path(path).exists():
            return False
        if kind == "SceneFile":
            return self._load_scene(path, bool(properties.get("clear", False)))
        if kind == "MarkupsFile":
            node_id = slicer.modules.markups.logic().LoadMarkups(path, str(properties.get("name", "")) or None)
            node = self._scene.GetNodeByID(node_id) if node_id else None
        else:
            node = self._load_node(kind, path, properties)
        if node is not None and loaded is not None:
            loaded.AddItem(node)
        return node is not None

    def _load_node(self, kind: str, path: str, properties: dict[str, Any]) -> Any:
        cls = NODES.get(kind)
        if cls is None:
            return None
        if kind == "VolumeFile" and properties.get("labelmap"):
            cls = "vtkMRMLLabelMapVolumeNode"
        stem = Path(path).name
        ending = next((e for e in sorted(READERS[kind], key=len, reverse=True) if stem.lower().endswith(e)), "")
        node = self._scene.CreateNodeByClass(cls)
        node.UnRegister(None)
        node.SetName(self._scene.GetUniqueNameByString(properties.get("name") or stem[: len(stem) - len(ending)]))
        node = self._scene.AddNode(node)
        storage = node.CreateDefaultStorageNode()
        storage.UnRegister(None)
        storage.SetFileName(path)
        self._scene.AddNode(storage)
        node.SetAndObserveStorageNodeID(storage.GetID())
        if not storage.ReadData(node):
            self._scene.RemoveNode(storage)
            self._scene.RemoveNode(node)
            return None
        if properties.get("show", True):
            node.CreateDefaultDisplayNodes()
            if kind == "VolumeFile" and not properties.get("labelmap"):
                self._show(node)
        return node

    def _show(self, node: Any) -> None:
        logic = slicer.app._native.applicationLogic()
        logic.GetSelectionNode().SetActiveVolumeID(node.GetID())
        logic.PropagateVolumeSelection(1)

    def _load_scene(self, path: str, clear: bool) -> bool:
        if path.endswith(".mrb"):
            return bool(self._scene.ReadFromMRB(path, clear))
        self._scene.SetURL(path)
        return bool(self._scene.Connect() if clear else self._scene.Import())

    def saveNodes(self, kind: str, properties: dict[str, Any], messages: Any = None) -> bool:
        """Write a node or the scene."""
        path = str(properties["fileName"])
        if kind == "SceneFile":
            return self.saveScene(path, None)
        node = self._scene.GetNodeByID(properties["nodeID"])
        storage = node.GetStorageNode()
        if storage is None:
            storage = node.CreateDefaultStorageNode()
            storage.UnRegister(None)
            self._scene.AddNode(storage)
            node.SetAndObserveStorageNodeID(storage.GetID())
        storage.SetFileName(path)
        return bool(storage.WriteData(node))

    def saveScene(self, path: str, *rest: Any) -> bool:
        """Write the scene, with its data where the file is a bundle."""
        if path.endswith(".mrb"):
            return bool(self._scene.WriteToMRB(path, None))
        self._scene.SetURL(path)
        self._scene.SetRootDirectory(str(Path(path).parent))
        return bool(self._scene.Commit())
