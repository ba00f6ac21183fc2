"""``slicer.app``, ``slicer.modules``, ``slicer.util`` and what else surrounds a module."""

from __future__ import annotations

import logging
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest


def test_confirmation_is_answered_by_the_test(started):
    import slicer

    started.answers.extend([True, False])
    assert slicer.util.confirmOkCancelDisplay("Delete everything?", windowTitle="Sure")
    assert not slicer.util.confirmYesNoDisplay("Really?")
    assert [(m.kind, m.text, m.answer) for m in started.messages] == [
        ("question", "Delete everything?", True),
        ("question", "Really?", False),
    ]


def test_nothing_is_confirmed_while_testing_without_an_answer(started):
    import slicer

    assert not slicer.util.confirmOkCancelDisplay("Delete everything?")


def test_question_without_an_answer_stands_for_ever_outside_of_testing(started):
    import slicer

    started.set_testing(False)
    with pytest.raises(AssertionError, match="waits for an answer"):
        slicer.util.confirmYesNoDisplay("Really?")


def test_error_is_shown_and_logged(started, caplog):
    import slicer

    with caplog.at_level(logging.ERROR):
        slicer.util.errorDisplay("The file is broken.", detailedText="line 3")
    assert (started.messages[-1].kind, started.messages[-1].detail) == ("error", "line 3")
    assert "The file is broken." in caplog.text


def test_error_in_a_guarded_block_is_raised_while_testing_and_shown_otherwise(started):
    import slicer

    started.set_testing(False)
    with pytest.raises(ValueError, match="too thin"), slicer.util.tryWithErrorDisplay("It failed.", waitCursor=True):
        raise ValueError("too thin")
    assert started.messages[-1].text == "It failed.\n\ntoo thin"
    started.set_testing(True)
    with pytest.raises(ValueError, match="too thin"), slicer.util.tryWithErrorDisplay("It failed."):
        raise ValueError("too thin")
    assert len(started.messages) == 1


def test_message_box_is_answered_by_the_name_of_its_button(started):
    import qt

    box = qt.QMessageBox()
    box.text = "Save?"
    box.setStandardButtons(qt.QMessageBox.Save | qt.QMessageBox.Discard | qt.QMessageBox.Cancel)
    started.answers.append("Discard")
    assert box.exec_() == qt.QMessageBox.Discard
    started.answers.append("Later")
    with pytest.raises(AssertionError, match="no button 'Later'"):
        box.exec_()


def test_message_that_was_switched_off_does_not_appear(started):
    import ctk
    import qt

    for _ in range(2):
        box = ctk.ctkMessageBox()
        box.text = "Once"
        box.dontShowAgainSettingsKey = "Tests/Once"
        box.dontShowAgain = True
        box.exec_()
    assert len(started.messages) == 1
    qt.QSettings().remove("Tests/Once")


def test_settings_are_those_of_this_run(started):
    import qt
    import slicer

    slicer.app.settings().setValue("Tests/Folder", "/data")
    assert slicer.util.settingsValue("Tests/Folder", "") == "/data"
    assert "slicer-stand-in" in qt.QSettings().fileName()


def test_paths_of_slicer_exist(started):
    import slicer

    for path in (slicer.app.slicerHome, slicer.app.temporaryPath, slicer.app.cachePath, slicer.util.tempDirectory()):
        assert Path(path).is_dir()


def test_property_of_the_application_is_not_called(started):
    import slicer

    assert (slicer.app.majorVersion, slicer.app.minorVersion) == (5, 12)
    with pytest.raises(TypeError):
        slicer.app.slicerHome()
    assert slicer.app.testingEnabled() is True


def test_restart_and_extensions_are_only_noted(started):
    import slicer

    native = slicer.app._native
    slicer.util.restart()
    slicer.app.openExtensionsManagerDialog()
    assert (len(native.restarts), len(native.extension_dialogs)) == (1, 1)
    assert not slicer.app.extensionsManagerModel().isExtensionInstalled("PyTorch")
    native.restarts.clear()
    native.extension_dialogs.clear()


def test_views_have_their_nodes_and_logics(started):
    import slicer

    manager = slicer.app.layoutManager()
    assert manager.sliceViewNames() == ("Red", "Green", "Yellow")
    red = manager.sliceWidget("Red")
    assert red.sliceLogic().GetSliceNode() is red.mrmlSliceNode()
    assert red.mrmlSliceNode().GetOrientation() == "Axial"
    assert manager.threeDWidget(0).threeDView().mrmlViewNode().IsA("vtkMRMLViewNode")
    assert manager.sliceWidget("Purple") is None


def test_volume_shown_is_in_the_slice_views(started):
    import slicer

    volume = slicer.util.addVolumeFromArray(np.zeros((3, 4, 5), np.int16))
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    composite = slicer.app.layoutManager().sliceWidget("Green").mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == volume.GetID()


def test_files_are_written_and_read(started, tmp_path):
    import slicer

    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    volume = slicer.util.addVolumeFromArray(array, name="CT")
    assert slicer.util.saveNode(volume, str(tmp_path / "ct.nrrd"))
    loaded = slicer.util.loadVolume(str(tmp_path / "ct.nrrd"))
    assert np.array_equal(slicer.util.arrayFromVolume(loaded), array)
    with pytest.raises(RuntimeError, match="Failed to load"):
        slicer.util.loadVolume(str(tmp_path / "absent.nrrd"))


def test_only_modules_of_slicer_are_there(started):
    import slicer

    assert slicer.modules.segmentations.logic().IsA("vtkSlicerSegmentationsModuleLogic")
    assert slicer.modules.markups.name == "Markups"
    with pytest.raises(AttributeError, match="no module of that name"):
        _ = slicer.modules.segmentation
    with pytest.raises(RuntimeError, match="Could not find module"):
        slicer.util.getModule("NoSuchModule")


def test_slicer_has_no_functions_of_util(started):
    import slicer

    assert not hasattr(slicer, "loadVolume")
    assert callable(slicer.util.loadVolume)


def test_packages_are_asked_for_and_not_installed(started):
    import slicer
    from standin import installs

    installs.missing.add("nosuchthing")
    started.set_testing(False)
    started.answers.append(True)
    slicer.packaging.pip_ensure(["nosuchthing>=1", "numpy"], requester="Example")
    assert installs.calls.pop()[1] == ["nosuchthing>=1"]
    started.answers.append(False)
    installs.missing.add("nosuchthing")
    with pytest.raises(RuntimeError, match="declined"):
        slicer.packaging.pip_ensure("nosuchthing>=1")
    assert installs.calls == []
    installs.missing.clear()


def test_requirements_are_read_and_checked(started, tmp_path):
    import slicer

    path = tmp_path / "requirements.txt"
    path.write_text("# needed\nnumpy>=1.20\nnosuchthing>=2  # really\n", encoding="utf-8")
    assert [slicer.packaging.pip_check(r) for r in slicer.packaging.load_requirements(path)] == [True, False]


def test_downloads_are_refused(started):
    import slicer

    with pytest.raises(AssertionError, match="downloads nothing"):
        slicer.util.downloadFile("https://example.org/x", "/nowhere")


def test_sample_data_is_registered_and_found(started):
    import SampleData
    import slicer

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Tests", sampleName="Belly", uris="https://example.org/a.nrrd", fileNames="a.nrrd", nodeNames="A"
    )
    assert SampleData.SampleDataLogic.sourceForSampleName("Belly").nodeNames == ["A"]
    with pytest.raises(ValueError, match="Belly"):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(sampleName="Belly", uris=["x", "y"], fileNames=["a"])
    del slicer.modules.sampleDataSources["Tests"]


def test_torch_is_installed_only_when_asked(started):
    import PyTorchUtils
    from standin import pytorch

    logic = PyTorchUtils.PyTorchUtilsLogic()
    assert not logic.torchInstalled()
    started.set_testing(False)
    started.answers.append(False)
    assert logic.installTorch(askConfirmation=True) is None
    started.answers.append(True)
    assert logic.installTorch(askConfirmation=True, torchVersionRequirement=">=2.2").__name__ == "torch"
    assert pytorch.asked.pop()["torchVersionRequirement"] == ">=2.2"
    assert logic.torchInstalled()
    pytorch.installed = False


def test_picture_is_light_or_dark(started, tmp_path):
    import qt
    from PySide6 import QtGui

    label = qt.QLabel("A picture")
    tones = {}
    for dark in (False, True):
        picture = QtGui.QImage(str(started.screenshot(label, tmp_path / "new" / f"{dark}.png", dark=dark, width=120)))
        assert picture.width() == 120
        tones[dark] = picture.pixelColor(119, 1).lightness()
    assert tones[True] < 100 < 200 < tones[False]


def test_count_of_3d_views_is_a_property(started):
    import slicer

    assert slicer.app.layoutManager().threeDViewCount == 1


def test_bundle_brings_the_scene_back(started, tmp_path):
    import slicer

    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    slicer.util.addVolumeFromArray(array, name="CT")
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    assert np.array_equal(slicer.util.array("CT"), array)


def test_garbage_of_qt_is_not_collected_by_another_thread(started):
    from PySide6 import QtWidgets

    window = QtWidgets.QWidget()
    window.itself = window
    gone = weakref.ref(window)
    del window
    allocating = threading.Thread(target=lambda: [[n] for n in range(100_000)])
    allocating.start()
    allocating.join()
    assert gone() is not None
