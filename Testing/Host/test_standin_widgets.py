"""CTK's and Slicer's widgets over a real scene."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def scene(started):
    import slicer

    return slicer.mrmlScene


@pytest.fixture
def selector(scene):
    import slicer

    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLModelNode"]
    box.noneEnabled = True
    box.setMRMLScene(scene)
    return box


@pytest.fixture
def segmentation(scene):
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
    node.CreateDefaultDisplayNodes()
    for name in ("liver", "spleen", "aorta"):
        node.GetSegmentation().AddEmptySegment(name, name)
    return node


@pytest.fixture
def table(scene, segmentation):
    import slicer

    view = slicer.qMRMLSegmentsTableView()
    view.setSegmentationNode(segmentation)
    return view


def texts(selector):
    """Return what stands in a node selector, actions too."""
    box = selector._native.box
    return [box.itemText(row) for row in range(box.count())]


def test_selector_follows_the_scene(scene, selector):
    assert texts(selector)[0] == "None"
    model = scene.AddNewNodeByClass("vtkMRMLModelNode", "Bone")
    assert texts(selector)[:2] == ["None", "Bone"]
    model.SetName("Hip bone")
    assert texts(selector)[:2] == ["None", "Hip bone"]
    model.SetHideFromEditors(True)
    model.Modified()
    assert selector.nodeCount() == 0
    model.SetHideFromEditors(False)
    model.Modified()
    assert selector.nodeCount() == 1
    scene.RemoveNode(model)
    assert selector.nodeCount() == 0


def test_selector_without_none_takes_the_first_node(scene, selector):
    selector.noneEnabled = False
    model = scene.AddNewNodeByClass("vtkMRMLModelNode", "Bone")
    assert selector.currentNode() is model


def test_selector_says_what_was_chosen_and_that_it_went(scene, selector):
    heard = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    selector.connect("currentNodeChanged(bool)", heard.append)
    model = scene.AddNewNodeByClass("vtkMRMLModelNode", "Bone")
    selector.setCurrentNode(model)
    selector.setCurrentNode(model)
    scene.RemoveNode(model)
    assert heard == [model, True, None, False]
    assert selector.currentNodeID == ""


def test_selector_makes_renames_and_deletes_nodes(started, scene, selector):
    selector.renameEnabled = True
    selector.baseName = "Surface"
    made = []
    selector.connect("nodeAddedByUser(vtkMRMLNode*)", made.append)
    node = selector.addNode()
    assert made == [node]
    assert node.GetName() == "Surface"
    assert selector.currentNode() is node
    started.answers.append("Skin")
    selector.renameCurrentNode()
    assert node.GetName() == "Skin"
    selector.removeCurrentNode()
    assert selector.currentNode() is None


def test_selector_offers_what_it_may_do(scene, selector):
    assert texts(selector)[2:] == ["Create new Model", "Delete current Model"]
    selector.addEnabled = False
    selector.removeEnabled = False
    assert texts(selector) == ["None"]


def test_selector_forgets_the_scene_that_was_closed(scene, selector):
    selector.setCurrentNode(scene.AddNewNodeByClass("vtkMRMLModelNode", "Bone"))
    scene.Clear(0)
    assert selector.currentNode() is None


def test_table_has_the_columns_of_slicer(table):
    model = table.model()
    order = [model.visibilityColumn, model.colorColumn, model.opacityColumn, model.nameColumn, model.layerColumn]
    assert order == [0, 1, 2, 3, 4]
    assert model.statusColumn == 5
    assert model.columnCount() == 6
    assert [model.item(row, 3).text() for row in range(model.rowCount())] == ["liver", "spleen", "aorta"]


def test_table_follows_segments(table, segmentation):
    segments = segmentation.GetSegmentation()
    segments.GetSegment("liver").SetName("Liver")
    assert table.model().item(0, 3).text() == "Liver"
    segments.RemoveSegment("spleen")
    assert table.displayedSegmentIDs() == ("liver", "aorta")
    segments.AddEmptySegment("colon", "colon")
    assert table.segmentCount == 3
    segments.SetSegmentIndex("colon", 0)
    assert table.displayedSegmentIDs() == ("colon", "liver", "aorta")


def test_column_of_ones_own_stands_behind_the_others(table, segmentation):
    import qt

    table.model().setColumnCount(7)
    table.model().setHorizontalHeaderItem(6, qt.QStandardItem("Doubt"))
    assert table.model().item(0, 6) is None
    segmentation.GetSegmentation().AddEmptySegment("colon", "colon")
    cell = table.model().item(3, 6)
    assert cell.data(qt.Qt.UserRole + 1) == "colon"
    cell.setText("12 %")
    segmentation.GetSegmentation().GetSegment("colon").SetName("Colon")
    assert table.model().item(3, 6).text() == "12 %"


def test_rows_are_chosen_by_id_and_by_the_mouse(started, table):
    heard = []
    table.connect("selectionChanged(QItemSelection,QItemSelection)", lambda: heard.append(table.selectedSegmentIDs()))
    table.setSelectedSegmentIDs(["spleen"])
    table.show()
    started.click_cell(table.tableWidget(), 2, 3)
    assert heard == [("spleen",), ("aorta",)]
    table.clearSelection()
    assert table.selectedSegmentIDs() == ()


def test_eye_hides_and_shows(started, table, segmentation):
    table.show()
    started.click_cell(table.tableWidget(), 0, 0)
    assert not segmentation.GetDisplayNode().GetSegmentVisibility("liver")
    started.click_cell(table.tableWidget(), 0, 0)
    assert segmentation.GetDisplayNode().GetSegmentVisibility("liver")


def test_filter_works_only_while_its_bar_is_shown(table):
    table.setTextFilter("pl")
    assert len(table.displayedSegmentIDs()) == 3
    table.filterBarVisible = True
    assert table.displayedSegmentIDs() == ("spleen",)
    table.sortFilterProxyModel().setTextFilter("")
    assert len(table.displayedSegmentIDs()) == 3


def test_columns_are_hidden_by_their_properties(table):
    table.opacityColumnVisible = False
    assert table.tableWidget().isColumnHidden(2)
    assert not table.opacityColumnVisible
    assert not table.layerColumnVisible


def test_fold_hides_what_is_in_it(started):
    import ctk
    import qt

    fold, heard = ctk.ctkCollapsibleButton(), []
    layout = qt.QVBoxLayout(fold)
    label = qt.QLabel("inside")
    layout.addWidget(label)
    fold.show()
    fold.connect("contentsCollapsed(bool)", heard.append)
    started.click(fold)
    assert (fold.collapsed, label.visible, heard) == (True, False, [True])
    fold.collapsed = False
    assert label.visible


def test_range_keeps_its_order_and_its_bounds(started):
    import ctk

    widget, heard = ctk.ctkRangeWidget(), []
    widget.minimum, widget.maximum = -1000, 1000
    widget.connect("valuesChanged(double,double)", lambda low, high: heard.append((low, high)))
    widget.minimumValue = 200
    widget.maximumValue = 5000
    assert heard[-1] == (200.0, 1000.0)
    widget.maximumValue = 100
    assert (widget.minimumValue, widget.maximumValue) == (100.0, 100.0)


def test_path_is_browsed_for(started, tmp_path):
    import ctk

    line, heard = ctk.ctkPathLineEdit(), []
    line.filters = ctk.ctkPathLineEdit.Files
    line.connect("currentPathChanged(QString)", heard.append)
    started.answers.append(str(tmp_path))
    line.browse()
    assert line.currentPath == str(tmp_path)
    assert heard == [str(tmp_path)]


def test_points_are_placed_through_the_real_nodes(started, scene):
    import slicer

    widget, heard = slicer.qSlicerMarkupsPlaceWidget(), []
    widget.setMRMLScene(scene)
    widget.connect("activeMarkupsPlaceModeChanged(bool)", heard.append)
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Clicks")
    widget.setCurrentNode(node)
    widget.placeMultipleMarkups = slicer.qSlicerMarkupsPlaceWidget.ForcePlaceMultipleMarkups
    widget.setPlaceModeEnabled(True)
    started.place_point((1.0, 2.0, 3.0))
    assert widget.placeModeEnabled
    slicer.app.applicationLogic().GetInteractionNode().SetCurrentInteractionMode(2)
    assert heard == [True, False]
    assert node.GetNumberOfControlPoints() == 1
    with pytest.raises(AssertionError, match="No points are placed now"):
        started.place_point((1.0, 2.0, 3.0))


def test_show_3d_makes_surfaces_and_takes_them_away(scene, segmentation):
    import slicer

    volume = slicer.util.addVolumeFromArray(np.zeros((6, 6, 6), np.int16))
    mask = np.zeros((6, 6, 6), np.uint8)
    mask[2:4, 2:4, 2:4] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, "liver", volume)
    button = slicer.qMRMLSegmentationShow3DButton()
    button.setSegmentationNode(segmentation)
    button.click()
    assert segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    button.click()
    assert not segmentation.GetSegmentation().ContainsRepresentation("Closed surface")


def test_what_the_program_hides_while_it_is_folded_away_stays_hidden(started):
    import ctk
    import qt

    button = ctk.ctkCollapsibleButton()
    layout = qt.QVBoxLayout(button)
    kept, hidden = qt.QLabel("kept"), qt.QLabel("hidden")
    layout.addWidget(kept)
    layout.addWidget(hidden)
    button.show()
    button.collapsed = True
    hidden.setVisible(False)
    button.collapsed = False
    assert kept.visible
    assert not hidden.visible
