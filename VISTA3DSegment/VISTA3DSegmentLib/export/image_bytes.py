"""Pictures as the bytes of a file, for a page that holds them itself."""

from __future__ import annotations

import base64

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkIOImage import vtkJPEGWriter

from ..drawing import Canvas

QUALITY = 88
"""Of JPEG: outlines and letters stay clean, at a third of the size of PNG, which matters for a hundred pictures."""


def jpeg_bytes(canvas: Canvas) -> bytes:
    """A picture, (rows, columns, 3), 0 to 255, as a JPEG file."""
    rows, columns, _ = canvas.shape
    pixels = np.clip(np.rint(canvas[::-1]), 0, 255).astype(np.uint8)  # VTK's first row is the lowest
    image = vtkImageData()
    image.SetDimensions(columns, rows, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(pixels.reshape(-1, 3), deep=True))
    writer = vtkJPEGWriter()
    writer.WriteToMemoryOn()
    writer.SetQuality(QUALITY)
    writer.SetInputData(image)
    writer.Write()
    return bytes(vtk_to_numpy(writer.GetResult()).tobytes())


def embedded(jpeg: bytes) -> str:
    """A JPEG file as the address of an image in a page (RFC 2397)."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
