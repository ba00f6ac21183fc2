"""``qt`` and ``ctk`` in the stand-in behave as PythonQt's do, and have no more than desktop Slicer has."""

# ruff: noqa: N802 (the names are those of Qt and of Slicer)

from __future__ import annotations

import pytest


@pytest.fixture
def button(started):
    import qt

    return qt.QPushButton("Press")


def test_property_is_read_and_set_without_brackets(button):
    button.text = "Press me"
    button.setEnabled(False)
    assert button.text == "Press me"
    assert button.enabled is False
    assert button.visible is False


def test_property_cannot_be_called(button):
    with pytest.raises(TypeError, match="not callable"):
        button.text()


def test_misspelt_property_cannot_be_set(button):
    with pytest.raises(AttributeError, match="txet"):
        button.txet = "Press"


def test_misspelt_property_cannot_be_read(button):
    with pytest.raises(AttributeError, match="no attribute named 'enabeld'"):
        _ = button.enabeld


def test_property_that_is_read_only_cannot_be_set(button):
    with pytest.raises(AttributeError, match="not writable"):
        button.width = 3


def test_property_of_another_type_is_refused(button):
    with pytest.raises(AttributeError, match="does not accept"):
        button.checkable = object()


def test_method_cannot_be_overwritten(button):
    with pytest.raises(AttributeError, match="cannot be overwritten"):
        button.click = None


def test_setter_that_python_does_not_see_is_absent(started):
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLModelNode"]
    assert selector.nodeTypes == ("vtkMRMLModelNode",)
    with pytest.raises(AttributeError, match="setNodeTypes"):
        selector.setNodeTypes(["vtkMRMLModelNode"])


def test_slot_gets_as_many_arguments_as_it_takes(button):
    heard = []
    button.connect("clicked(bool)", lambda: heard.append("none"))
    button.connect("clicked(bool)", lambda on: heard.append(on))
    button.connect("clicked()", lambda *rest: heard.append(rest))
    button.clicked.connect(heard.append)
    button.click()
    assert heard == ["none", False, (), False]


def test_default_argument_of_a_slot_is_overwritten_by_the_signal(button):
    heard = []

    def slot(name="kept"):
        heard.append(name)

    button.connect("clicked(bool)", slot)
    button.click()
    assert heard == [False]


def test_disconnected_slot_hears_nothing(button):
    heard = []
    button.connect("clicked(bool)", heard.append)
    assert button.disconnect("clicked(bool)", heard.append)
    assert not button.disconnect("clicked(bool)", heard.append)
    button.click()
    assert heard == []


@pytest.mark.parametrize("signal", ["clickd(bool)", "clicked(int)", "clicked"])
def test_signal_that_does_not_exist_is_refused(button, signal):
    with pytest.raises(ValueError, match="has no signal"):
        button.connect(signal, print)
    with pytest.raises(ValueError, match="has no signal"):
        button.disconnect(signal, print)


def test_slot_that_wants_too_much_is_an_error(button):
    from standin.border import errors

    button.connect("clicked(bool)", lambda on, more: None)
    button.click()
    assert [type(error) for error in errors] == [TypeError]
    errors.clear()


def test_name_is_the_object_name(button):
    button.name = "applyButton"
    assert button.objectName == "applyButton"


def test_dynamic_property_is_an_attribute(button):
    button.setProperty("SlicerParameterName", "volume")
    assert button.SlicerParameterName == "volume"
    assert button.property("SlicerParameterName") == "volume"
    assert [name.data() for name in button.dynamicPropertyNames()] == [b"SlicerParameterName"]
    assert button.property("Other") is None


def test_child_is_an_attribute_by_its_name(started):
    import qt

    parent = qt.QWidget()
    child = qt.QLabel("x", parent)
    child.name = "shown"
    assert parent.shown is child
    assert child.parent() is parent
    assert parent.children() == (child,)


def test_lists_come_as_tuples(started):
    import qt

    box = qt.QComboBox()
    box.addItems(["a", "b"])
    assert isinstance(box.actions(), tuple)
    assert [box.itemText(i) for i in range(box.count)] == ["a", "b"]


def test_enum_values_are_integers_of_the_class(started):
    import qt

    assert qt.QSizePolicy.Expanding == 7
    assert qt.Qt.AlignLeft | qt.Qt.AlignTop == 0x21
    assert qt.QSizePolicy.Policy(7) == qt.QSizePolicy.Expanding
    item = qt.QStandardItem("x")
    item.setData("liver", qt.Qt.UserRole + 1)
    assert item.data(qt.Qt.UserRole + 1) == "liver"
    label = qt.QLabel()
    label.alignment = qt.Qt.AlignRight | qt.Qt.AlignVCenter
    assert label.alignment == 0x82


def test_enum_is_not_scoped_on_qt_5(started):
    import qt

    with pytest.raises(AttributeError, match="attributes of the class around it"):
        _ = qt.QSizePolicy.Policy.Expanding


def test_dialog_is_run_by_one_name_only(started):
    import qt

    dialog = qt.QDialog()
    started.answers.append(True)
    assert dialog.exec_() == 1
    with pytest.raises(AttributeError, match="run by exec_"):
        dialog.exec()


@pytest.mark.parametrize(
    ("module", "name"), [("qt", "QPushButon"), ("ctk", "ctkNoSuchThing"), ("slicer", "qMRMLNothing")]
)
def test_class_that_does_not_exist_is_refused(started, module, name):
    import importlib

    with pytest.raises(AttributeError, match=name):
        getattr(importlib.import_module(module), name)


def test_application_cannot_be_made(started):
    import qt

    with pytest.raises(ValueError, match="No constructors"):
        qt.QApplication([])
    qt.QApplication.clipboard().setText("copied")
    assert qt.QApplication.clipboard().text() == "copied"


def test_python_class_overrides_what_qt_calls(started):
    import qt

    class Label(qt.QLabel):
        """Counts how often it was shown, and holds what Python gives it."""

        def __init__(self, text):
            super().__init__(text)
            self.shown = 0

        def showEvent(self, event):
            """Count."""
            self.shown += 1
            super().showEvent(event)

    label = Label("x")
    label.show()
    started.process_events()
    assert (label.shown, label.text) == (1, "x")
    assert isinstance(label, qt.QWidget)


def test_event_filter_hears_keys(started):
    import qt

    class Filter(qt.QObject):
        """Holds the keys back."""

        keys = ()

        def eventFilter(self, watched, event):
            """Hold a key back."""
            if event.type() == qt.QEvent.KeyPress:
                self.keys = (*self.keys, event.key())
                return True
            return False

    line, keys = qt.QLineEdit(), Filter()
    line.installEventFilter(keys)
    line.show()
    started.press_key(line, qt.Qt.Key_A)
    assert keys.keys == (qt.Qt.Key_A,)
    assert line.text == ""


def test_deleted_object_cannot_be_used(started):
    import qt

    widget = qt.QWidget()
    widget.deleteLater()
    started.process_events()
    with pytest.raises(ValueError, match="destroyed QWidget"):
        widget.show()


def test_timer_calls_while_the_loop_runs(started):
    import qt

    ticks = []
    timer = qt.QTimer()
    timer.setInterval(1)
    timer.connect("timeout()", lambda: ticks.append(1))
    timer.start()
    qt.QTimer.singleShot(1, lambda: ticks.append(2))
    started.wait_until(lambda: 2 in ticks and 1 in ticks)
    timer.stop()


def test_process_is_read_without_blocking(started):
    import sys

    import qt

    lines = []
    process = qt.QProcess()
    process.connect("readyReadStandardOutput()", lambda: lines.append(process.readAllStandardOutput().data()))
    process.start(sys.executable, ["-c", "print('hello')"])
    started.wait_until(lambda: process.state() == qt.QProcess.NotRunning)
    assert b"".join(lines).split() == [b"hello"]
    assert process.exitCode() == 0


def test_shortcut_is_heard(started):
    import qt

    window, heard = qt.QWidget(), []
    line = qt.QLineEdit(window)
    shortcut = qt.QShortcut(qt.QKeySequence("Ctrl+G"), window)
    shortcut.connect("activated()", lambda: heard.append("go"))
    window.show()
    started.shortcut(line, "Ctrl+G")
    assert heard == ["go"]


def test_waiting_in_vain_says_so(started):
    with pytest.raises(AssertionError, match="the sun did not happen within"):
        started.wait_until(lambda: False, seconds=0.05, why="the sun")
