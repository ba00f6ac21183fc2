"""The views of Slicer's layout, without pictures: their widgets, with the real nodes, logics and an interactor each."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Signal

ORIENTATIONS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}


class qMRMLSliceView(QtWidgets.QWidget):
    """What a slice is shown in: it has a size, a renderer and an interactor, and draws nothing."""

    def __init__(self, parent: QtWidgets.QWidget, node: Any) -> None:
        super().__init__(parent)
        self._node = node
        self._window, self._interactor, self._renderer = empty_window(self)

    def mrmlSliceNode(self) -> Any:
        """Return the slice node."""
        return self._node

    def renderWindow(self) -> Any:
        """Return the render window."""
        return self._window

    def interactor(self) -> Any:
        """Return the interactor, to which effects listen."""
        return self._interactor

    interactorObserver = interactor

    def scheduleRender(self) -> None:
        """Nothing is drawn."""

    forceRender = scheduleRender

    def setViewCursor(self, cursor: Any) -> None:
        """Take the cursor of an effect."""
        self.setCursor(cursor)

    def unsetViewCursor(self) -> None:
        """Take the usual cursor again."""
        self.unsetCursor()

    def convertXYZToRAS(self, xyz: Any) -> list[float]:
        """Return where a place of the view lies in the patient."""
        return list(self._node.GetXYToRAS().MultiplyPoint([*xyz, 1.0])[:3])

    def convertRASToXYZ(self, ras: Any) -> list[float]:
        """Return where a place of the patient lies in the view."""
        back = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self._node.GetXYToRAS(), back)
        return list(back.MultiplyPoint([*ras, 1.0])[:3])


def empty_window(widget: QtWidgets.QWidget) -> tuple[Any, Any, Any]:
    """Return a render window that is never rendered, with its interactor and renderer."""
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetSize(256, 256)
    renderer = vtk.vtkRenderer()
    window.AddRenderer(renderer)
    interactor = vtk.vtkGenericRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    interactor.SetSize(256, 256)
    interactor.SetInteractorStyle(None)
    interactor.EnableRenderOff()
    return window, interactor, renderer


class qMRMLSliceWidget(QtWidgets.QWidget):
    """A slice view with its controls."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, name: str, scene: Any, application_logic: Any) -> None:
        super().__init__()
        self.setObjectName(f"qMRMLSliceWidget{name}")
        self._name, self._scene = name, scene
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        self._logic.SetMRMLScene(scene)
        self._node = self._logic.AddSliceNode(name)
        self._node.SetOrientation(ORIENTATIONS[name])
        self._node.SetDimensions(256, 256, 1)
        self._node.SetMappedInLayout(1)
        application_logic.GetSliceLogics().AddItem(self._logic)
        self._view = qMRMLSliceView(self, self._node)

    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._scene

    def sliceLogic(self) -> Any:
        """Return the slice logic."""
        return self._logic

    logic = sliceLogic

    def sliceView(self) -> qMRMLSliceView:
        """Return the view."""
        return self._view

    viewWidget = sliceView

    def mrmlSliceNode(self) -> Any:
        """Return the slice node."""
        return self._node

    mrmlAbstractViewNode = mrmlSliceNode

    def mrmlSliceCompositeNode(self) -> Any:
        """Return the node that says which volumes are shown."""
        return self._logic.GetSliceCompositeNode()

    def sliceViewName(self) -> str:
        """Return the name of the view."""
        return self._name

    def fitSliceToBackground(self) -> None:
        """Make the slice fit the view."""
        self._logic.FitSliceToAll()


class qMRMLThreeDView(QtWidgets.QWidget):
    """What surfaces are shown in: it has a renderer and an interactor, and draws nothing."""

    def __init__(self, parent: QtWidgets.QWidget, node: Any) -> None:
        super().__init__(parent)
        self._node = node
        self._window, self._interactor, self._renderer = empty_window(self)

    def mrmlViewNode(self) -> Any:
        """Return the view node."""
        return self._node

    def renderWindow(self) -> Any:
        """Return the render window."""
        return self._window

    def interactor(self) -> Any:
        """Return the interactor, to which effects listen."""
        return self._interactor

    def scheduleRender(self) -> None:
        """Nothing is drawn."""

    forceRender = resetCamera = resetFocalPoint = scheduleRender

    def setViewCursor(self, cursor: Any) -> None:
        """Take the cursor of an effect."""
        self.setCursor(cursor)

    def unsetViewCursor(self) -> None:
        """Take the usual cursor again."""
        self.unsetCursor()


class qMRMLThreeDWidget(QtWidgets.QWidget):
    """A 3D view with its controls."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, scene: Any, application_logic: Any) -> None:
        super().__init__()
        self._scene = scene
        self._logic = slicer.vtkMRMLViewLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        self._logic.SetMRMLScene(scene)
        self._node = self._logic.AddViewNode("1")
        self._node.SetMappedInLayout(1)
        application_logic.GetViewLogics().AddItem(self._logic)
        self._view = qMRMLThreeDView(self, self._node)

    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._scene

    def threeDView(self) -> qMRMLThreeDView:
        """Return the view."""
        return self._view

    viewWidget = threeDView

    def mrmlViewNode(self) -> Any:
        """Return the view node."""
        return self._node

    mrmlAbstractViewNode = mrmlViewNode

    def viewLogic(self) -> Any:
        """Return the view logic."""
        return self._logic


class qSlicerLayoutManager(QtCore.QObject):
    """What knows the views."""

    layoutChanged = Signal(int)

    def __init__(self, scene: Any, application_logic: Any, view_factory: Any) -> None:
        super().__init__()
        self._scene = scene
        application_logic.SetSliceLogics(vtk.vtkCollection())
        application_logic.SetViewLogics(vtk.vtkCollection())
        self._layout_logic = slicer.vtkMRMLLayoutLogic()
        self._layout_logic.SetMRMLScene(scene)
        self._slices = {name: qMRMLSliceWidget(name, scene, application_logic) for name in ORIENTATIONS}
        self._views = [qMRMLThreeDWidget(scene, application_logic)]
        self._viewport = QtWidgets.QWidget()
        for widget in (*self._slices.values(), *self._views):
            widget.setParent(self._viewport)

    def viewport(self) -> QtWidgets.QWidget:
        """Return the widget in which the views are."""
        return self._viewport

    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._scene

    def layoutLogic(self) -> Any:
        """Return the layout logic."""
        return self._layout_logic

    def layout(self) -> int:
        """Return the number of the layout."""
        node = self._layout_logic.GetLayoutNode()
        return int(node.GetViewArrangement()) if node is not None else 0

    def setLayout(self, layout: int) -> None:
        """Choose a layout by its number."""
        self._layout_logic.GetLayoutNode().SetViewArrangement(int(layout))
        self.layoutChanged.emit(int(layout))

    def mrmlSliceLogics(self) -> Any:
        """Return the logics of the slice views."""
        return slicer.app._native.applicationLogic().GetSliceLogics()

    def mrmlViewLogics(self) -> Any:
        """Return the logics of the 3D views."""
        return slicer.app._native.applicationLogic().GetViewLogics()

    def sliceViewNames(self) -> list[str]:
        """Return the names of the slice views."""
        return list(self._slices)

    def sliceWidget(self, name: str) -> qMRMLSliceWidget | None:
        """Return a slice view with its controls, or None."""
        return self._slices.get(name)

    def threeDViewCount(self) -> int:
        """Return how many 3D views there are."""
        return len(self._views)

    def threeDWidget(self, which: int) -> qMRMLThreeDWidget | None:
        """Return a 3D view with its controls, or None."""
        return self._views[which] if 0 <= which < len(self._views) else None

    def resetSliceViews(self) -> None:
        """Make all slices fit their views."""
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    def resetThreeDViews(self) -> None:
        """Nothing is drawn."""
