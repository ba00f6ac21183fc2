"""Surfaces as bytes of files: STL (binary), OBJ with its materials, PLY (binary). All in mm, LPS, said in the header.

Slicer looks for SPACE=LPS in the header or comments (vtkMRMLModelStorageNode); others take LPS as most of them do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..files.segments import Rgb
from .meshes import Mesh

SPACE = "VISTA3DSegment. SPACE=LPS, unit mm"
STL_HEADER_BYTES = 80
STL_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
"""A triangle of a binary STL file: 50 bytes."""
PLY_POINT = np.dtype([("position", "<f4", 3), ("color", "u1", 3)])
PLY_TRIANGLE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
LINES = 100_000
"""Of text made at once."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A surface with its name and colour.

    Args:
        name: without spaces, unique in its file.
        color: red, green, blue, 0 to 255.
        mesh: its triangles.
    """

    name: str
    color: Rgb
    mesh: Mesh


def stl_parts(surfaces: Sequence[Surface]) -> Iterator[bytes]:
    """A binary STL file; it has neither names nor colours."""
    yield SPACE.encode().ljust(STL_HEADER_BYTES)
    yield np.uint32(sum(len(surface.mesh.triangles) for surface in surfaces)).astype("<u4").tobytes()
    for surface in surfaces:
        corners = surface.mesh.points_lps[surface.mesh.triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        triangles = np.zeros(len(corners), STL_TRIANGLE)
        triangles["normal"] = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        triangles["corners"] = corners
        yield triangles.tobytes()


def ply_parts(surfaces: Sequence[Surface]) -> Iterator[bytes]:
    """A binary PLY file; every point has the colour of its surface."""
    points = sum(len(surface.mesh.points_lps) for surface in surfaces)
    triangles = sum(len(surface.mesh.triangles) for surface in surfaces)
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment {SPACE}",
        *(f"comment segment {surface.name}" for surface in surfaces),
        f"element vertex {points}",
        *(f"property float {axis}" for axis in "xyz"),
        *(f"property uchar {color}" for color in ("red", "green", "blue")),
        f"element face {triangles}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    yield "".join(f"{line}\n" for line in header).encode()
    for surface in surfaces:
        vertices = np.zeros(len(surface.mesh.points_lps), PLY_POINT)
        vertices["position"], vertices["color"] = surface.mesh.points_lps, surface.color
        yield vertices.tobytes()
    first = 0
    for surface in surfaces:
        faces = np.zeros(len(surface.mesh.triangles), PLY_TRIANGLE)
        faces["count"], faces["corners"] = 3, surface.mesh.triangles + first
        first += len(surface.mesh.points_lps)
        yield faces.tobytes()


def obj_parts(surfaces: Sequence[Surface], materials: str) -> Iterator[bytes]:
    """An OBJ file, an object for each surface.

    Args:
        surfaces: in this order.
        materials: name of the file of ``mtl_parts``.
    """
    yield f"# {SPACE}\nmtllib {materials}\n".encode()
    first = 1
    for surface in surfaces:
        yield f"o {surface.name}\nusemtl {surface.name}\n".encode()
        for start in range(0, len(surface.mesh.points_lps), LINES):
            points = surface.mesh.points_lps[start : start + LINES].tolist()
            yield "".join([f"v {x:.5f} {y:.5f} {z:.5f}\n" for x, y, z in points]).encode()
        for start in range(0, len(surface.mesh.triangles), LINES):
            triangles = (surface.mesh.triangles[start : start + LINES] + first).tolist()
            yield "".join([f"f {a} {b} {c}\n" for a, b, c in triangles]).encode()
        first += len(surface.mesh.points_lps)


def mtl_parts(colors: Mapping[str, Rgb]) -> Iterator[bytes]:
    """The materials of OBJ files: the colour of each surface by its name."""
    for name, color in colors.items():
        red, green, blue = (f"{part / 255:.6f}" for part in color)
        yield f"newmtl {name}\nKd {red} {green} {blue}\nd 1\nillum 2\n\n".encode()
