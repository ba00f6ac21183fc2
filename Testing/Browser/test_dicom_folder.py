"""A real DICOM series, opened as a folder: the liver by clicks, saved, and read by somebody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
from browser import Person, Server, dice
from places import place_of
from shared_data import shared
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.evaluation.simulated_user import next_click
from VISTA3DSegmentLib.files.segmentations import read_segmentation
from VISTA3DSegmentLib.files.volumes import read_volume

LIVER_IN_FILE, LIVER_CODE = 5, "SCT^10200004^Liver"


@pytest.fixture(scope="module")
def folder() -> Path:
    return shared("data/ct_dicom/series")


def test_clicks_on_the_liver_of_a_dicom_series_grow_and_shrink_what_is_saved(
    folder: Path, serve: Callable[..., Server], visit: Callable[..., Person]
) -> None:
    person = visit(serve())
    person.wait_for_scan("Sample CT (synthetic)")
    person.open(folder)
    person.wait_for_scan("CT series (20 images)")
    person.wait_for_model()
    volume = read_volume(folder).volume
    truth = read_segmentation(shared("data/ct_dicom/seg.nii.gz"), like=volume).segments
    liver = next(segment for segment in truth if segment.class_id == LIVER_IN_FILE).mask
    person.begin("liver")
    now, grown = np.zeros(volume.shape_kji, np.bool_), []
    for _ in range(3):
        wrong = next_click(MaskCrop.of(liver.full(volume.shape_kji) & ~now | now), MaskCrop.of(now), volume)
        assert wrong is not None
        assert wrong.positive
        person.scroll_to("Axial", wrong.ras[2])
        person.click("Axial", place_of(person, volume, "Axial", wrong.ras))
        now = person.saved(volume)["liver"]
        grown.append(int(now.sum()))
    person.shoot("5-dicom-liver")
    assert grown[0] > 1000
    assert grown[2] > grown[0]
    assert dice(liver.full(volume.shape_kji), now) > 0.3
    wrong = next_click(MaskCrop.of(np.zeros_like(now)), MaskCrop.of(now), volume)
    assert wrong is not None
    person.scroll_to("Axial", wrong.ras[2])
    person.click("Axial", place_of(person, volume, "Axial", wrong.ras), negative=True)
    path = person.save()
    ours = read_segmentation(path, like=volume).segments[0]
    assert ours.mask.mask.sum() < grown[2]

    image = sitk.ReadImage(str(path))
    header = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    voxels = sitk.GetArrayFromImage(sitk.Resample(image, like_of(volume), sitk.Transform(), sitk.sitkNearestNeighbor))
    assert (voxels == int(header["Segment0_LabelValue"])).tolist() == ours.mask.full(volume.shape_kji).tolist()
    assert header["Segment0_Name"] == "liver"
    assert [float(part) for part in header["Segment0_Color"].split()] == pytest.approx(
        [part / 255 for part in (221, 130, 101)], abs=0.01
    )
    assert LIVER_CODE in header["Segment0_Tags"]
    label_map = sitk.GetArrayFromImage(sitk.ReadImage(str(person.save("Label map (.nii.gz)"))))
    assert int((label_map > 0).sum()) == int(ours.mask.mask.sum())
    assert abs(person.ml("liver") - ours.mask.mask.sum() * volume.voxel_volume_ml) < 0.1


def like_of(volume):
    image = sitk.Image([int(n) for n in volume.shape_kji[::-1]], sitk.sitkUInt8)
    lps = np.diag([-1.0, -1.0, 1.0]) @ volume.ijk_to_ras[:3]
    image.SetSpacing(volume.spacing_mm)
    image.SetOrigin(lps[:, 3].tolist())
    image.SetDirection((lps[:, :3] / np.array(volume.spacing_mm)).ravel().tolist())
    return image
