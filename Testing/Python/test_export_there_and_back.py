"""What one program writes the next one reads: exported segmentations come back and can be corrected by clicks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import slicerio
from builders import box_mask, oblique_geometry
from export_world import (
    CLICKED,
    DRAWN,
    LEFT_KIDNEY_CYST,
    RIGHT_KIDNEY_CYST,
    SHAPE,
    scan,
    segment,
    segmentation,
    series_of,
)
from shared_data import shared
from VISTA3DSegmentLib import anatomy
from VISTA3DSegmentLib.edits import MaskCrop
from VISTA3DSegmentLib.errors import FileFormatError
from VISTA3DSegmentLib.export.dicom_seg import write_dicom_seg
from VISTA3DSegmentLib.files.segmentations import Segment, Segmentation, read_segmentation, write_segmentation
from VISTA3DSegmentLib.provenance import TAG, provenance_of
from VISTA3DSegmentLib.terminology import meaning_of
from VISTA3DSegmentLib.volume import grid_of


def assert_same(found: Segmentation, expected: Segmentation) -> None:
    """The same segments, in the same order, voxel by voxel."""
    assert [one.name for one in found.segments] == [one.name for one in expected.segments]
    for one, other in zip(found.segments, expected.segments, strict=True):
        np.testing.assert_array_equal(one.mask.full(found.shape_kji), other.mask.full(expected.shape_kji), one.name)
        assert np.abs(np.subtract(one.color, other.color)).max() <= 1, one.name
        assert one.class_id == other.class_id, one.name
        assert meaning_of(one.terminology, None) == meaning_of(other.terminology, other.class_id), one.name
        assert provenance_of(one.tags) == provenance_of(other.tags), one.name


@pytest.mark.parametrize("labelmap", [False, True])
def test_dicom_segmentation_comes_back_with_all_that_is_known_of_its_segments(tmp_path: Path, labelmap: bool) -> None:
    long_name = "a lesion with a name that is longer than the sixty-four characters which DICOM allows \\ here"
    given = segmentation(
        segment(box_mask(SHAPE, (1, 2, 3), (3, 4, 6))),
        segment(box_mask(SHAPE, (3, 3, 4), (4, 5, 6)), "Zyste links", LEFT_KIDNEY_CYST, DRAWN),
        segment(box_mask(SHAPE, (6, 8, 10), (7, 9, 11)), "cyst right", RIGHT_KIDNEY_CYST),
        segment(box_mask(SHAPE, (5, 0, 0), (7, 3, 2)), long_name, None),
    )
    write_dicom_seg(tmp_path / "a.dcm", given, series_of(tmp_path / "series"), labelmap=labelmap)
    assert_same(read_segmentation(tmp_path / "a.dcm", like=scan()), given)


def test_every_class_comes_back_from_one_dicom_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    segments = [
        segment(MaskCrop.of(rng.random(SHAPE) > 0.97), anatomy.class_of(class_id).name, class_id)
        for class_id in anatomy.EVERYTHING
    ]
    assert len(segments) == 117
    given = segmentation(*segments)
    write_dicom_seg(tmp_path / "a.dcm", given, series_of(tmp_path / "series"))
    assert_same(read_segmentation(tmp_path / "a.dcm", like=scan()), given)


def test_file_of_this_program_without_its_private_elements_still_finds_its_classes(tmp_path: Path) -> None:
    write_dicom_seg(tmp_path / "a.dcm", segmentation(), series_of(tmp_path / "series"))
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    dataset.remove_private_tags()
    dataset.save_as(tmp_path / "b.dcm")
    found = read_segmentation(tmp_path / "b.dcm", like=scan())
    assert [one.class_id for one in found.segments] == [one.class_id for one in segmentation().segments]
    provenance = provenance_of(found.segments[0].tags)
    assert provenance is not None
    assert provenance.algorithm is CLICKED.algorithm


def test_slicerio_reads_the_same_from_a_seg_nrrd(tmp_path: Path) -> None:
    given = segmentation()
    write_segmentation(tmp_path / "a.seg.nrrd", given)
    read = slicerio.read_segmentation(str(tmp_path / "a.seg.nrrd"))
    np.testing.assert_allclose(read["ijkToLPS"], np.diag((-1, -1, 1, 1)) @ oblique_geometry(), atol=1e-9)
    layers = read["voxels"]
    for found, expected in zip(read["segments"], given.segments, strict=True):
        assert found["name"] == expected.name
        layer = layers if layers.ndim == 3 else layers[found["layer"]]
        mask = layer == found["labelValue"]
        np.testing.assert_array_equal(mask, expected.mask.full(SHAPE).transpose(2, 1, 0))
        np.testing.assert_allclose(found["color"], np.divide(expected.color, 255), atol=1e-5)


def test_slicerio_reads_terminology_and_our_tags(tmp_path: Path) -> None:
    row = anatomy.class_of(LEFT_KIDNEY_CYST)
    cyst = Segment(
        "cyst",
        box_mask(SHAPE, (1, 1, 1), (2, 3, 4)),
        (1, 2, 3),
        row.id,
        anatomy.terminology_entry(row),
        {TAG: CLICKED.to_tag()},
    )
    write_segmentation(tmp_path / "a.seg.nrrd", segmentation(cyst))
    (found,) = slicerio.read_segmentation(str(tmp_path / "a.seg.nrrd"))["segments"]
    assert row.type is not None
    assert found["terminology"]["type"][:2] == ["SCT", row.type.value]
    assert found["tags"][TAG] == CLICKED.to_tag()
    assert provenance_of(found["tags"]) == CLICKED


def test_structure_set_needs_its_scan_and_is_read_onto_it(tmp_path: Path) -> None:
    path = shared("data/sarcoma/STS_001/CT/dicom/mask")
    with pytest.raises(FileFormatError, match="Open the scan first"):
        read_segmentation(path)
    mask = read_segmentation(shared("data/sarcoma/STS_001/CT/mask.nii.gz"))
    like = grid_of(mask.shape_kji, mask.ijk_to_ras)
    found = read_segmentation(path, like=like)
    whole = mask.segments[0].mask.full(mask.shape_kji)
    drawn = [one.mask.full(mask.shape_kji) for one in found.segments]
    assert max(2 * (one & whole).sum() / (one.sum() + whole.sum()) for one in drawn) > 0.98
