"""What a person works on, without a page."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("trame_slicer", reason="needs the app extra")
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
import slicer
from fake_engine import LIVER, RIGHT_KIDNEY, SPLEEN, FakeEngine
from scene_world import empty_scene, painted, saved_and_loaded
from VISTA3DSegmentLib.app.opening import read_sample
from VISTA3DSegmentLib.edits import NOTHING, MaskCrop
from VISTA3DSegmentLib.errors import FileFormatError, PromptError, ResourceError, VolumeError
from VISTA3DSegmentLib.export.formats import Form
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation
from VISTA3DSegmentLib.files.tracking import TRACKING_TAG, Tracking, tracking_in
from VISTA3DSegmentLib.prompts import Structure
from VISTA3DSegmentLib.provenance import TAG, Algorithm, Provenance, provenance_of
from VISTA3DSegmentLib.service import InProcess
from VISTA3DSegmentLib.session.annotation import Status
from VISTA3DSegmentLib.volume import Volume
from VISTA3DSegmentLib.workspace.estimate import Estimator, windows_of
from VISTA3DSegmentLib.workspace.exporting import Choice
from VISTA3DSegmentLib.workspace.saving import Format
from VISTA3DSegmentLib.workspace.workspace import BACK, UNSAVED, Workspace, middle_of
from workspace_world import IN_LIVER, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


def test_segment_fills_the_list_with_names_and_volumes(desk: Desk) -> None:
    desk.workspace.segment([LIVER, SPLEEN])
    assert desk.workspace.annotator.session.running
    desk.settle()
    found = desk.segments()
    assert list(found) == ["liver", "spleen"]
    assert found["liver"].ml == pytest.approx((painted() == 10 * LIVER).sum() / 1000)
    assert found["liver"].visible
    assert found["liver"].status is Status.DRAFT


def test_classes_that_the_model_does_not_know_are_left_out_and_none_at_all_is_said(desk: Desk) -> None:
    desk.workspace.segment([LIVER, 2])
    desk.settle()
    assert list(desk.segments()) == ["liver"]
    with pytest.raises(PromptError, match="knows none"):
        desk.workspace.segment([2])


def test_a_cancelled_run_leaves_what_had_arrived(desk: Desk) -> None:
    desk.workspace.segment([LIVER, SPLEEN, RIGHT_KIDNEY])
    while not desk.segments():
        desk.workspace.pump()
    desk.workspace.cancel()
    desk.settle()
    assert list(desk.segments()) == ["liver"]
    assert any("Cancelled" in sentence for sentence in desk.said)


def test_cancel_takes_a_click_back_that_is_not_answered_yet(desk: Desk) -> None:
    desk.workspace.annotator.new_structure("cyst")
    desk.workspace.annotator.click(IN_LIVER)
    assert desk.workspace.annotator.session.busy
    desk.workspace.cancel()
    desk.settle()
    assert desk.segments()["cyst"].ml == 0
    assert desk.workspace.annotator.markups.positions() == {}


def test_cancel_takes_back_no_step_that_is_not_computed_and_says_so(desk: Desk) -> None:
    desk.workspace.annotator.new_structure("cyst")
    desk.workspace.annotator.click(IN_LIVER)
    desk.workspace.annotator.new_structure("nodule")
    desk.workspace.cancel()
    assert list(desk.segments()) == ["cyst", "nodule"]
    assert any("Nothing was cancelled" in sentence for sentence in desk.said)
    desk.settle()
    assert desk.segments()["cyst"].ml > 0


def test_opening_another_scan_leaves_nothing_of_the_one_before(desk: Desk) -> None:
    desk.workspace.segment([LIVER])
    desk.settle()
    scene = desk.workspace.annotator.scene
    count = scene.GetNumberOfNodes()
    desk.show(np.where(painted() == 10 * SPLEEN, 10 * SPLEEN, 0).astype(np.int16))
    assert desk.segments() == {}
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    assert scene.GetNumberOfNodes() <= count


def test_a_scan_that_cannot_be_annotated_leaves_the_one_that_is_open(desk: Desk) -> None:
    desk.workspace.segment([LIVER])
    desk.settle()
    annotator, scene = desk.workspace.annotator, desk.workspace.annotator.scene
    without_voxels = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    before = scene.GetNumberOfNodes()
    with pytest.raises(VolumeError, match="no voxels"):
        desk.workspace.open(without_voxels)
    assert desk.workspace.annotator is annotator
    assert scene.GetNumberOfNodes() == before


def test_a_scan_for_which_there_is_no_room_leaves_the_one_that_was_open_and_its_clicks(desk: Desk) -> None:
    desk.workspace.annotator.new_structure("cyst")
    desk.workspace.annotator.click(IN_LIVER)
    desk.settle()
    ml, scene = desk.segments()["cyst"].ml, desk.workspace.annotator.scene
    before, client = scene.GetNumberOfNodes(), desk.workspace._client
    assert client is not None
    opened = client.open

    def no_room_for_another(volume: Volume) -> None:
        if volume.array.max() == 1:
            raise ResourceError("There is no room for the scan.", "Free memory.")
        opened(volume)

    client.open = no_room_for_another  # type: ignore[method-assign]
    with pytest.raises(ResourceError):
        desk.show(np.ones((4, 4, 4), np.int16))
    desk.settle()
    assert desk.segments()["cyst"].ml == ml > 0
    assert scene.GetNumberOfNodes() == before
    click_id = next(iter(desk.workspace.annotator.markups.clicks().values()))
    desk.workspace.annotator.delete(click_id)
    desk.settle()
    assert desk.segments()["cyst"].ml == 0


def test_one_engine_serves_every_scan_until_another_is_chosen(desk: Desk) -> None:
    first = desk.workspace._client
    desk.show(np.where(painted() == 10 * SPLEEN, 10 * SPLEEN, 0).astype(np.int16))
    assert desk.workspace._client is first
    desk.workspace.segment([SPLEEN])
    desk.settle()
    ml = desk.segments()["spleen"].ml
    desk.workspace.use(lambda: InProcess(FakeEngine()), desk.workspace.estimator)
    desk.settle()
    assert desk.workspace._client is not first
    assert desk.segments()["spleen"].ml == ml


def test_an_annotation_whose_scan_is_taken_out_of_the_scene_is_closed_and_the_person_told(desk: Desk) -> None:
    scene, node = desk.workspace.annotator.scene, desk.workspace.annotator.volume_node
    scene.RemoveNode(node)
    assert desk.workspace.volume is None
    assert any("was removed" in sentence for sentence in desk.said)


def test_work_in_the_persons_own_segmentation_stays_there_when_it_is_closed(desk: Desk) -> None:
    desk.workspace.segment([LIVER])
    desk.settle()
    node, segmentation = desk.workspace.annotator.volume_node, desk.workspace.annotator.segmentation_node
    desk.workspace.close()
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 1
    desk.workspace.open(node, segmentation)
    assert list(desk.segments()) == ["liver"]
    assert desk.workspace.annotator.segmentation_node is segmentation


def test_work_on_a_scan_comes_back_after_a_crash_until_one_starts_afresh(desk: Desk) -> None:
    desk.workspace.segment([LIVER])
    desk.settle()
    ml = desk.segments()["liver"].ml
    again = Desk(desk.home)
    assert again.segments()["liver"].ml == ml
    assert again.said == [BACK], "one sentence: a second one would come over it"
    again.workspace.start_afresh()
    assert again.segments() == {}
    assert Desk(desk.home).segments() == {}


def test_who_goes_on_in_a_saved_scene_is_told_that_what_was_not_saved_is_back(desk: Desk, tmp_path: Path) -> None:
    desk.workspace.segment([LIVER])
    desk.settle()
    scene = saved_and_loaded(desk.workspace.annotator.scene, tmp_path, "mrb")
    desk.workspace.segment([SPLEEN])
    desk.settle()
    said: list[str] = []
    workspace = Workspace(scene, lambda: InProcess(FakeEngine()), desk.workspace.estimator, desk.home)
    workspace.said.connect(said.append)
    workspace.open(*map(scene.GetFirstNodeByClass, ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode")))
    workspace.pump()
    assert said == [UNSAVED]
    assert [view.name for view in workspace.segments()] == ["liver", "spleen"]


def test_segments_of_a_file_come_and_go_in_one_step_and_empty_ones_are_none(desk: Desk) -> None:
    masks = [MaskCrop.of(painted() == 10 * SPLEEN), MaskCrop.of(painted() == 10 * LIVER), NOTHING]
    segments = tuple(Segment(name, mask, (1, 2, 3)) for name, mask in zip(("a", "b", "empty"), masks, strict=True))
    desk.workspace.add(Segmentation(painted().shape, np.eye(4), segments))
    desk.settle()
    assert set(desk.segments()) == {"a", "b"}
    history = desk.workspace.annotator.session.history
    assert [step.name for step in history.done] == ["open 2 segments"]
    assert not any("same name" in sentence for sentence in desk.said)
    desk.workspace.annotator.undo()
    assert desk.segments() == {}
    desk.workspace.annotator.redo()
    assert set(desk.segments()) == {"a", "b"}
    assert "2 segments were added." in desk.said
    desk.workspace.add(Segmentation(painted().shape, np.eye(4), segments[2:]))
    assert len(history.done) == 1
    assert "No segment was added" in desk.said[-1]
    desk.workspace.add(Segmentation(painted().shape, np.eye(4), segments[:1]))
    assert "There is another segment of the same name already: a." in desk.said


def test_segments_of_a_file_keep_their_terminology_and_tags(desk: Desk, tmp_path: Path) -> None:
    mask = MaskCrop.of(painted() == 10 * SPLEEN)
    terminology = "mine~SCT^1^a~SCT^2^b~^^~~^^~^^"
    segment = Segment("Milz", mask, (10, 20, 30), None, terminology, {"Reader": "Dr A"})
    desk.workspace.add(Segmentation(painted().shape, np.eye(4), (segment,)))
    desk.settle()
    saved = desk.saved(tmp_path)["Milz"]
    assert (saved.name, saved.color, saved.terminology) == ("Milz", (10, 20, 30), terminology)
    assert saved.tags["Reader"] == "Dr A"
    assert saved.mask.mask.sum() == mask.mask.sum()
    desk.workspace.annotator.undo()
    assert desk.segments() == {}
    desk.workspace.annotator.redo()
    assert desk.saved(tmp_path)["Milz"].tags["Reader"] == "Dr A"
    after_a_crash = Desk(desk.home).saved(tmp_path)["Milz"]
    assert (after_a_crash.terminology, after_a_crash.tags["Reader"]) == (terminology, "Dr A")


@pytest.mark.parametrize("form", [Format.SEGMENTS, Format.LABEL_MAP])
def test_what_is_saved_is_what_another_reader_finds(desk: Desk, tmp_path: Path, form: Format) -> None:
    desk.workspace.segment([LIVER, SPLEEN])
    desk.settle()
    path = desk.workspace.begin_save(tmp_path, form)()
    assert path.name == f"segmentation{form.value}"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [path.name]
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert sorted(np.unique(voxels, return_counts=True)[1][1:]) == sorted(
        int((painted() == 10 * n).sum()) for n in (LIVER, SPLEEN)
    )


def test_saving_a_label_map_keeps_the_classes_and_tells_the_values_of_the_others(desk: Desk, tmp_path: Path) -> None:
    desk.workspace.segment([SPLEEN])
    desk.settle()
    desk.workspace.annotator.new_structure("cyst")
    desk.workspace.annotator.click(IN_LIVER)
    desk.settle()
    desk.said.clear()
    for form in (Format.SEGMENTS, Format.LABEL_MAP):
        path = desk.workspace.begin_save(tmp_path, form)()
    assert desk.said == ["In segmentation.nii.gz, cyst has the value 133."]
    assert sorted(np.unique(sitk.GetArrayFromImage(sitk.ReadImage(str(path))))) == [0, SPLEEN, 133]


def test_a_saved_scene_brings_segments_and_clicks_back(desk: Desk, tmp_path: Path) -> None:
    desk.workspace.annotator.new_structure("cyst")
    desk.workspace.annotator.click(IN_LIVER)
    desk.settle()
    path = desk.workspace.begin_save(tmp_path, Format.SCENE)()
    scene = empty_scene()
    assert scene.ReadFromMRB(str(path), True)
    segmentation = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode").GetSegmentation()
    assert [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())] == ["cyst"]
    points = scene.GetFirstNodeByName("Positive clicks")
    assert points.GetNumberOfControlPoints() == 1


def test_with_nothing_to_save_a_sentence_says_what_to_do(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no segment to save"):
        desk.workspace.begin_save(tmp_path, Format.SEGMENTS)()


def test_before_and_after_show_what_the_last_change_did_and_saving_is_not_touched(desk: Desk, tmp_path: Path) -> None:
    desk.workspace.segment([LIVER])
    desk.settle()
    whole = desk.voxels(tmp_path)["liver"]
    object_id = desk.segments()["liver"].id
    desk.workspace.annotator.select(object_id)
    desk.workspace.annotator.click(IN_LIVER, positive=False)
    desk.settle()
    smaller = desk.voxels(tmp_path)["liver"]
    assert smaller < whole
    assert desk.workspace.toggle_before()
    display = desk.workspace.annotator.segmentation_node.GetDisplayNode()
    assert not display.GetSegmentVisibility(object_id)
    earlier = desk.workspace.annotator.scene.GetFirstNodeByName("Before the last change")
    assert earlier.GetDisplayNode().GetVisibility()
    assert desk.voxels(tmp_path)["liver"] == smaller
    assert not desk.workspace.shows_before
    assert display.GetSegmentVisibility(object_id)


def test_a_place_in_a_segment_is_inside_it_even_if_its_middle_is_not(desk: Desk) -> None:
    ring = np.zeros((3, 9, 9), np.bool_)
    ring[1, 1:8, 1:8] = True
    ring[1, 2:7, 2:7] = False
    volume = Volume(np.zeros(ring.shape, np.int16), np.eye(4))
    place = middle_of(MaskCrop.of(ring), volume)
    assert place is not None
    i, j, k = (round(x) for x in volume.ijk_of(place))
    assert ring[k, j, i]


def test_the_place_in_an_organ_is_where_an_axial_slice_shows_most_of_it() -> None:
    organ = np.zeros((40, 9, 9), np.bool_)
    organ[30, 1:6, 1:6] = True
    organ[:30, 8, 8] = True
    place = middle_of(
        MaskCrop((2, 0, 0), organ), Volume(np.zeros((50, 9, 9), np.int16), np.diag([-1.0, -1.0, 2.0, 1.0]))
    )
    assert place == (-3.0, -3.0, 64.0)
    assert middle_of(MaskCrop((0, 0, 0), np.zeros((2, 2, 2), np.bool_)), Volume(np.zeros((4, 4, 4)), np.eye(4))) is None


def test_visibility_opacity_and_status_reach_the_scene(desk: Desk) -> None:
    desk.workspace.segment([LIVER])
    desk.settle()
    object_id = desk.segments()["liver"].id
    desk.workspace.set_visible(object_id, False)
    desk.workspace.set_opacity(object_id, 0.25)
    desk.workspace.annotator.set_status(object_id, Status.DONE)
    view = desk.segments()["liver"]
    assert (view.visible, view.opacity, view.status) == (False, 0.25, Status.DONE)


def test_an_error_that_was_told_keeps_nothing_in_memory(tmp_path: Path) -> None:
    workspace = Workspace(empty_scene(), lambda: InProcess(FakeEngine()), Estimator("starter", tmp_path), tmp_path)

    def refused() -> weakref.ref[Volume]:
        volume = Volume(painted(), np.eye(4))
        try:
            workspace.toggle_before()
        except PromptError:
            return weakref.ref(volume)
        raise AssertionError("nothing is open")

    volume = refused()
    gc.collect()
    assert volume() is None


def test_without_a_scan_every_wish_is_answered_by_a_sentence(tmp_path: Path) -> None:
    estimator = Estimator("starter", tmp_path)
    workspace = Workspace(empty_scene(), lambda: InProcess(FakeEngine()), estimator, tmp_path)
    assert workspace.segments() == []
    assert workspace.estimate() is None
    assert workspace.idle
    for wish in (lambda: workspace.annotator, workspace.start_afresh, workspace.toggle_before, workspace.cancel):
        with pytest.raises(PromptError, match="No scan is open"):
            wish()


def test_the_estimate_is_rough_until_a_run_was_measured(desk: Desk) -> None:
    first = desk.workspace.estimate()
    assert first is not None
    assert not first.measured
    assert "rough" in str(first)
    desk.workspace.segment([LIVER, SPLEEN])
    for _ in range(100):
        desk.clock.seconds += 1.0
        desk.workspace.pump()
        if not desk.workspace.annotator.session.running:
            break
    later = desk.workspace.estimate()
    assert later is not None
    assert later.measured
    assert later.seconds > 0
    identity = FakeEngine().identity
    again = Estimator("starter", desk.home)
    assert again.estimate(desk.workspace.volume, identity).measured
    assert not again.estimate(desk.workspace.volume, f"{identity}, another device").measured


def test_on_a_full_disk_the_time_of_a_window_is_not_remembered_and_nothing_else_happens(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder can be made here")
    estimator = Estimator("starter", tmp_path / "home")
    estimator.learn("engine", 0.5)
    assert not Estimator("starter", tmp_path / "home").estimate(read_sample().volume, "engine").measured


def test_the_windows_of_the_sample_are_those_that_the_starter_walks(tmp_path: Path) -> None:
    estimator = Estimator("starter", tmp_path)
    assert windows_of(read_sample().volume, estimator.specification) >= 36
    assert estimator.estimate(read_sample().volume, "").memory_bytes < 6e9


def test_a_segment_of_another_program_is_exported_as_what_its_file_says_of_it(desk: Desk) -> None:
    made = Provenance(Algorithm.AUTOMATIC, model="TotalSegmentator", version="2.4")
    mask = MaskCrop((2, 2, 2), np.ones((3, 4, 4), np.bool_))
    read = Segment("liver (TS)", mask, (1, 2, 3), LIVER, tags={TAG: made.to_tag()})
    desk.workspace.add(Segmentation(painted().shape, np.eye(4), (read,)))
    desk.settle()
    (found,) = desk.workspace.export_wish(Choice((Form.DICOM_SEG,))).segmentation.segments
    assert provenance_of(found.tags) == made


def test_a_name_that_ends_in_a_blank_stays_in_the_list_and_stands_in_no_file(desk: Desk, tmp_path: Path) -> None:
    desk.workspace.segment([LIVER])
    desk.settle()
    (object_id,) = desk.workspace.annotator.session.annotation
    desk.workspace.annotator.session.rename(object_id, Structure("my liver ", LIVER), (1.0, 0.0, 0.0))
    desk.settle()
    assert list(desk.segments()) == ["my liver "]
    (found,) = desk.workspace.export_wish(Choice((Form.DICOM_SEG,))).segmentation.segments
    assert found.name == "my liver"
    assert list(desk.saved(tmp_path)) == ["my liver"]


def test_identifiers_that_a_segment_came_with_go_with_it_also_through_a_saved_scene(desk: Desk, tmp_path: Path) -> None:
    tracking = {TRACKING_TAG: Tracking("lesion A", "1.2.3.4").to_tag()}
    mask = MaskCrop((2, 2, 2), np.ones((3, 4, 4), np.bool_))
    desk.workspace.add(Segmentation(painted().shape, np.eye(4), (Segment("cyst", mask, (1, 2, 3), tags=tracking),)))
    desk.settle()
    annotator = desk.workspace.annotator
    (found,) = desk.workspace.export_wish(Choice((Form.DICOM_SEG,))).segmentation.segments
    assert tracking_in(found.tags) == Tracking("lesion A", "1.2.3.4")
    annotator.keep()
    desk.workspace.open(annotator.volume_node, annotator.segmentation_node)
    (again,) = desk.workspace.export_wish(Choice((Form.DICOM_SEG,))).segmentation.segments
    assert again.tags[TRACKING_TAG] == found.tags[TRACKING_TAG]


def test_a_report_names_the_scan_as_the_person_does_and_a_dicom_series_without_its_description(desk: Desk) -> None:
    assert desk.workspace.volume is not None
    assert desk.workspace.volume.name == "painted"
    node = desk.workspace.annotator.volume_node
    node.SetName("2: of a patient")
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4")
    desk.workspace.open(node)
    assert desk.workspace.volume.name == "DICOM series (20 images)"
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    series = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)  # as the host's DICOM module says it
    hierarchy.SetItemAttribute(series, "DICOM.Modality", "CT")
    hierarchy.SetItemAttribute(series, "DICOM.SeriesNumber", "2")
    desk.workspace.open(node)
    assert desk.workspace.volume.name == "CT series 2 (20 images)"


def test_the_next_lesion_is_begun_only_when_the_chosen_one_is_no_more_empty(desk: Desk) -> None:
    first = desk.workspace.begin_structure("")
    assert desk.workspace.begin_structure("") == first
    assert "Lesion 1 is still empty" in desk.said[-1]
    desk.workspace.annotator.click(IN_LIVER)
    desk.settle()
    assert desk.workspace.begin_structure("") != first
    assert set(desk.segments()) == {"Lesion 1", "Lesion 2"}


def test_a_click_on_a_hidden_segment_that_is_chosen_shows_it(desk: Desk) -> None:
    desk.workspace.segment([LIVER])
    desk.settle()
    liver = desk.segments()["liver"].id
    desk.workspace.set_visible(liver, False)
    desk.workspace.annotator.select(liver)
    desk.workspace.annotator.click(IN_LIVER, positive=False)
    assert desk.segments()["liver"].visible


def test_structures_that_were_begun_and_are_empty_are_named_before_an_export(desk: Desk) -> None:
    desk.workspace.segment([LIVER])
    desk.settle()
    desk.workspace.begin_structure("cyst ")
    found = desk.workspace.export_wish(Choice((Form.REPORT,)))
    assert [segment.name for segment in found.segmentation.segments] == ["liver", "cyst"]
    assert [segment.name for segment in found.segmentation.drawn] == ["liver"]


def test_a_saved_scene_says_nothing_of_its_folder_in_the_terminal(
    desk: Desk, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    desk.workspace.begin_save(tmp_path, Format.SCENE)()
    assert capfd.readouterr().err == ""
