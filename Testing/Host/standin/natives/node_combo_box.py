"""qMRMLNodeComboBox: a box that follows the nodes of a scene."""

# ruff: noqa: N801, N802, N815 (the names are those of Qt and of Slicer)

from __future__ import annotations

from typing import Any

import vtk
from PySide6 import QtWidgets
from PySide6.QtCore import Signal

from .choices import ctkComboBox
from .dialogs import ask_for_text
from .observing import Observation, remove_all
from .plain import keeps

NODE, ACTION = 0x0100, 0x0101  # Qt::UserRole and the next


@keeps(
    nodeTypes=(),
    hideChildNodeTypes=(),
    addEnabled=True,
    removeEnabled=True,
    renameEnabled=False,
    editEnabled=False,
    noneEnabled=False,
    noneDisplay="None",
    showChildNodeTypes=True,
    showHidden=False,
    baseName="",
    selectNodeUponCreation=True,
    interactionNodeSingletonTag="Singleton",
)
class qMRMLNodeComboBox(QtWidgets.QWidget):
    """The nodes of the scene that are of certain types and not hidden from editors; below them what can be done."""

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    currentNodeRenamed = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAddedByUserAction = Signal(object)
    nodeAboutToBeEdited = Signal(object)
    nodeAboutToBeRemoved = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._scene_tags: list[Observation] = []
        self._node_tags: dict[Any, Observation] = {}
        self._attributes: dict[str, dict[str, str | None]] = {}
        self._labels: dict[str, str] = {}
        self._actions: list[Any] = []
        self._current_id = ""
        self._filling = False
        self.box = ctkComboBox(self)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Fixed)
        self.box.currentIndexChanged.connect(self._on_index)
        self.box.activated.connect(self._on_activated)
        self.setEnabled(False)

    def mrmlScene(self) -> Any:
        """Return the scene, or None."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Follow a scene."""
        if scene is self._scene:
            return
        remove_all(self._scene_tags)
        self._scene = scene
        if scene is not None:
            for event, method, data in (
                (scene.NodeAddedEvent, "_on_node_added", vtk.VTK_OBJECT),
                (scene.NodeAboutToBeRemovedEvent, "_on_node_leaving", vtk.VTK_OBJECT),
                (scene.NodeRemovedEvent, "_on_node_removed", vtk.VTK_OBJECT),
                (scene.EndBatchProcessEvent, "_on_batch_end", None),
            ):
                self._scene_tags.append(Observation(self, scene, event, method, 0.0, data))
        self.setEnabled(scene is not None)
        self._fill()

    def changed(self, name: str) -> None:
        """Show what a changed property lets be seen."""
        self._fill()

    def sizeAdjustPolicy(self) -> Any:
        """Return how its width follows the text."""
        return self.box.sizeAdjustPolicy()

    def setSizeAdjustPolicy(self, policy: Any) -> None:
        """Set how its width follows the text."""
        self.box.setSizeAdjustPolicy(policy)

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        """Show only nodes of a type that have an attribute, with that value if one is given."""
        self._attributes.setdefault(node_type, {})[name] = None if value is None else str(value)
        self._fill()

    def removeAttribute(self, node_type: str, name: str) -> None:
        """Show nodes of a type without that attribute again."""
        self._attributes.get(node_type, {}).pop(name, None)
        self._fill()

    def nodeTypeLabel(self, node_type: str) -> str:
        """Return what a type of node is called to the user."""
        return self._labels.get(node_type) or label_of(node_type, self._scene)

    def setNodeTypeLabel(self, label: str, node_type: str) -> None:
        """Set what a type of node is called to the user."""
        self._labels[node_type] = label
        self._fill()

    def addMenuAction(self, action: Any) -> None:
        """Add an action below the nodes."""
        self._actions.append(action)
        self._fill()

    def nodes(self) -> list[Any]:
        """Return the nodes that are shown."""
        if self._scene is None:
            return []
        found = [self._scene.GetNthNode(i) for i in range(self._scene.GetNumberOfNodes())]
        return [node for node in found if self._fits(node)]

    def _of_type(self, node: Any) -> bool:
        types = self.nodeTypes()
        if self.showChildNodeTypes():
            fits = any(node.IsA(t) for t in types) and not any(node.IsA(t) for t in self.hideChildNodeTypes())
        else:
            fits = node.GetClassName() in types
        return fits

    def _fits(self, node: Any) -> bool:
        if not self._of_type(node) or (node.GetHideFromEditors() and not self.showHidden()):
            return False
        for node_type, wanted in self._attributes.items():
            if node.IsA(node_type):
                for name, value in wanted.items():
                    own = node.GetAttribute(name)
                    if own is None or (value is not None and own != value):
                        return False
        return True

    def nodeCount(self) -> int:
        """Return how many nodes are shown."""
        return len(self.nodes())

    def nodeFromIndex(self, index: int) -> Any:
        """Return the node at a place among those shown."""
        nodes = self.nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    def currentNode(self) -> Any:
        """Return the chosen node, or None."""
        return self._scene.GetNodeByID(self._current_id) if self._scene is not None and self._current_id else None

    def currentNodeID(self) -> str:
        """Return the ID of the chosen node, or nothing."""
        return self._current_id

    currentNodeId = currentNodeID

    def setCurrentNode(self, node: Any) -> None:
        """Choose a node, by itself or by its ID; nothing is chosen where it is not among those shown."""
        wanted = node if isinstance(node, str) else (node.GetID() if node is not None else "")
        self.setCurrentNodeID(wanted)

    def setCurrentNodeID(self, node_id: str) -> None:
        """Choose a node by its ID."""
        row = self._row_of(node_id or "")
        if row < 0:
            row = 0 if self.noneEnabled() else -1
        self.box.setCurrentIndex(row)

    setCurrentNodeId = setCurrentNodeID

    def setCurrentNodeIndex(self, index: int) -> None:
        """Choose a node by its place."""
        self.setCurrentNode(self.nodeFromIndex(index))

    def addNode(self, node_type: str = "") -> Any:
        """Make a node as the user's "Create new" does, and return it."""
        kind = node_type or self.nodeTypes()[0]
        node = self._scene.CreateNodeByClass(kind)
        node.UnRegister(None)
        for name, value in self._attributes.get(kind, {}).items():
            if value is not None:
                node.SetAttribute(name, value)
        node.SetName(self._scene.GetUniqueNameByString(self.baseName() or node.GetNodeTagName()))
        node = self._scene.AddNode(node)
        if self.selectNodeUponCreation():
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        """Remove the chosen node from the scene."""
        if self.currentNode() is not None:
            self._scene.RemoveNode(self.currentNode())

    def renameCurrentNode(self) -> None:
        """Ask for another name of the chosen node."""
        node = self.currentNode()
        if node is None:
            return
        name = ask_for_text(f"Rename {self.nodeTypeLabel(node.GetClassName())}", "New name:", node.GetName())
        if name:
            node.SetName(name)
            self.currentNodeRenamed.emit(name)

    def editCurrentNode(self) -> None:
        """Say that the chosen node is to be edited."""
        self.nodeAboutToBeEdited.emit(self.currentNode())

    def _row_of(self, node_id: str) -> int:
        rows = [r for r in range(self.box.count()) if node_id and self.box.itemData(r, NODE) == node_id]
        return rows[0] if rows else -1

    def _fill(self, fallback_row: int | None = None) -> None:
        """Write the nodes and the actions anew; the chosen node stays if it is still there."""
        before = self._current_id
        nodes = self.nodes()
        self._observe(nodes)
        self._filling = True
        self._functions: list[Any] = []
        self.box.clear()
        if self._scene is not None:
            if self.noneEnabled():
                self.box.addItem(self.noneDisplay())
            for node in nodes:
                self.box.addItem(node.GetName() or "", None)
                self.box.setItemData(self.box.count() - 1, node.GetID(), NODE)
            self._add_actions(len(nodes))
            labels = [self.nodeTypeLabel(t) for t in self.nodeTypes()[:1]]
            self.box.setDefaultText(f"Select a {labels[0]}" if labels else "")
        row = self._row_of(before)
        if row < 0 and before and fallback_row is not None:
            row = min(fallback_row, len(nodes) + self.noneEnabled() - 1)
        if row < 0 and (self.noneEnabled() or nodes) and self._scene is not None:
            row = 0
        self.box.setCurrentIndex(row)
        self._filling = False
        self._take(self.box.itemData(row, NODE) if row >= 0 else "")

    def _add_actions(self, nodes: int) -> None:
        types = self.nodeTypes()
        label = self.nodeTypeLabel(types[0]) if len(types) == 1 else "node"
        entries: list[tuple[str, Any]] = []
        if self.renameEnabled():
            entries.append((f"Rename current {label}", self.renameCurrentNode))
        if self.editEnabled():
            entries.append((f"Edit current {label}", self.editCurrentNode))
        if self.addEnabled():
            entries += [
                (f"Create new {self.nodeTypeLabel(t)}", lambda t=t: self.nodeAddedByUserAction.emit(self.addNode(t)))
                for t in types
            ]
        if self.removeEnabled():
            entries.append((f"Delete current {label}", self.removeCurrentNode))
        entries += [(action.text(), action.trigger) for action in self._actions]
        if entries:
            self.box.insertSeparator(self.box.count())
        for text, function in entries:
            self.box.addItem(text)
            self.box.setItemData(self.box.count() - 1, len(self._functions), ACTION)
            self._functions.append(function)

    def _take(self, node_id: str | None) -> None:
        node_id = node_id or ""
        if node_id != self._current_id:
            self._current_id = node_id
            self.currentNodeChanged.emit(self.currentNode())
            self.currentNodeIDChanged.emit(node_id)

    def _on_index(self, row: int) -> None:
        if not self._filling and (row < 0 or self.box.itemData(row, ACTION) is None):
            self._take(self.box.itemData(row, NODE) if row >= 0 else "")

    def _on_activated(self, row: int) -> None:
        action = self.box.itemData(row, ACTION)
        if action is None:
            self.nodeActivated.emit(self.currentNode())
            return
        self.setCurrentNodeID(self._current_id)
        self._functions[action]()

    def _observe(self, shown: list[Any]) -> None:
        wanted = [self._scene.GetNthNode(i) for i in range(self._scene.GetNumberOfNodes())] if self._scene else []
        wanted = [node for node in wanted if self._of_type(node)]
        for node in [n for n in self._node_tags if n not in wanted]:
            self._node_tags.pop(node).remove()
        for node in wanted:
            if node not in self._node_tags:
                self._node_tags[node] = Observation(self, node, vtk.vtkCommand.ModifiedEvent, "_on_node_modified")

    def _on_node_modified(self, node: Any, event: str) -> None:
        row = self._row_of(node.GetID() or "")
        if (row >= 0) != self._fits(node):
            self._fill(max(row - 1, 0))
        elif row >= 0 and self.box.itemText(row) != node.GetName():
            self.box.setItemText(row, node.GetName())

    def _on_node_added(self, scene: Any, event: str, node: Any) -> None:
        if not scene.IsBatchProcessing() and self._of_type(node):
            self._fill()
            if self._fits(node):
                self.nodeAdded.emit(node)

    def _on_node_leaving(self, scene: Any, event: str, node: Any) -> None:
        if self._row_of(node.GetID() or "") >= 0:
            self.nodeAboutToBeRemoved.emit(node)

    def _on_node_removed(self, scene: Any, event: str, node: Any) -> None:
        if not scene.IsBatchProcessing() and self._of_type(node):
            self._fill(max(self.box.currentIndex() - 1, 0))

    def _on_batch_end(self, scene: Any, event: str) -> None:
        self._fill(0)


def label_of(node_type: str, scene: Any) -> str:
    """Return what a type of node is called where nothing else was said: its tag, ``Volume``."""
    node = scene.CreateNodeByClass(node_type) if scene is not None and node_type else None
    if node is None:
        return "node"
    node.UnRegister(None)
    return str(node.GetNodeTagName())
