"""qMRMLSegmentEditorWidget: as much of the Segment Editor as a scripted effect needs around it."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Signal

from .mrml_widget import qMRMLWidget
from .node_combo_box import qMRMLNodeComboBox
from .observing import Observation, remove_all
from .plain import keeps
from .segment_editor_effect import qSlicerSegmentEditorEffectFactory
from .segments_table import qMRMLSegmentsTableView

INTERACTIONS = [
    f"{button}Button{what}Event"
    for button in ("Left", "Middle", "Right")
    for what in ("Press", "Release", "DoubleClick")
] + ["MouseMoveEvent", "MouseWheelForwardEvent", "MouseWheelBackwardEvent", "KeyPressEvent", "KeyReleaseEvent"]
INTERACTIONS += ["EnterEvent", "LeaveEvent"]


@keeps(
    autoShowSourceVolumeNode=True,
    autoShowMasterVolumeNode=True,
    defaultTerminologyEntry="",
    defaultTerminologyEntrySettingsKey="",
    effectColumnCount=2,
    jumpToSelectedSegmentEnabled=False,
    maskingSectionVisible=True,
    readOnly=False,
    show3DButtonVisible=True,
    specifyGeometryButtonVisible=True,
    switchToSegmentationsButtonVisible=True,
    addRemoveSegmentButtonsVisible=True,
    unorderedEffectsVisible=True,
    undoEnabled=True,
)
class qMRMLSegmentEditorWidget(qMRMLWidget):
    """Segmentation, source volume, segments, effects, the options of the active one, undo and redo."""

    currentSegmentIDChanged = Signal(str)
    segmentationNodeChanged = Signal(object)
    sourceVolumeNodeChanged = Signal(object)
    masterVolumeNodeChanged = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._tags: list[Observation] = []
        self._observed: list[Observation] = []
        self._effects: list[Any] = []
        self._active: Any = None
        self._order: list[str] = []
        self._updating = False
        self._shortcuts: list[QtGui.QShortcut] = []
        self._before: dict[str, Any] = {}
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._history = slicer.vtkSegmentationHistory()
        self._logic.SetSegmentationHistory(self._history)
        self._build()
        factory = qSlicerSegmentEditorEffectFactory.instance()
        factory.effectRegistered.connect(lambda _name: self.updateEffectList())
        self.updateEffectList()

    def _build(self) -> None:
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        form = QtWidgets.QFormLayout()
        layout.addLayout(form)
        self._segmentation_box, self._source_box = qMRMLNodeComboBox(self), qMRMLNodeComboBox(self)
        self._segmentation_box.setNodeTypes(["vtkMRMLSegmentationNode"])
        self._segmentation_box.setObjectName("SegmentationNodeComboBox")
        self._source_box.setNodeTypes(["vtkMRMLScalarVolumeNode"])
        self._source_box.setObjectName("SourceVolumeNodeComboBox")
        for box in (self._segmentation_box, self._source_box):
            box.setNoneEnabled(True)
        form.addRow("Segmentation:", self._segmentation_box)
        form.addRow("Source volume:", self._source_box)
        self._table = qMRMLSegmentsTableView(self)
        self._table.setObjectName("SegmentsTableView")
        self._table.setSelectionMode(1)
        layout.addWidget(self._table)
        self._effect_box = QtWidgets.QGroupBox("Effects", self)
        self._effect_box.setObjectName("EffectsGroupBox")
        self._effect_grid = QtWidgets.QGridLayout(self._effect_box)
        layout.addWidget(self._effect_box)
        self._options = QtWidgets.QGroupBox(self)
        self._options.setObjectName("OptionsGroupBox")
        QtWidgets.QVBoxLayout(self._options)
        layout.addWidget(self._options)
        self._undo_button, self._redo_button = QtWidgets.QToolButton(self), QtWidgets.QToolButton(self)
        row = QtWidgets.QHBoxLayout()
        for button, name, function in (
            (self._undo_button, "Undo", self.undo),
            (self._redo_button, "Redo", self.redo),
        ):
            button.setObjectName(f"{name}Button")
            button.setText(name)
            button.clicked.connect(function)
            row.addWidget(button)
        layout.addLayout(row)
        self._segmentation_box.currentNodeChanged.connect(self.setSegmentationNode)
        self._source_box.currentNodeChanged.connect(self.setSourceVolumeNode)
        self._table.selectionChanged.connect(self._on_selection)

    def setMRMLScene(self, scene: Any) -> None:
        """Take a scene."""
        super().setMRMLScene(scene)
        self._logic.SetMRMLScene(scene)
        for box in (self._segmentation_box, self._source_box):
            blocked = box.blockSignals(True)
            box.setMRMLScene(scene)
            box.blockSignals(blocked)

    def mrmlSegmentEditorNode(self) -> Any:
        """Return the segment editor node."""
        return self._node

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        """Take the node that says what is edited and how."""
        if node is self._node:
            return
        remove_all(self._tags)
        self._node = node
        self._logic.SetSegmentEditorNode(node)
        if node is not None:
            self._tags.append(Observation(self, node, vtk.vtkCommand.ModifiedEvent, "updateWidgetFromMRML"))
            self._tags.append(Observation(self, node, node.EffectParameterModified, "_parameters_changed"))
        for effect in self._effects:
            effect.setParameterSetNode(node)
            if node is not None:
                effect.call("setMRMLDefaults")
        self.updateWidgetFromMRML()

    def _parameters_changed(self) -> None:
        for effect in self._effects:
            effect.updateGUIFromMRML()

    def segmentationNode(self) -> Any:
        """Return the segmentation that is edited."""
        return self._node.GetSegmentationNode() if self._node is not None else None

    def setSegmentationNode(self, node: Any) -> None:
        """Edit a segmentation."""
        if self._node is not None and not self._updating:
            self._logic.SetSegmentationNode(node)
            self._node.SetAndObserveSegmentationNode(node)

    def segmentationNodeID(self) -> str:
        """Return the ID of the segmentation that is edited."""
        node = self.segmentationNode()
        return node.GetID() if node is not None else ""

    def setSegmentationNodeID(self, node_id: str) -> None:
        """Edit a segmentation by its ID."""
        self.setSegmentationNode(self._scene.GetNodeByID(node_id))

    def sourceVolumeNode(self) -> Any:
        """Return the volume that is looked at."""
        return self._node.GetSourceVolumeNode() if self._node is not None else None

    masterVolumeNode = sourceVolumeNode

    def setSourceVolumeNode(self, node: Any) -> None:
        """Look at a volume."""
        if self._node is not None and not self._updating:
            self._logic.SetSourceVolumeNode(node)
            self._node.SetAndObserveSourceVolumeNode(node)

    setMasterVolumeNode = setSourceVolumeNode

    def sourceVolumeNodeID(self) -> str:
        """Return the ID of the volume that is looked at."""
        node = self.sourceVolumeNode()
        return node.GetID() if node is not None else ""

    def setSourceVolumeNodeID(self, node_id: str) -> None:
        """Look at a volume by its ID."""
        self.setSourceVolumeNode(self._scene.GetNodeByID(node_id))

    def currentSegmentID(self) -> str:
        """Return the ID of the chosen segment."""
        return (self._node.GetSelectedSegmentID() or "") if self._node is not None else ""

    def setCurrentSegmentID(self, segment_id: str) -> None:
        """Choose a segment."""
        if self._node is not None:
            self._node.SetSelectedSegmentID(segment_id or "")

    def _on_selection(self, *_: Any) -> None:
        chosen = self._table.selectedSegmentIDs()
        if not self._updating and self._node is not None:
            self.setCurrentSegmentID(chosen[0] if chosen else "")

    def updateEffectList(self) -> None:
        """Get a copy of each effect that was registered meanwhile."""
        for registered in qSlicerSegmentEditorEffectFactory.instance().registeredEffects():
            if any(effect.name() == registered.name() for effect in self._effects):
                continue
            effect = registered.clone()
            effect.editor, effect.logic = self, self._logic
            self._effects.append(effect)
            if self._node is not None:
                effect.setParameterSetNode(self._node)
                effect.call("setMRMLDefaults")
            effect.call("setupOptionsFrame")
            effect.optionsFrame().setVisible(False)
            self._options.layout().addWidget(effect.optionsFrame())
            button = QtWidgets.QToolButton(self._effect_box)
            button.setObjectName(effect.name())
            button.setCheckable(True)
            button.setIcon(effect.icon())
            button.setText(effect.title() or effect.name())
            button.setToolTip(effect.title() or effect.name())
            button.clicked.connect(self._choosing(effect.name()))
            count = self._effect_grid.count()
            self._effect_grid.addWidget(button, count // 2, count % 2)
        self.updateWidgetFromMRML()

    def _choosing(self, name: str) -> Any:
        return lambda on: self.setActiveEffectByName(name if on else "")

    def availableEffectNames(self) -> list[str]:
        """Return the names of the effects."""
        return [effect.name() for effect in self._effects]

    def effectCount(self) -> int:
        """Return how many effects there are."""
        return len(self._effects)

    def effectByName(self, name: str) -> Any:
        """Return an effect, or None."""
        return next((effect for effect in self._effects if effect.name() == name), None)

    def effectByIndex(self, index: int) -> Any:
        """Return an effect by its place."""
        return self._effects[index]

    def effectNameOrder(self) -> list[str]:
        """Return in which order the effects are shown."""
        return list(self._order)

    def setEffectNameOrder(self, names: list[str]) -> None:
        """Set in which order the effects are shown."""
        self._order = list(names)

    def activeEffect(self) -> Any:
        """Return the effect that is used, or None."""
        return self._active

    def setActiveEffect(self, effect: Any) -> None:
        """Use an effect, or none."""
        self.setActiveEffectByName(effect.name() if effect is not None else "")

    def setActiveEffectByName(self, name: str) -> None:
        """Use an effect by its name; an unknown name means none."""
        if self._node is not None:
            self._node.SetActiveEffectName(name if self.effectByName(name) is not None else "")

    def updateWidgetFromMRML(self) -> None:
        """Show what the segment editor node says."""
        if self._updating:
            return
        self._updating = True
        try:
            self._show_nodes()
        finally:
            self._updating = False
        self._choose_effect()
        self._say_what_changed()

    def _show_nodes(self) -> None:
        self._segmentation_box.setCurrentNode(self.segmentationNode())
        self._source_box.setCurrentNode(self.sourceVolumeNode())
        if self._table.segmentationNode() is not self.segmentationNode():
            self._table.setSegmentationNode(self.segmentationNode())
        current = self.currentSegmentID()
        if current and self._table.selectedSegmentIDs() != [current]:
            self._table.setSelectedSegmentIDs([current])
        enabled = self.sourceVolumeNode() is not None
        self._effect_box.setEnabled(enabled)
        self._options.setEnabled(enabled)
        for effect in self._effects:
            button = self._effect_box.findChild(QtWidgets.QToolButton, effect.name())
            segments = bool(self._table.model().rowCount())
            usable = segments and (bool(current) or not effect.perSegment())
            button.setEnabled(not effect.requireSegments() or usable)
        self._update_undo_buttons()

    def _choose_effect(self) -> None:
        name = self._node.GetActiveEffectName() if self._node is not None else ""
        effect = self.effectByName(name)
        if effect is self._active:
            return
        before, self._active = self._active, None
        if before is not None:
            before.deactivate()
        if effect is not None:
            self.setupViewObservations()
            interaction = self._interaction_node()
            if interaction is not None and interaction.GetCurrentInteractionMode() != interaction.ViewTransform:
                interaction.SetCurrentInteractionMode(interaction.ViewTransform)
            self._active = effect
            effect.activate()
        else:
            self.removeViewObservations()
        self._options.setVisible(effect is not None)
        self._options.setTitle(effect.title() or effect.name() if effect is not None else "")
        for each in self._effects:
            self._effect_box.findChild(QtWidgets.QToolButton, each.name()).setChecked(each is effect)
        self._set_cursors(effect)

    def _set_cursors(self, effect: Any) -> None:
        for widget in self._views():
            if effect is not None:
                widget.viewWidget().setViewCursor(effect.createCursor(widget))
            else:
                widget.viewWidget().unsetViewCursor()

    def _say_what_changed(self) -> None:
        now = {
            "segmentation": self.segmentationNode(),
            "source": self.sourceVolumeNode(),
            "segment": self.currentSegmentID(),
        }
        before, self._before = self._before, now
        if before.get("segmentation") is not now["segmentation"]:
            node = now["segmentation"]
            self._history.SetSegmentation(node.GetSegmentation() if node is not None else None)
            self._update_undo_buttons()
            self.segmentationNodeChanged.emit(node)
        if before.get("source") is not now["source"]:
            for effect in self._effects:
                effect.call("sourceVolumeNodeChanged")
                effect.call("masterVolumeNodeChanged")
            self.sourceVolumeNodeChanged.emit(now["source"])
            self.masterVolumeNodeChanged.emit(now["source"])
        if before.get("segment", "") != now["segment"]:
            self.currentSegmentIDChanged.emit(now["segment"])

    def _views(self) -> list[Any]:
        layout = slicer.app._native.layoutManager()
        return [layout.sliceWidget(name) for name in layout.sliceViewNames()] + [layout.threeDWidget(0)]

    def _interaction_node(self) -> Any:
        return slicer.app._native.applicationLogic().GetInteractionNode()

    interactionNode = _interaction_node

    def setupViewObservations(self) -> None:
        """Hand what happens in the views to the active effect."""
        self.removeViewObservations()
        for widget in self._views():
            interactor, node = widget.viewWidget().interactor(), widget.mrmlAbstractViewNode()
            for event in INTERACTIONS:
                self._observed.append(Observation(self, interactor, event, "_on_interaction", 1.0))
            self._observed.append(Observation(self, node, vtk.vtkCommand.ModifiedEvent, "_on_view_node"))
        interaction = self._interaction_node()
        event = interaction.InteractionModeChangedEvent
        self._observed.append(Observation(self, interaction, event, "_on_mouse_mode"))

    def removeViewObservations(self) -> None:
        """Listen to the views no more."""
        remove_all(self._observed)

    def _view_of(self, source: Any) -> Any:
        return next(w for w in self._views() if source in (w.viewWidget().interactor(), w.mrmlAbstractViewNode()))

    def _on_interaction(self, interactor: Any, event: str) -> None:
        if self._active is None or self._scene is None or self._scene.IsClosing():
            return
        number = getattr(vtk.vtkCommand, event)
        if self._active.processInteractionEvents(interactor, number, self._view_of(interactor)):
            self._abort(interactor, event)

    def _abort(self, interactor: Any, event: str) -> None:
        for each in self._observed:
            command = interactor.GetCommand(each.tag) if each.source is interactor else None
            if command is not None and each.event == event:
                command.SetAbortFlag(1)

    def _on_view_node(self, node: Any) -> None:
        from ..border import proxy_of

        if self._active is not None and self._scene is not None and not self._scene.IsClosing():
            self._active.call(
                "processViewNodeEvents", node, vtk.vtkCommand.ModifiedEvent, proxy_of(self._view_of(node))
            )

    def _on_mouse_mode(self, node: Any) -> None:
        if self._active is not None:
            self._active.interactionNodeModified(node)

    def maximumNumberOfUndoStates(self) -> int:
        """Return how far one can go back."""
        return int(self._history.GetMaximumNumberOfStates())

    def setMaximumNumberOfUndoStates(self, count: int) -> None:
        """Set how far one can go back."""
        self._history.SetMaximumNumberOfStates(count)

    def saveStateForUndo(self) -> None:
        """Keep the segmentation as it is."""
        if self.undoEnabled() and self.segmentationNode() is not None:
            self._history.SaveState()
            self._update_undo_buttons()

    def undo(self) -> None:
        """Go back."""
        self._history.RestorePreviousState()
        self._update_undo_buttons()

    def redo(self) -> None:
        """Go forth again."""
        self._history.RestoreNextState()
        self._update_undo_buttons()

    def _update_undo_buttons(self) -> None:
        self._undo_button.setEnabled(bool(self._history.IsRestorePreviousStateAvailable()))
        self._redo_button.setEnabled(bool(self._history.IsRestoreNextStateAvailable()))

    def installKeyboardShortcuts(self, parent: Any = None) -> None:
        """Let Ctrl+Z and Ctrl+Y undo and redo within a widget, else within the window."""
        self.uninstallKeyboardShortcuts()
        for keys, function in (("Ctrl+Z", self.undo), ("Ctrl+Y", self.redo)):
            shortcut = QtGui.QShortcut(QtGui.QKeySequence(keys), parent or self)
            shortcut.activated.connect(function)
            self._shortcuts.append(shortcut)

    def uninstallKeyboardShortcuts(self) -> None:
        """Take the keys back."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self._shortcuts = []

    def setSegmentationNodeSelectorVisible(self, shown: bool) -> None:
        """Show or hide the box of the segmentation."""
        self._segmentation_box.setVisible(shown)

    def segmentationNodeSelectorVisible(self) -> bool:
        """Tell whether the box of the segmentation is shown."""
        return not self._segmentation_box.isHidden()

    def setSourceVolumeNodeSelectorVisible(self, shown: bool) -> None:
        """Show or hide the box of the volume."""
        self._source_box.setVisible(shown)

    def sourceVolumeNodeSelectorVisible(self) -> bool:
        """Tell whether the box of the volume is shown."""
        return not self._source_box.isHidden()

    setMasterVolumeNodeSelectorVisible = setSourceVolumeNodeSelectorVisible
    masterVolumeNodeSelectorVisible = sourceVolumeNodeSelectorVisible

    def effectButtonStyle(self) -> QtCore.Qt.ToolButtonStyle:
        """Return how the buttons of the effects look."""
        return getattr(self, "_style", QtCore.Qt.ToolButtonStyle.ToolButtonIconOnly)

    def setEffectButtonStyle(self, style: QtCore.Qt.ToolButtonStyle) -> None:
        """Set how the buttons of the effects look."""
        self._style = style

    def rotateSliceViewsToSegmentation(self) -> None:
        """Nothing is drawn."""
