"""The bar at the top: what is open, opening, saving, undo and redo, grey values, light and dark, help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from ...session.signals import Signal
from ...workspace.saving import Format
from ..state import PageState
from .controls import icon_button, raising, tooltip

OPENED = [
    ("Files (NIfTI, NRRD, zip, .seg.nrrd)", "mdi-file-outline", "window.vista.pick(false)"),
    ("Folder of DICOM files", "mdi-folder-outline", "window.vista.pick(true)"),
]
SAVED = [
    (Format.SEGMENTS, "Segments for 3D Slicer (.seg.nrrd)", "mdi-shape-outline"),
    (Format.LABEL_MAP, "Label map (.nii.gz)", "mdi-grid"),
    (Format.SCENE, "Whole scene, with clicks (.mrb)", "mdi-package-variant-closed"),
]


class TopBar:
    """See the module.

    Args:
        state: of the page.
        windows: names of the grey value windows.
    """

    def __init__(self, state: TypedState[PageState], windows: list[str]) -> None:
        self.sample_asked: Signal[None] = Signal()
        self.undo_asked: Signal[None] = Signal()
        self.redo_asked: Signal[None] = Signal()
        name = state.name
        with v3.VAppBar(height=46, flat=True, border="b", raw_attrs=['role="toolbar"', 'aria-label="Tools"']):
            html.Div("VISTA3DSegment", classes="brand")
            self._open_menu(name)
            self._save_menu(name)
            v3.VDivider(vertical=True, inset=True, classes="mx-2")
            icon_button("Undo (ctrl-Z)", "mdi-undo", raising(self.undo_asked),
                        f"{name.history.done}.length ? '' : 'Nothing was done yet'")  # fmt: skip
            icon_button("Redo (ctrl-shift-Z)", "mdi-redo", raising(self.redo_asked),
                        f"{name.history.undone}.length ? '' : 'Nothing was undone'")  # fmt: skip
            v3.VDivider(vertical=True, inset=True, classes="mx-2")
            html.Span("Grey values", classes="field-name")
            v3.VSelect(
                v_model=(name.scan.window,),
                items=("windows", windows),
                density="compact",
                hide_details=True,
                variant="plain",
                classes="window-select",
                raw_attrs=['aria-label="Grey values"'],
            )
            v3.VSpacer()
            with html.Div(classes="scan-name"):
                html.Div(
                    f"{{{{ {name.scan.name} || 'No scan' }}}}", classes="scan-title", raw_attrs=['data-scan="name"']
                )
                html.Div(f"{{{{ {name.scan.size} }}}}", classes="scan-size")
            v3.VSpacer()
            icon_button(
                "Light or dark", "mdi-theme-light-dark", f"{name.theme} = {name.theme} === 'dark' ? 'light' : 'dark'"
            )
            icon_button("Keys and mouse", "mdi-keyboard-outline", f"{name.help} = true")

    def _open_menu(self, name: Any) -> None:
        with _menu_button("Open", "mdi-folder-open-outline"):
            for title, icon, script in OPENED:
                v3.VListItem(title=title, prepend_icon=icon, click=script)
            v3.VListItem(title="Sample CT", prepend_icon="mdi-flask-outline", click=raising(self.sample_asked))
            v3.VDivider()
            v3.VListItem(
                title="Start afresh on this scan",
                prepend_icon="mdi-restart",
                disabled=(f"!{name.scan.name}",),
                click=f"{name.afresh} = true",
            )

    def _save_menu(self, name: Any) -> None:
        why_not = f"{name.segments.rows}.length ? '' : 'There is nothing to save yet'"
        with _menu_button("Save", "mdi-content-save-outline", why_not):
            for form, title, icon in SAVED:
                v3.VListItem(title=title, prepend_icon=icon, click=f"window.vista.save('{form.value}')")
            v3.VDivider()
            v3.VListItem(title="Export...", prepend_icon="mdi-export-variant", click=f"{name.export.shown} = true")


@contextmanager
def _menu_button(label: str, icon: str, why_not: str = "''") -> Iterator[None]:
    """A button that opens a menu, to be filled; see ``controls.icon_button``."""
    with html.Span(classes="why"):
        tooltip("", why_not)
        with (
            v3.VBtn(
                label, prepend_icon=icon, size="small", variant="tonal", classes="mx-1",
                disabled=(f"!!({why_not})",), raw_attrs=[f'aria-label="{label}"'],
            ),
            v3.VMenu(activator="parent"),
            v3.VList(density="compact", raw_attrs=[f'aria-label="{label} menu"']),
        ):  # fmt: skip
            yield
