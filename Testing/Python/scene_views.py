"""Real slice and 3-D views on a scene, drawn without a screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import vtk
from trame_slicer.core import SlicerApp
from trame_slicer.views import SliceView, ThreeDView
from trame_slicer.views.render_scheduler import NoScheduleRendering
from vtk.util.numpy_support import vtk_to_numpy

PICTURES = Path(__file__).resolve().parents[1] / "Pictures"
"""What was drawn, for people to look at; not in the repository."""


Pair = tuple[float, float]


class Views:
    """An axial and a 3-D view of one volume. They are drawn when asked, as a shell does, not at every event.

    Args:
        app: owner of the scene.
        volume_node: shown in the background.
        size: width and height in pixels.
    """

    def __init__(self, app: SlicerApp, volume_node: Any, size: int = 320) -> None:
        self.slice = SliceView(app.scene, app.app_logic, "Red", scheduled_render_strategy=NoScheduleRendering())
        self.slice.set_orientation("Axial")
        self.slice.render_window().SetSize(size, size)
        self.slice.set_background_volume_id(volume_node.GetID())
        self.slice.fit_view_to_content()
        self.space = ThreeDView(app.scene, app.app_logic, "3D", scheduled_render_strategy=NoScheduleRendering())
        self.space.render_window().SetSize(size, size)

    def show_slice(self, superior_mm: float) -> None:
        """Go to a slice."""
        self.slice.set_slice_value(superior_mm)

    def look_at(self, right_mm: Pair, anterior_mm: Pair, superior_mm: Pair) -> None:
        """Turn the 3-D view to a box, given by its bounds."""
        self.space.first_renderer().ResetCamera(*right_mm, *anterior_mm, *superior_mm)

    def draw(self) -> npt.NDArray[np.uint8]:
        """The axial view, (rows, columns, RGB)."""
        return _drawn(self.slice)

    def draw_space(self) -> npt.NDArray[np.uint8]:
        """The 3-D view, (rows, columns, RGB)."""
        return _drawn(self.space)


def _drawn(view: Any) -> npt.NDArray[np.uint8]:
    view.render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(view.render_window())
    grab.SetInputBufferTypeToRGB()
    grab.ReadFrontBufferOff()
    grab.Update()
    image = grab.GetOutput()
    width, height, _ = image.GetDimensions()
    pixels: npt.NDArray[np.uint8] = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 3)
    return pixels[::-1].copy()


def save(name: str, *pictures: npt.NDArray[np.uint8]) -> Path:
    """Pictures side by side as a PNG file."""
    from VISTA3DSegmentLib.drawing import write_png

    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{name}.png"
    write_png(np.concatenate(pictures, axis=1).astype(np.float64), path)
    return path
