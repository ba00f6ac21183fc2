"""``SegmentEditorEffects``: the base class of effects written in Python, and the module that makes their adaptors."""

# ruff: noqa: N802, N803 (the names are those of Qt and of Slicer)

from __future__ import annotations

import types
from typing import Any


class AbstractScriptedSegmentEditorEffect:
    """What an effect written in Python inherits."""

    def __init__(self, scriptedEffect: Any) -> None:
        self.scriptedEffect = scriptedEffect

    def register(self) -> None:
        """Register the effect, so that each editor gets a copy of it."""
        import slicer

        slicer.qSlicerSegmentEditorEffectFactory.instance().registerEffect(self.scriptedEffect)

    def cleanup(self) -> None:
        """Let go of everything: to be overridden."""

    def rasToXy(self, ras: Any, viewWidget: Any) -> list[float]:
        """Return where a place of the patient lies in a slice view."""
        import qt

        point = self.scriptedEffect.rasToXy(qt.QVector3D(ras[0], ras[1], ras[2]), viewWidget)
        return [point.x(), point.y()]

    def xyzToRas(self, xyz: Any, viewWidget: Any) -> list[float]:
        """Return where a place of a slice view lies in the patient."""
        import qt

        return self._listed(self.scriptedEffect.xyzToRas(qt.QVector3D(xyz[0], xyz[1], xyz[2]), viewWidget))

    def xyToRas(self, xy: Any, viewWidget: Any) -> list[float]:
        """Return where a place of a slice view lies in the patient."""
        import qt

        return self._listed(self.scriptedEffect.xyToRas(qt.QPoint(xy[0], xy[1]), viewWidget))

    @staticmethod
    def _listed(vector: Any) -> list[float]:
        return [vector.x(), vector.y(), vector.z()]


class AbstractScriptedSegmentEditorLabelEffect(AbstractScriptedSegmentEditorEffect):
    """The base of effects that change labelmaps."""


class AbstractScriptedSegmentEditorPaintEffect(AbstractScriptedSegmentEditorEffect):
    """The base of effects that paint."""


def effects_module() -> types.ModuleType:
    """Return what ``import SegmentEditorEffects`` finds."""
    module: Any = types.ModuleType("SegmentEditorEffects", __doc__)
    for cls in (
        AbstractScriptedSegmentEditorEffect,
        AbstractScriptedSegmentEditorLabelEffect,
        AbstractScriptedSegmentEditorPaintEffect,
    ):
        setattr(module, cls.__name__, cls)
    module.registerEffects = lambda: None
    return module


def adaptors_module() -> types.ModuleType:
    """Return what ``import qSlicerSegmentationsEditorEffectsPythonQt`` finds."""
    import slicer

    module: Any = types.ModuleType("qSlicerSegmentationsEditorEffectsPythonQt", "The adaptors of effects.")
    module.qSlicerSegmentEditorScriptedEffect = slicer.qSlicerSegmentEditorScriptedEffect
    return module
