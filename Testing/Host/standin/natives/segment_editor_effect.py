"""Effects of the Segment Editor written in Python, as the editor sees them, and the factory where they are registered.

What is called when, and what an effect must answer, is that of Slicer 5.13
(Modules/Loadable/Segmentations/EditorEffects/qSlicerSegmentEditorAbstractEffect.cxx, ...ScriptedEffect.cxx).
"""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

import enum
import importlib.util
import sys
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Signal

from .. import border
from .plain import keeps


class ModificationMode(enum.IntEnum):
    """What a modifier labelmap does to the segment."""

    ModificationModeSet = 0
    ModificationModeAdd = 1
    ModificationModeRemove = 2
    ModificationModeRemoveAll = 3


class ConfirmationResult(enum.IntEnum):
    """What the user said to the editing of a hidden segment."""

    NotConfirmed = 0
    ConfirmedWithoutDialog = 1
    ConfirmedWithDialog = 2


@keeps(
    name="",
    title="",
    perSegment=True,
    requireSegments=True,
    showEffectCursorInSliceView=True,
    showEffectCursorInThreeDView=False,
)
class qSlicerSegmentEditorAbstractEffect(QtCore.QObject):
    """What all effects have."""

    ModificationMode = ModificationMode
    ConfirmationResult = ConfirmationResult

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._active = False
        self._node: Any = None
        self._confirmed: Any = None
        self.logic: Any = None
        self.editor: Any = None
        self._frame = QtWidgets.QFrame()
        self._frame.setObjectName("EffectOptionsFrame")
        self._form = QtWidgets.QFormLayout(self._frame)
        self._form.setContentsMargins(4, 4, 4, 4)

    def activate(self) -> None:
        """Begin: show the options."""
        self._frame.setVisible(True)
        self._active = True

    def deactivate(self) -> None:
        """End: hide the options."""
        self._frame.setVisible(False)
        self._active = False

    def active(self) -> bool:
        """Tell whether this is the effect that is used."""
        return self._active

    def helpText(self) -> str:
        """Return what is shown to those who ask for help."""
        return ""

    def parameterSetNode(self) -> Any:
        """Return the segment editor node."""
        return self._node

    def setParameterSetNode(self, node: Any) -> None:
        """Take the segment editor node."""
        self._node = node

    def scene(self) -> Any:
        """Return the scene."""
        return self._node.GetScene() if self._node is not None else None

    def optionsFrame(self) -> QtWidgets.QFrame:
        """Return the frame of the options."""
        return self._frame

    def optionsLayout(self) -> QtWidgets.QFormLayout:
        """Return the layout of the options."""
        return self._form

    def addOptionsWidget(self, added: Any) -> None:
        """Add a widget or a layout to the options."""
        self._form.addRow(added)

    def addLabeledOptionsWidget(self, label: str, added: Any) -> QtWidgets.QWidget:
        """Add a widget or a layout with a label, and return the label."""
        shown = QtWidgets.QLabel(label)
        self._form.addRow(shown, added)
        return shown

    def selectEffect(self, name: str) -> None:
        """Ask the editor for another effect, or for none."""
        if self.editor is not None:
            self.editor.setActiveEffectByName(name)

    def saveStateForUndo(self) -> None:
        """Ask the editor to keep the segmentation as it is, so that one can come back to it."""
        if self.editor is not None:
            self.editor.saveStateForUndo()

    def _key(self, name: str) -> str:
        return f"{self.name()}.{name}"

    def parameter(self, name: str) -> str:
        """Return a parameter of the effect, else a common one, else nothing."""
        if self._node is None:
            return ""
        value = self._node.GetAttribute(self._key(name))
        value = self._node.GetAttribute(name) if value is None else value
        if value is None:
            print(f"Parameter named {name} cannot be found for effect {self.name()}", file=sys.stderr)
            return ""
        return value

    def integerParameter(self, name: str) -> int:
        """Return a parameter as a whole number, 0 where it is none."""
        return int(float(self.parameter(name) or 0))

    def doubleParameter(self, name: str) -> float:
        """Return a parameter as a number, 0 where it is none."""
        return float(self.parameter(name) or 0)

    def setParameter(self, name: str, value: Any) -> None:
        """Set a parameter of the effect; the editor is told that it was modified."""
        self._set(self._key(name), value)

    def setCommonParameter(self, name: str, value: Any) -> None:
        """Set a parameter that effects share."""
        self._set(name, value)

    def setParameterDefault(self, name: str, value: Any) -> None:
        """Set a parameter of the effect where it has no value."""
        if not self.parameterDefined(name):
            self.setParameter(name, value)

    def setCommonParameterDefault(self, name: str, value: Any) -> None:
        """Set a shared parameter where it has no value."""
        if not self.commonParameterDefined(name):
            self.setCommonParameter(name, value)

    def _set(self, key: str, value: Any) -> None:
        if self._node is None:
            return
        text = str(value)
        if self._node.GetAttribute(key) == text:
            return
        blocked = self._node.GetDisableModifiedEvent()
        self._node.SetDisableModifiedEvent(1)
        self._node.SetAttribute(key, text)
        self._node.SetDisableModifiedEvent(blocked)
        self._node.InvokeEvent(self._node.EffectParameterModified)

    def parameterDefined(self, name: str) -> bool:
        """Tell whether the effect has that parameter."""
        return self._node is not None and bool(self._node.GetAttribute(self._key(name)))

    def commonParameterDefined(self, name: str) -> bool:
        """Tell whether effects share that parameter."""
        return self._node is not None and bool(self._node.GetAttribute(name))

    def nodeReference(self, name: str) -> Any:
        """Return a node that a parameter of the effect, or a shared one, refers to."""
        return self._node.GetNodeReference(self._key(name)) or self._node.GetNodeReference(name)

    def setNodeReference(self, name: str, node: Any) -> None:
        """Refer to a node."""
        self._node.SetNodeReferenceID(self._key(name), node.GetID() if node is not None else None)
        self._node.InvokeEvent(self._node.EffectParameterModified)

    def setCommonNodeReference(self, name: str, node: Any) -> None:
        """Refer to a node for all effects."""
        self._node.SetNodeReferenceID(name, node.GetID() if node is not None else None)
        self._node.InvokeEvent(self._node.EffectParameterModified)

    def confirmCurrentSegmentVisible(self) -> int:
        """Ask whether a hidden segment is to be shown before it is edited."""
        node, segment_id = self._node.GetSegmentationNode(), self._node.GetSelectedSegmentID()
        segment = node.GetSegmentation().GetSegment(segment_id) if node is not None and segment_id else None
        display = node.GetDisplayNode() if node is not None else None
        if segment is None or segment is self._confirmed:
            return int(ConfirmationResult.ConfirmedWithoutDialog)
        if display is not None and display.GetVisibility() and display.GetSegmentVisibility(segment_id):
            return int(ConfirmationResult.ConfirmedWithoutDialog)
        from .. import messages

        answer = messages.ask("question", "The currently selected segment is hidden. Make it visible?", otherwise=True)
        if answer is None:
            return int(ConfirmationResult.NotConfirmed)
        if answer and display is not None:
            display.SetVisibility(True)
            display.SetSegmentVisibility(segment_id, True)
        else:
            self._confirmed = segment
        return int(ConfirmationResult.ConfirmedWithDialog)

    def modifySelectedSegmentByLabelmap(self, labelmap: Any, mode: Any, *rest: Any) -> None:
        """Change the chosen segment by a labelmap; masks and overwriting are those of the editor."""
        node = self._node.GetSegmentationNode()
        self.modifySegmentByLabelmap(node, self._node.GetSelectedSegmentID(), labelmap, mode, *rest)

    def modifySegmentByLabelmap(self, node: Any, segment_id: str, labelmap: Any, mode: Any, *rest: Any) -> None:
        """Change a segment by a labelmap; ``rest`` is an extent, and whether masks are passed over."""
        if self.logic is None:
            return
        extent = next((list(r) for r in rest if isinstance(r, list | tuple)), [0, -1, 0, -1, 0, -1])
        bypass = next((r for r in rest if isinstance(r, bool)), False)
        kind = getattr(slicer.vtkSlicerSegmentEditorLogic, ModificationMode(int(mode)).name)
        self.logic.ModifySegmentByLabelmap(node, segment_id, labelmap, kind, extent, self.perSegment(), bypass)

    def _volume(self, update: str, get: str) -> Any:
        getattr(self.logic, update)()
        return getattr(self.logic, get)()

    def modifierLabelmap(self) -> Any:
        """Return the labelmap in which changes are prepared."""
        return self.logic.GetModifierLabelmap()

    def defaultModifierLabelmap(self) -> Any:
        """Return the labelmap in which changes are prepared, emptied and with the geometry of the segmentation."""
        self.logic.UpdateReferenceGeometryImage()
        self.logic.ResetModifierLabelmapToDefault()
        return self.logic.GetModifierLabelmap()

    def maskLabelmap(self) -> Any:
        """Return where editing is masked."""
        return self._volume("UpdateMaskLabelmap", "GetMaskLabelmap")

    def selectedSegmentLabelmap(self) -> Any:
        """Return the chosen segment's labelmap."""
        return self._volume("UpdateSelectedSegmentLabelmap", "GetSelectedSegmentLabelmap")

    def referenceGeometryImage(self) -> Any:
        """Return the geometry of the segmentation."""
        return self._volume("UpdateReferenceGeometryImage", "GetReferenceGeometryImage")

    def sourceVolumeImageData(self) -> Any:
        """Return the source volume in the geometry of the segmentation."""
        return self._volume("UpdateAlignedSourceVolume", "GetAlignedSourceVolume")

    masterVolumeImageData = sourceVolumeImageData

    def segmentationDisplayableInView(self, node: Any) -> bool:
        """Tell whether the segmentation is shown in a view."""
        return bool(self.logic.IsSegmentationDisplayableInView(node))

    @staticmethod
    def renderWindow(widget: Any) -> Any:
        """Return the render window of a view."""
        return widget.viewWidget().renderWindow()

    @staticmethod
    def renderer(widget: Any) -> Any:
        """Return the renderer of a view."""
        return widget.viewWidget()._renderer

    @staticmethod
    def viewNode(widget: Any) -> Any:
        """Return the node of a view."""
        return widget.mrmlAbstractViewNode()

    def addActor2D(self, widget: Any, actor: Any) -> None:
        """Show something in a view; the effect must remove it."""
        self.renderer(widget).AddActor2D(actor)

    def removeActor2D(self, widget: Any, actor: Any) -> None:
        """Take something out of a view."""
        self.renderer(widget).RemoveActor2D(actor)

    def addActor3D(self, widget: Any, actor: Any) -> None:
        """Show something in a view; the effect must remove it."""
        self.renderer(widget).AddViewProp(actor)

    def removeActor3D(self, widget: Any, actor: Any) -> None:
        """Take something out of a view."""
        self.renderer(widget).RemoveViewProp(actor)

    def cursorOff(self, widget: Any) -> None:
        """Hide the cursor over a view."""
        widget.viewWidget().setViewCursor(QtGui.QCursor(QtCore.Qt.CursorShape.BlankCursor))

    def cursorOn(self, widget: Any) -> None:
        """Show the cursor over a view again."""
        widget.viewWidget().unsetViewCursor()

    @staticmethod
    def forceRender(widget: Any) -> None:
        """Draw a view."""
        widget.viewWidget().forceRender()

    @staticmethod
    def scheduleRender(widget: Any) -> None:
        """Draw a view soon."""
        widget.viewWidget().scheduleRender()

    @staticmethod
    def sliceSpacing(widget: Any) -> float:
        """Return how thick a slice is."""
        return float(slicer.vtkSlicerSegmentEditorLogic.GetSliceSpacing(widget.mrmlSliceNode()))

    @staticmethod
    def xyzToRas(xyz: QtGui.QVector3D, widget: Any) -> QtGui.QVector3D:
        """Return where a place of a slice view lies in the patient."""
        return QtGui.QVector3D(*widget.sliceView().convertXYZToRAS([xyz.x(), xyz.y(), xyz.z()]))

    @staticmethod
    def xyToRas(xy: QtCore.QPoint, widget: Any) -> QtGui.QVector3D:
        """Return where a place of a slice view lies in the patient."""
        return QtGui.QVector3D(*widget.sliceView().convertXYZToRAS([xy.x(), xy.y(), 0.0]))

    @staticmethod
    def rasToXy(ras: QtGui.QVector3D, widget: Any) -> QtCore.QPoint:
        """Return where a place of the patient lies in a slice view."""
        x, y, _ = widget.sliceView().convertRASToXYZ([ras.x(), ras.y(), ras.z()])
        return QtCore.QPoint(int(x), int(y))


class qSlicerSegmentEditorScriptedEffect(qSlicerSegmentEditorAbstractEffect):
    """An effect whose methods are those of a Python object."""

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self.setName("UnnamedScriptedEffect")
        self._source, self._self = "", None

    def pythonSource(self) -> str:
        """Return the file of the Python object's class."""
        return self._source

    def setPythonSource(self, path: str) -> bool:
        """Make the Python object: a class named as the file, from a module that is named as the folder around it."""
        if not path.endswith((".py", ".pyc")):
            return False
        folder, class_name = Path(path).resolve().parent.name, Path(path).stem
        class_name += "" if class_name.endswith("Effect") else "Effect"
        cls = getattr(sys.modules.get(folder), class_name, None)
        if cls is None:
            spec = importlib.util.spec_from_file_location(folder, path)
            assert spec is not None
            assert spec.loader is not None
            sys.modules[folder] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[folder])
            cls = getattr(sys.modules[folder], class_name, None)
        if cls is None:
            raise RuntimeError(
                f"Failed to load segment editor scripted effect: class {class_name} was not found in {path}"
            )
        self._self = cls(border.proxy_of(self))
        self._source = path
        setattr(slicer, folder, self._self)
        return True

    def self(self) -> Any:
        """Return the Python object."""
        return self._self

    def call(self, name: str, *arguments: Any) -> tuple[bool, Any]:
        """Call a method of the Python object if it has it: (whether it has it, what it returned)."""
        method = getattr(self._self, name, None)
        if method is None:
            return False, None
        return True, border.guarded(method, *arguments)

    def clone(self) -> Any:
        """Return another effect of the same kind, made by the Python object."""
        _, made = self.call("clone")
        native = border.to_native(made)
        if not isinstance(native, qSlicerSegmentEditorAbstractEffect):
            raise TypeError(f"{self._source}: clone must return an effect, it returned {made!r}.")
        return native

    def icon(self) -> QtGui.QIcon:
        """Return the picture of the button."""
        icon = border.to_native(self.call("icon")[1])
        return icon if isinstance(icon, QtGui.QIcon) else QtGui.QIcon()

    def helpText(self) -> str:
        """Return what is shown to those who ask for help."""
        text = self.call("helpText")[1]
        return text if isinstance(text, str) else ""

    def activate(self) -> None:
        """Begin."""
        super().activate()
        self.updateGUIFromMRML()
        self.call("activate")

    def deactivate(self) -> None:
        """End."""
        super().deactivate()
        self.call("deactivate")

    def createCursor(self, widget: Any) -> QtGui.QCursor:
        """Return the cursor over a view."""
        cursor = border.to_native(self.call("createCursor", border.proxy_of(widget))[1])
        return cursor if isinstance(cursor, QtGui.QCursor) else QtGui.QCursor()

    def processInteractionEvents(self, interactor: Any, event: int, widget: Any) -> bool:
        """Something happened in a view: whether nobody else may have it.

        An answer that is neither True nor False counts as an error, of which Slicer warns.
        """
        before = len(border.errors)
        has, answer = self.call("processInteractionEvents", interactor, event, border.proxy_of(widget))
        if has and not isinstance(answer, bool) and len(border.errors) == before:
            border.errors.append(
                TypeError(f"{self._source}: processInteractionEvents must return a bool, not {answer!r}.")
            )
        return answer is True

    def updateGUIFromMRML(self) -> None:
        """Show the parameters; only while the effect is active."""
        if self.active():
            self.call("updateGUIFromMRML")

    def updateMRMLFromGUI(self) -> None:
        """Take the parameters."""
        self.call("updateMRMLFromGUI")

    def interactionNodeModified(self, node: Any) -> None:
        """The mouse has another mode: an effect that does not say otherwise ends when points are placed."""
        has, _ = self.call("interactionNodeModified", node)
        if not has and node is not None and node.GetCurrentInteractionMode() != node.ViewTransform:
            self.selectEffect("")

    def cleanup(self) -> None:
        """Let go of everything."""
        self.call("cleanup")


class qSlicerSegmentEditorEffectFactory(QtCore.QObject):
    """Where effects are registered; each editor gets copies."""

    effectRegistered = Signal(str)
    _only: Any = None

    def __init__(self) -> None:
        super().__init__()
        self._effects: list[Any] = []

    @staticmethod
    def instance() -> qSlicerSegmentEditorEffectFactory:
        """Return the only one."""
        cls = qSlicerSegmentEditorEffectFactory
        cls._only = cls._only or cls()
        return cls._only

    def registerEffect(self, effect: Any) -> bool:
        """Register an effect; False where one of that name is there already."""
        if not effect.name():
            raise ValueError("A segment editor effect cannot be registered with an empty name.")
        if any(each.name() == effect.name() for each in self._effects):
            return False
        self._effects.append(effect)
        self.effectRegistered.emit(effect.name())
        return True

    def registeredEffects(self) -> list[Any]:
        """Return the effects."""
        return list(self._effects)
