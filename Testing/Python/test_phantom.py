"""The phantom: a person whose organs lie where a radiologist looks for them, seen as a CT."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from VISTA3DSegmentLib.anatomy import Kind, all_classes
from VISTA3DSegmentLib.errors import VolumeError
from VISTA3DSegmentLib.learning.phantom import Appearance, Phantom, make_phantom

COARSE_MM = (6.0, 6.0, 6.0)
LIVER, SPLEEN, RIGHT_KIDNEY, AORTA, STOMACH, LEFT_KIDNEY, BLADDER, HEART = 1, 3, 5, 6, 12, 14, 15, 115
L5, T1, RIGHT_HIP, LEFT_HIP = 33, 49, 96, 95
LUNG_LOBES = (28, 29, 30, 31, 32)
PLAIN = Appearance(phase="venous", noise_hu=4.0, streaks_hu=0.0, texture_hu=2.0, table=False)


@cache
def torso(seed: int) -> Phantom:
    return make_phantom(seed, COARSE_MM, "torso", PLAIN)


def centre_ras(phantom: Phantom, class_id: int) -> np.ndarray:
    k, j, i = (places.mean() for places in np.nonzero(phantom.labels == class_id))
    return phantom.volume.ras_of((i, j, k))


def volume_ml(phantom: Phantom, class_id: int) -> float:
    return float((phantom.labels == class_id).sum()) * phantom.volume.voxel_volume_ml


def touch(labels: np.ndarray, first: int, second: int) -> bool:
    """Whether two classes have voxels that share a face."""
    for axis in range(3):
        a, b = np.moveaxis(labels, axis, 0)[:-1], np.moveaxis(labels, axis, 0)[1:]
        if (((a == first) & (b == second)) | ((a == second) & (b == first))).any():
            return True
    return False


def test_the_same_seed_gives_the_same_voxels():
    again = make_phantom(1, COARSE_MM, "torso", PLAIN)
    assert np.array_equal(torso(1).volume.array, again.volume.array)
    assert np.array_equal(torso(1).labels, again.labels)


def test_another_seed_gives_another_person():
    assert abs(volume_ml(torso(1), LIVER) / volume_ml(torso(3), LIVER) - 1) > 0.02
    assert np.abs(centre_ras(torso(1), LIVER) - centre_ras(torso(3), LIVER)).max() > 3


def test_the_image_is_stored_like_an_axial_ct_of_a_patient_on_the_back():
    volume = torso(1).volume
    assert volume.array.dtype == np.int16
    assert np.allclose(volume.ijk_to_ras[:3, :3], np.diag([-6.0, -6.0, 6.0]))


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_organs_lie_on_their_side_of_the_patient(seed):
    phantom = torso(seed)
    assert centre_ras(phantom, LIVER)[0] > 30 > -30 > centre_ras(phantom, SPLEEN)[0]
    assert centre_ras(phantom, RIGHT_HIP)[0] > 50 > -50 > centre_ras(phantom, LEFT_HIP)[0]
    assert centre_ras(phantom, HEART)[0] < 5
    assert centre_ras(phantom, BLADDER)[2] < centre_ras(phantom, LIVER)[2] < centre_ras(phantom, HEART)[2]
    assert centre_ras(phantom, AORTA)[1] > centre_ras(phantom, 38)[1]


def test_vertebrae_follow_each_other_from_l5_up_to_t1():
    heights = [centre_ras(torso(1), class_id)[2] for class_id in range(L5, T1 + 1)]
    assert (np.diff(heights) > 10).all()


def test_organs_have_the_size_of_organs():
    for seed in (1, 3, 4):
        assert 800 < volume_ml(torso(seed), LIVER) < 2600
        assert 60 < volume_ml(torso(seed), SPLEEN) < 450
        assert 1500 < sum(volume_ml(torso(seed), lobe) for lobe in LUNG_LOBES) < 8000


def test_neighbouring_organs_touch_as_in_a_body():
    seeds = (1, 3, 4)
    pairs = ((LIVER, RIGHT_KIDNEY), (LIVER, STOMACH), (SPLEEN, STOMACH))
    assert all(sum(touch(torso(seed).labels, *pair) for seed in seeds) >= 1 for pair in pairs)
    assert sum(touch(torso(seed).labels, *pair) for seed in seeds for pair in pairs) >= 5


def test_grey_values_alone_do_not_tell_liver_from_spleen():
    noisy = make_phantom(1, COARSE_MM, (100.0, 280.0), Appearance(phase="venous", noise_hu=15.0))
    liver, spleen = (noisy.volume.array[noisy.labels == class_id] for class_id in (LIVER, SPLEEN))
    low, high = np.percentile(liver, [5, 95])
    assert ((spleen > low) & (spleen < high)).mean() > 0.1


def test_tissues_have_plausible_hounsfield_units():
    phantom = torso(1)
    image, labels = phantom.volume.array, phantom.labels
    assert abs(np.median(image[:, 0, :]) + 1000) < 15
    assert -920 < np.median(image[np.isin(labels, LUNG_LOBES)]) < -750
    assert 60 < np.median(image[labels == LIVER]) < 160
    assert np.median(image[labels == L5]) > 150
    assert (np.abs(image[labels == 0] + 105) < 25).mean() > 0.1


def test_contrast_fills_arteries_first():
    aorta = {}
    for phase in ("native", "arterial", "venous"):
        phantom = make_phantom(1, COARSE_MM, (60.0, 250.0), Appearance(phase=phase, noise_hu=4.0))
        aorta[phase] = np.median(phantom.volume.array[phantom.labels == AORTA])
    assert aorta["native"] + 40 < aorta["venous"] < aorta["arterial"] - 40


def test_coverage_decides_what_is_in_view():
    chest = make_phantom(3, COARSE_MM, "thorax", PLAIN)
    belly = make_phantom(3, COARSE_MM, "abdomen", PLAIN)
    assert (chest.labels == T1).any()
    assert not (chest.labels == BLADDER).any()
    assert (belly.labels == BLADDER).any()
    assert not (belly.labels == T1).any()


def test_finer_voxels_show_the_same_person():
    fine = make_phantom(1, (4.0, 4.0, 4.0), "torso", PLAIN)
    for class_id in (LIVER, SPLEEN, HEART):
        assert volume_ml(fine, class_id) == pytest.approx(volume_ml(torso(1), class_id), rel=0.08)
        assert np.linalg.norm(centre_ras(fine, class_id) - centre_ras(torso(1), class_id)) < 4


def test_oversampling_changes_the_image_not_the_truth():
    once = make_phantom(1, COARSE_MM, (120.0, 200.0), PLAIN)
    smooth = Appearance(phase="venous", noise_hu=4.0, streaks_hu=0.0, texture_hu=2.0, table=False, oversampling=2)
    twice = make_phantom(1, COARSE_MM, (120.0, 200.0), smooth)
    assert np.array_equal(once.labels, twice.labels)
    liver = once.labels == LIVER
    assert abs(np.median(once.volume.array[liver]) - np.median(twice.volume.array[liver])) < 6
    # Where fat and muscle share a voxel its grey value lies between theirs.
    between = [((image > -70) & (image < 10)).sum() for image in (once.volume.array, twice.volume.array)]
    assert between[1] > between[0]


def test_lesions_overlap_their_organ_and_change_only_how_it_looks():
    names = {row.name for row in all_classes()}
    seen = set()
    for seed in range(30, 42):
        phantom = make_phantom(seed, COARSE_MM, "torso", PLAIN)
        for name, crop, organ in phantom.lesions:
            inside = phantom.labels[crop.slices][crop.mask]
            assert (inside == organ).any()
            assert set(np.unique(inside)) <= {0, organ, *LUNG_LOBES}
            assert name in names
            seen.add(name)
    assert {"hepatic tumor", "lung tumor"} <= seen
    assert len(seen) >= 4


def test_a_liver_tumour_is_darker_than_the_liver_in_the_venous_phase():
    differences = []
    for seed in range(30, 36):
        phantom = make_phantom(seed, (4.0, 4.0, 4.0), (140.0, 280.0), PLAIN)
        for name, crop, _ in phantom.lesions:
            if name == "hepatic tumor" and crop.mask.sum() > 60:
                tumour = phantom.volume.array[crop.slices][crop.mask]
                differences.append(np.median(tumour) - np.median(phantom.volume.array[phantom.labels == LIVER]))
    assert differences
    assert np.mean(differences) < -10


def test_labels_are_classes_that_the_model_knows():
    known = {row.id for row in all_classes() if row.kind is Kind.EVERYTHING}
    labels = set(np.unique(torso(1).labels).tolist()) - {0}
    assert labels <= known
    assert len(labels) > 95


@pytest.mark.parametrize("coverage", ["leg", (200.0, 100.0)])
def test_an_impossible_coverage_is_refused_in_a_sentence(coverage):
    with pytest.raises(VolumeError, match=r"leg|empty"):
        make_phantom(1, COARSE_MM, coverage)


def test_a_spacing_of_zero_is_refused():
    with pytest.raises(VolumeError, match="spacing"):
        make_phantom(1, (0.0, 1.0, 1.0))


def test_an_unknown_contrast_phase_is_refused():
    with pytest.raises(VolumeError, match="portal"):
        Appearance(phase="portal")
