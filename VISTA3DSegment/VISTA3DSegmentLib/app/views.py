"""The four views: trame-slicer's, in a grid, each with its name, its place and a way back to the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from trame.widgets import html
from trame_server import Server
from trame_server.utils.typed_state import TypedState
from trame_slicer.app.logic import connect_slice_view_slider_to_state
from trame_slicer.app.ui.slider import Slider
from trame_slicer.core import LayoutManager, SlicerApp
from trame_slicer.rca_view import register_rca_factories
from trame_slicer.views import Layout, LayoutDirection, SliceView, ThreeDView, ViewDirection, ViewLayoutDefinition

from ..prompts import Ras, place_words
from ..scene.nodes import keep_views_at_clicks
from ..scene.volumes import array_of
from ..slices import side_of
from .click_tool import SliceView as ClickedView
from .panels.controls import icon_button

QUALITY = 90
"""Of the pictures sent. The same while something moves and after: a second rendering costs more than it shows."""
FRAMES, FRAMES_ELSEWHERE = 30.0, 15.0
"""Pictures a second at most, of the view under the mouse and of the others."""
CLOSER = 1.35
"""Than where the box of the scan is seen as a whole: organs fill less of it."""
BACKGROUND = ("#10151b", "#1b222b")
WHOLE_RANGE = "Whole range"
WINDOWS: dict[str, tuple[float, float] | None] = {
    "Soft tissue": (400.0, 40.0),
    "Lung": (1500.0, -600.0),
    "Bone": (1800.0, 400.0),
    "Brain": (80.0, 40.0),
    WHOLE_RANGE: None,
}
"""Window and level in HU, by name; None: as the host finds it."""
COARSE = 10.0
"""A window as wide is said in whole numbers."""
PIXELS_TO_WIDEN = 200
"""A drag so far makes the window e times as wide; so far up, it goes down by its width, and the picture is brighter."""


@dataclass
class SliceWords:
    """What stands over a slice view.

    Args:
        left: what of the patient lies there, as in "R".
        right: likewise.
        top: likewise.
        bottom: likewise.
        place: of the slice.
        under: what is under the mouse.
    """

    left: str = ""
    right: str = ""
    top: str = ""
    bottom: str = ""
    place: str = ""
    under: str = ""


class Views:
    """The views of one page.

    Args:
        app: owner of the scene.
        server: of the page.
    """

    def __init__(self, app: SlicerApp, server: Server) -> None:
        self._words: dict[str, SliceWords] = {}
        register_rca_factories(
            app.view_manager,
            server,
            slice_view_ui_f=self._slice_overlay,
            three_d_view_ui_f=_space_overlay,
            target_fps=FRAMES,
            blur_fps=FRAMES_ELSEWHERE,
            interactive_quality=QUALITY,
        )
        self._layouts = LayoutManager(app.scene, app.view_manager, server)
        self._layouts.register_layout("four", _grid())
        self._layouts.set_layout("four")
        self._manager, self._markups = app.view_manager, app.markups_logic
        keep_views_at_clicks(app.scene)
        for view in self._manager.get_views():
            view.render_window().SetMultiSamples(0)  # drawn by software: eight samples cost as much as eight views
        self._fitted: dict[str, tuple[float, ...]] = {}
        for view in self._manager.get_slice_views():
            view.get_view_node().SetJumpModeToOffset()  # who goes to a place moves no picture within its slice
            _keep_ctrl_for_clicks(view)
            _begin_with_the_scan(view)
            view.interactor().AddObserver("WindowResizeEvent", lambda *_, view=view: self._fit_again(view))
        for view in self._manager.get_threed_views():
            view.renderer().SetUseDepthPeeling(False)
            view.renderer().SetUseFXAA(True)

    def _slice_overlay(self, server: Server, view_id: str, view: SliceView) -> None:
        slider = connect_slice_view_slider_to_state(server, view)
        words = TypedState(server.state, SliceWords, namespace=f"{view_id}_words")
        self._words[view.name] = words.data
        view.modified.connect(lambda view: _tell_place(view, words.data))
        _tell_place(view, words.data)
        _frame(view, view_id, f"{view.name} view", view.name, words.name)
        with html.Div(classes="slice-slider"):
            Slider(
                slider,
                theme="dark",
                density="compact",
                thumb_size=10,
                track_size=2,
                raw_attrs=[f'aria-label="{view.name} slice"'],
            )

    def place(self, layout: Any) -> None:
        """Put the grid into the page, here."""
        self._layouts.initialize_layout_grid(layout)

    def slices(self) -> dict[str, ClickedView]:
        """The slice views by name."""
        return {view.name: view for view in self._manager.get_slice_views()}

    def show(self, volume_node: Any, window: str) -> None:
        """Show a scan, the whole of it."""
        for view in self._manager.get_slice_views():
            view.set_background_volume_id(volume_node.GetID())
            view.reset_view()
            self._fitted[view.name] = _zoom(view)
        self.set_window(volume_node, window)
        bounds = [0.0] * 6
        volume_node.GetRASBounds(bounds)
        for space in self._manager.get_threed_views():
            space.rotate_to_view_direction(ViewDirection.ANTERIOR)
            space.renderer().ResetCamera(*bounds)
            space.renderer().GetActiveCamera().Dolly(CLOSER)
            space.renderer().ResetCameraClippingRange()
            space.schedule_render()

    def _fit_again(self, view: Any) -> None:
        """A view has another size, as when a page tells it for the first time: the scan fills it as before, unless the
        person has zoomed or moved it. In either case the slice stays the same."""
        if self._fitted.get(view.name) == _zoom(view):
            at = view.get_slice_value()
            view.fit_view_to_content()  # goes to the middle of the scan
            view.set_slice_value(at)
            self._fitted[view.name] = _zoom(view)

    def set_window(self, volume_node: Any, window: str) -> None:
        """Choose which grey values are shown."""
        display, chosen = volume_node.GetDisplayNode(), WINDOWS[window]
        display.SetAutoWindowLevel(chosen is None)
        if chosen is not None:
            display.SetWindowLevel(*chosen)

    @staticmethod
    def drag_window(volume_node: Any, right: int, up: int) -> str:
        """Change which grey values are shown: more of them with a drag to the right, lower ones with one upwards.

        Args:
            volume_node: scan.
            right: pixels of the drag.
            up: likewise.

        Returns:
            Window and level for people.
        """
        display = volume_node.GetDisplayNode()
        window, level = display.GetWindow(), display.GetLevel()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(window * math.exp(right / PIXELS_TO_WIDEN), level - window * up / PIXELS_TO_WIDEN)
        digits = 0 if display.GetWindow() >= COARSE else 3
        return f"W {display.GetWindow():.{digits}f} L {display.GetLevel():.{digits}f}"

    def jump(self, ras: Ras) -> None:
        """Go to a place of the world in every slice view."""
        for view in self._manager.get_slice_views():
            view.get_view_node().JumpSliceByOffsetting(*ras)

    def tell_under(self, name: str, words: str) -> bool:
        """Say in a slice view what is under the mouse there; whether that is new."""
        is_new = self._words[name].under != words
        if is_new:
            self._words[name].under = words
        return is_new

    def start_placing(self, node: Any) -> None:
        """From now on the mouse places a markup, until it is placed or this is stopped."""
        self._markups.place_node(node, persistent=False)

    def stop_placing(self) -> None:
        """The mouse is what it was."""
        if self.placing:
            self._markups.disable_place_mode()

    @property
    def placing(self) -> bool:
        """The mouse places a markup."""
        interaction = self._markups.interaction_node
        return bool(interaction.GetCurrentInteractionMode() == interaction.Place)

    def pixel(self, name: str, right: float, down: float) -> tuple[float, float]:
        """The pixel of a slice view, counted from the lower left, at shares (0 to 1) of its width and height."""
        width, height = self._manager.get_view(name).render_window().GetSize()
        return right * width, (1 - down) * height


def _begin_with_the_scan(view: SliceView) -> None:
    """Give the scan its place under all else: trame-slicer gives it one with its first image, and segments that come
    back from an earlier session are in the view before that. They would hide the scan.
    """
    view._render_manager.SetImageDataConnection(None)


def _keep_ctrl_for_clicks(view: SliceView) -> None:
    """With ctrl the host would blend layers: a click would dim the segments if the hand trembled, and the one after the
    segmentation was removed would end the program, for the host still reads the one that it began with."""
    crosshair = view.get_displayable_manager_by_class("vtkMRMLCrosshairDisplayableManager")
    widget = crosshair.GetSliceIntersectionWidget()
    widget.SetActionEnabled(widget.ActionBlend, False)


def _zoom(view: SliceView) -> tuple[float, ...]:
    """How a slice view shows the scan: its height and how far it was moved, in mm. The host leaves both as they are
    when the size of the view changes."""
    node = view.get_view_node()
    return tuple(round(mm, 6) for mm in (node.GetFieldOfView()[1], *node.GetXYZOrigin()))


def _grid() -> Layout:
    axial, sagittal = ViewLayoutDefinition.axial_view("Axial"), ViewLayoutDefinition.sagittal_view("Sagittal")
    coronal = ViewLayoutDefinition.coronal_view("Coronal")
    space = ViewLayoutDefinition.threed_view(background_color=BACKGROUND)
    rows = [Layout(LayoutDirection.Horizontal, [axial, sagittal]), Layout(LayoutDirection.Horizontal, [coronal, space])]
    return Layout(LayoutDirection.Vertical, rows)


def _tell_place(view: SliceView, words: SliceWords) -> None:
    """Say where a slice lies, and how: it may have been turned."""
    right, up, across = array_of(view.get_view_node().GetSliceToRAS())[:3, :3].T
    words.left, words.right, words.top, words.bottom = (side_of(to) for to in (-right, right, up, -up))
    axis = int(np.abs(across).argmax())
    words.place = f"{place_words(axis, view.get_slice_value() * np.sign(across[axis]))} mm"


def _space_overlay(_server: Server, view_id: str, view: ThreeDView) -> None:
    _frame(view, view_id, "3-D view", "3-D")


def _frame(view: Any, view_id: str, label: str, name: str, words: SliceWords | None = None) -> None:
    """What lies over a view; of a slice its words, given by the names that they have in the page."""
    known_by = [f'data-view="{view.name}"', f'data-area="{view_id}"']
    html.Div(classes="view-area", raw_attrs=['role="img"', f'aria-label="{label}"', *known_by])
    with html.Div(classes="view-corner"):
        with html.Div(classes="view-head"):
            html.Span(name, classes=f"view-name view-{view.name.lower()}")
            if words is not None:
                html.Span(f"{{{{ {words.place} }}}}", classes="view-place")
        if words is not None:
            html.Div(f"{{{{ {words.under} }}}}", v_if=(words.under,), classes="view-under")
    if words is not None:
        for edge in ("left", "right", "top", "bottom"):
            html.Div(f"{{{{ {getattr(words, edge)} }}}}", classes=f"view-side view-side-{edge}")
    with html.Div(classes="view-tools"):
        icon_button(
            f"Whole {name.lower() if name != '3-D' else '3-D'} picture", "mdi-fit-to-screen-outline", view.reset_view
        )
