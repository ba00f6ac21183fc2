"""Slicer's own classes read what is exported: tables of label maps, and surfaces in their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import slicer
from builders import box_mask, oblique_geometry
from VISTA3DSegmentLib import anatomy
from VISTA3DSegmentLib.export.label_tables import write_label_map
from VISTA3DSegmentLib.export.surfaces import SurfaceForm, write_surfaces
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation
from VISTA3DSegmentLib.terminology import class_meaning, parse_entry

SHAPE = (12, 14, 16)
CYST = anatomy.parse_classes("left kidney cyst")[0]
LIVER = Segment("Leber, groß", box_mask(SHAPE, (1, 2, 3), (9, 11, 13)), (221, 130, 101), 1)
LESION = Segment("cyst", box_mask(SHAPE, (10, 0, 0), (12, 3, 5)), (10, 20, 30), CYST)
VOXEL = Segment("voxel", box_mask(SHAPE, (2, 3, 4), (3, 4, 5)), (10, 20, 30))
UNKNOWN = Segment("unknown", box_mask(SHAPE, (0, 12, 0), (1, 14, 2)), (0, 255, 0))


def segmentation(*segments: Segment) -> Segmentation:
    return Segmentation(SHAPE, oblique_geometry(), segments)


def test_slicer_reads_names_colours_and_codes_from_the_table(tmp_path: Path) -> None:
    write_label_map(tmp_path / "a.nii.gz", segmentation(LIVER, LESION, UNKNOWN))
    scene = slicer.vtkMRMLScene()
    storage, table = slicer.vtkMRMLColorTableStorageNode(), slicer.vtkMRMLColorTableNode()
    scene.AddNode(storage)
    scene.AddNode(table)
    storage.SetFileName(str(tmp_path / "a.csv"))
    assert storage.ReadData(table)
    for value, expected in ((1, LIVER), (CYST, LESION), (133, UNKNOWN)):
        color = [0.0] * 4
        table.GetColor(value, color)
        assert table.GetColorName(value) == expected.name
        np.testing.assert_allclose(color, np.divide((*expected.color, 255), 255), atol=1e-6)
        meaning = None if expected.class_id is None else class_meaning(expected.class_id)
        assert parse_entry(table.GetTerminologyAsString(value)) == meaning


@pytest.mark.parametrize("form", list(SurfaceForm))
def test_slicer_puts_surfaces_where_the_voxels_are(tmp_path: Path, form: SurfaceForm) -> None:
    path = tmp_path / f"a{form.value}"
    write_surfaces(path, segmentation(VOXEL), form, merged=True)
    scene = slicer.vtkMRMLScene()
    storage, model = slicer.vtkMRMLModelStorageNode(), slicer.vtkMRMLModelNode()
    scene.AddNode(storage)
    scene.AddNode(model)
    storage.SetCoordinateSystem(slicer.vtkMRMLStorageNode.CoordinateSystemRAS)  # the file must say that it is LPS
    storage.SetFileName(str(path))
    assert storage.ReadData(model)
    bounds = [0.0] * 6
    model.GetRASBounds(bounds)
    corners = np.stack(np.meshgrid((3.5, 4.5), (2.5, 3.5), (1.5, 2.5)), axis=-1).reshape(-1, 3)
    ras = corners @ oblique_geometry()[:3, :3].T + oblique_geometry()[:3, 3]
    np.testing.assert_allclose(bounds[::2], ras.min(axis=0), atol=1e-3)
    np.testing.assert_allclose(bounds[1::2], ras.max(axis=0), atol=1e-3)
