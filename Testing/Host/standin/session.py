"""Starting the stand-in, once a process."""

from __future__ import annotations

import sys
import types
from typing import Any

import slicer

from . import choice, loader, modules_qt
from .table import table

_started: list[Any] = []


def is_started() -> bool:
    """Tell whether the stand-in runs."""
    return bool(_started)


def start(
    qt: int | None = None,
    slicer_version: tuple[int, int] | None = None,
    pytorch: bool | None = None,
    main_window: bool = True,
) -> Any:
    """Make ``qt``, ``ctk`` and the Qt side of ``slicer``; a second call only returns ``slicer.app``.

    Args:
        qt: 5 or 6, the Qt of the played Slicer; with 5 dialogs have ``exec_``, with 6 ``exec`` and scoped enums.
        slicer_version: the played version; below (5, 12) ``slicer.packaging`` is absent.
        pytorch: whether the PyTorch extension is installed.
        main_window: whether there is a main window.

    Raises:
        RuntimeError: it runs already and plays another Slicer.
    """
    if _started:
        if (qt or choice.QT, slicer_version or choice.SLICER) != (choice.QT, choice.SLICER):
            raise RuntimeError(f"The stand-in plays Slicer {choice.SLICER} on Qt {choice.QT} already, in this process.")
        return slicer.app
    choice.QT = qt or choice.QT
    choice.SLICER = slicer_version or choice.SLICER
    choice.PYTORCH_EXTENSION = choice.PYTORCH_EXTENSION if pytorch is None else pytorch
    from . import application

    native = application.create()
    modules_qt.install()
    _started.append(native)
    _furnish(native, application.as_proxy(native))
    if main_window:
        from .natives.scripted_modules import qSlicerMainWindow

        window = qSlicerMainWindow()
        window.moduleSelector().on_select = loader.open_module
        loader.main_windows.append(window)
    return slicer.app


def _furnish(native: Any, proxy: Any) -> None:
    """Put what desktop Slicer adds onto ``slicer`` and into ``sys.modules``."""
    from . import parameter_node, sample_data, scene, slicer_modules, translations, util_changes
    from .installs import packaging_module
    from .natives.scripted_modules import qSlicerModuleManager
    from .natives.views import qSlicerLayoutManager

    world = scene.build()
    slicer.app = proxy
    slicer.mrmlScene = world.scene
    slicer.modules = slicer_modules.Modules("slicer.modules")
    sys.modules["slicer.modules"] = slicer.modules
    layout = qSlicerLayoutManager(world.scene, world.application_logic, None)
    native.take(world, layout, qSlicerModuleManager(loader.natives))
    loader.natives.update(slicer_modules.fill(slicer.modules, world.logics))
    for name in table():
        module, _, cls = name.partition(".")
        if module == "slicer" and cls.startswith(("qMRML", "qSlicer")):
            _offer(cls)
    util_changes.install()
    _put("slicer.i18n", translations.i18n_module())
    _put("slicer.parameterNodeWrapper", parameter_node.wrapper_module())
    if util_changes.has_packaging():
        _put("slicer.packaging", packaging_module())
    from . import scripted_module

    _put("slicer.ScriptedLoadableModule", scripted_module)
    sys.modules["SampleData"] = sample_data.sample_data_module()
    from . import pytorch, segment_editor_modules

    _put("slicer.SegmentEditorEffects", segment_editor_modules.effects_module())
    sys.modules["SegmentEditorEffects"] = slicer.SegmentEditorEffects
    sys.modules["qSlicerSegmentationsEditorEffectsPythonQt"] = segment_editor_modules.adaptors_module()
    if choice.PYTORCH_EXTENSION:
        pytorch.install()


def _offer(name: str) -> None:
    try:
        setattr(slicer, name, modules_qt.class_of("slicer", name))
    except NotImplementedError:
        return


def _put(name: str, module: types.ModuleType) -> None:
    sys.modules[name] = module
    setattr(slicer, name.partition(".")[2], module)


def finish_startup() -> None:
    """Slicer has started: ``startupCompleted()`` is emitted."""
    slicer.app._native.startupCompleted.emit()


def end() -> None:
    """Slicer closes: the modules are told, the scene is emptied."""
    loader.leave_module()
    for name in [n.name() for n in loader.natives.values()]:
        slicer.app.moduleManager()._native.moduleAboutToBeUnloaded.emit(name)
    slicer.mrmlScene.Clear(0)
