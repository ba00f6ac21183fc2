"""The first start: what is missing in this Slicer, and one button each to get it. Nothing is installed unasked."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from subprocess import CalledProcessError
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..doctor.requirements import Requirement, missing
from ..errors import ResourceError
from .widgets import enable

TORCH = "torch"
EXTENSION = "PyTorch"


class FirstStart:
    """See the module.

    Args:
        ui: widgets of the panel.
        requirements_file: what has to be installed, for the host's installer.
        act: does what the person asked; what goes wrong is told.
        ready: called when nothing is missing any more.
    """

    def __init__(
        self, ui: Any, requirements_file: str, act: Callable[[Callable[[], object]], None], ready: Callable[[], None]
    ) -> None:
        self._ui, self._file, self._act, self._ready = ui, requirements_file, act, ready
        self.missing: tuple[Requirement, ...] = ()
        ui.setupPage.setVisible(False)
        ui.torchButton.connect("clicked()", lambda: self._do(self._install_torch))
        ui.packagesButton.connect("clicked()", lambda: self._do(self._install_packages))

    def look(self) -> bool:
        """See what is missing, and show the page if anything is; returns whether all is there."""
        self.missing = missing()
        torch, others = self._lacks_torch, self._others
        self._ui.setupPage.setVisible(bool(self.missing))
        names = ", ".join(one.name for one in self.missing)
        self._ui.setupLabel.setText(
            _(
                "Welcome. To run its models this module needs packages that are missing here: {names}. You are asked "
                "before anything is downloaded; the starter model is here already."
            ).format(names=names)
        )
        self._ui.torchButton.setVisible(torch)
        self._ui.packagesButton.setVisible(bool(others))
        # MONAI would bring a torch of its own choice.
        enable(self._ui.packagesButton, _("Install PyTorch first.") if torch else "")
        return not self.missing

    @property
    def _lacks_torch(self) -> bool:
        return any(one.name == TORCH for one in self.missing)

    @property
    def _others(self) -> Sequence[Requirement]:
        return [one for one in self.missing if one.name != TORCH]

    def _do(self, install: Callable[[], None]) -> None:
        self._act(install)
        if self.look():
            self._ready()

    def _install_torch(self) -> None:
        wanted = next(one for one in self.missing if one.name == TORCH)
        if importlib.util.find_spec("PyTorchUtils") is None:
            if not hasattr(slicer.app, "openExtensionsManagerDialog"):
                raise ResourceError(
                    _("PyTorch is installed by the extension {name}, which is not here.").format(name=EXTENSION),
                    _("Use a Slicer with an Extensions Manager."),
                )
            if slicer.util.confirmOkCancelDisplay(
                _(
                    "PyTorch is installed by the extension {name}, which is not here. Open the Extensions Manager to "
                    "install it? Slicer has to be started again afterwards."
                ).format(name=EXTENSION)
            ):
                slicer.app.openExtensionsManagerDialog()
            return
        import PyTorchUtils

        PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=f">={wanted.least}")

    def _install_packages(self) -> None:
        names = ", ".join(str(one) for one in self._others)
        if not slicer.util.confirmOkCancelDisplay(
            _("Install {names} from the Python Package Index into this Slicer?").format(names=names)
        ):
            return
        try:
            self._install(names)
        except CalledProcessError as error:
            raise ResourceError(
                _("{names} could not be installed.").format(names=names),
                _("The application's log says why; check the connection to the network, and try again."),
            ) from error

    def _install(self, names: str) -> None:
        try:
            from slicer import packaging
        except ImportError:  # Slicer before 5.12
            slicer.util.pip_install(names.replace(",", ""))
            return
        packaging.pip_ensure(
            packaging.load_requirements(self._file),
            skip_packages=[TORCH, "numpy", "SimpleITK"],
            requester="VISTA3DSegment",
            prompt_install=False,
        )
