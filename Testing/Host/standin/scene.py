"""The scene and the logics of Slicer's application: real MRML from ``slicer-core``, set up as the application does."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import slicer

LOGICS = {
    "Cameras": ("vtkSlicerCamerasModuleLogic",),
    "Markups": ("vtkSlicerMarkupsLogic",),
    "Models": ("vtkSlicerModelsLogic",),
    "Plots": ("vtkSlicerPlotsLogic",),
    "SceneViews": ("vtkSlicerSceneViewsModuleLogic",),
    "Terminologies": ("vtkSlicerTerminologiesModuleLogic",),
    "Segmentations": ("vtkSlicerSegmentationsModuleLogic",),
    "Sequences": ("vtkSlicerSequencesLogic",),
    "SubjectHierarchy": ("vtkSlicerSubjectHierarchyModuleLogic",),
    "Tables": ("vtkSlicerTablesLogic",),
    "Texts": ("vtkSlicerTextsLogic",),
    "Transforms": ("vtkSlicerTransformLogic",),
    "Units": ("vtkSlicerUnitsLogic",),
    "ViewControllers": ("vtkSlicerViewControllersLogic",),
    "VolumeRendering": ("vtkSlicerVolumeRenderingLogic",),
    "Volumes": ("vtkSlicerVolumesLogic",),
    "Data": ("vtkSlicerDataModuleLogic",),
    "CropVolume": ("vtkSlicerCropVolumeLogic",),
}
"""The C++ modules whose logics slicer-core has, with the class of the logic."""


@dataclass
class World:
    """The scene, the application logic and the module logics by the name of the module."""

    scene: Any
    application_logic: Any
    logics: dict[str, Any] = field(default_factory=dict)


def shared_folder() -> Path | None:
    """Return a folder with terminologies as Slicer installs them, or None where no package brings one."""
    try:
        from trame_slicer.resources import resources_path
    except ImportError:
        return None
    return Path(resources_path())


def build() -> World:
    """Make the scene with its default nodes, and the logics of the modules."""
    scene = slicer.vtkMRMLScene()
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    application_logic = slicer.vtkSlicerApplicationLogic()
    application_logic.SetMRMLScene(scene)
    application_logic.GetColorLogic().SetMRMLScene(scene)
    application_logic.GetColorLogic().AddDefaultColorNodes()
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    give_cache(scene)
    world = World(scene, application_logic, {"Colors": application_logic.GetColorLogic()})
    for module, classes in LOGICS.items():
        cls = next((getattr(slicer, name) for name in classes if hasattr(slicer, name)), None)
        if cls is not None:
            world.logics[module] = register(cls(), module, world)
    return world


def give_cache(scene: Any) -> None:
    """Give the scene the managers of files that the application has: without a cache no bundle is read."""
    cache, files = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
    cache.SetMRMLScene(scene)
    cache.SetRemoteCacheDirectory(tempfile.mkdtemp(prefix="standin-cache-"))
    files.SetCacheManager(cache)
    scene.SetCacheManager(cache)
    scene.SetDataIOManager(files)


def register(logic: Any, module: str, world: World) -> Any:
    """Give a logic the scene and make it known under the name of its module."""
    folder = shared_folder()
    if folder is not None and hasattr(logic, "SetModuleShareDirectory"):
        named = folder / module.lower()
        logic.SetModuleShareDirectory((named if named.is_dir() else folder).as_posix())
    if hasattr(logic, "SetMRMLApplicationLogic"):
        logic.SetMRMLApplicationLogic(world.application_logic)
    logic.SetMRMLScene(world.scene)
    if isinstance(logic, slicer.vtkMRMLAbstractLogic) and hasattr(world.application_logic, "SetModuleLogic"):
        world.application_logic.SetModuleLogic(module, logic)
    return logic
