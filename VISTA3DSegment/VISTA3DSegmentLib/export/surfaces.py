"""Writing the surfaces of segments: STL, OBJ or PLY, one file for each segment or one for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from ..engine import Cancel, OnProgress
from ..engines.reporting import Reporter
from ..errors import FileFormatError, VolumeError
from ..files.segments import Segment, Segmentation
from ..volume import FloatArray
from .byte_files import write_bytes
from .file_names import file_names
from .folders import all_or_none, left_in
from .mesh_files import Surface, mtl_parts, obj_parts, ply_parts, stl_parts
from .meshes import mesh_of
from .wording import listed

MATERIALS = "segments.mtl"
"""File of the materials beside the OBJ files of a folder."""


class SurfaceForm(Enum):
    """Kinds of files; the value is the suffix."""

    STL = ".stl"
    OBJ = ".obj"
    PLY = ".ply"


def write_surfaces(
    path: Path | str,
    segmentation: Segmentation,
    form: SurfaceForm,
    *,
    merged: bool = False,
    progress: OnProgress | None = None,
    cancel: Cancel | None = None,
) -> tuple[str, ...]:
    """Write the closed surface of every segment that has voxels: mm, LPS, smooth, the volume that of the voxels.

    Args:
        path: a folder, in which every segment gets a file that is called after it; ``merged``: a file.
        segmentation: segments may overlap.
        form: kind of files. OBJ comes with a file of materials; PLY has colours in it, STL has none.
        merged: all in one file.
        progress: told after each segment.
        cancel: asked before each; True leaves everything as it was.

    Returns:
        Sentences: which segments are empty and were left out, and what else the folder holds.

    Raises:
        VolumeError: no segment has a voxel. FileFormatError: the file has another suffix, a surface is not closed, or
            the disk holds something else. ResourceError: it cannot be written. Cancelled.
    """
    path = Path(path)
    if merged and path.suffix.lower() != form.value:
        raise FileFormatError(f"{path.name} is no name for such a file.", f"Call it {path.stem}{form.value}.")
    filled = segmentation.drawn
    if not filled:
        raise VolumeError("No segment has a voxel: there is no surface to write.", "Segment something first.")
    names = file_names(segment.name for segment in filled)
    colors = {name: segment.color for name, segment in zip(names, filled, strict=True)}
    surfaces = _surfaces(filled, names, segmentation.ijk_to_ras, Reporter(len(filled), progress, cancel))
    others: tuple[str, ...] = ()
    if merged:
        materials = f"{file_names([path.stem])[0]}.mtl"
        in_memory = list(surfaces)
        if form is SurfaceForm.OBJ:
            write_bytes(path.with_name(materials), mtl_parts(colors))
        write_bytes(path, _parts(in_memory, form, materials))
    else:
        with all_or_none(path) as folder:
            for surface in surfaces:
                write_bytes(folder / f"{surface.name}{form.value}", _parts([surface], form, MATERIALS))
            if form is SurfaceForm.OBJ:
                write_bytes(folder / MATERIALS, mtl_parts(colors))
            others = left_in(path, folder)
    return (*_left_out(segmentation), *others)


def _surfaces(
    segments: Sequence[Segment], names: Sequence[str], ijk_to_ras: FloatArray, reporter: Reporter
) -> Iterator[Surface]:
    for segment, name in zip(segments, names, strict=True):
        reporter.check()
        mesh = mesh_of(segment.mask, ijk_to_ras)
        if not mesh.is_closed:
            raise FileFormatError(f"The surface of {segment.name} is not closed.", "Save the voxels instead.")
        yield Surface(name, segment.color, mesh)
        reporter.done()


def _parts(surfaces: Sequence[Surface], form: SurfaceForm, materials: str) -> Iterator[bytes]:
    if form is SurfaceForm.OBJ:
        return obj_parts(surfaces, materials)
    return stl_parts(surfaces) if form is SurfaceForm.STL else ply_parts(surfaces)


def _left_out(segmentation: Segmentation) -> tuple[str, ...]:
    empty = [segment.name for segment in segmentation.segments if not segment.mask.mask.any()]
    return (f"Empty segments have no surface and were left out: {listed(empty)}.",) if empty else ()
