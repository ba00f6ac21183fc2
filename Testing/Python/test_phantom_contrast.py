"""Images painted from labels with random contrast."""

from __future__ import annotations

import numpy as np
from VISTA3DSegmentLib.learning.phantom import randomise_contrast


def blocks() -> np.ndarray:
    labels = np.zeros((32, 32, 32), np.int32)
    labels[:, :16], labels[:, 16:, 16:], labels[16:, 16:, :16] = 3, 205, 7
    return labels


def test_grey_values_lie_between_zero_and_one():
    for seed in range(6):
        image = randomise_contrast(blocks(), seed)
        assert image.dtype == np.float32
        assert image.shape == blocks().shape
        assert image.min() >= 0
        assert image.max() <= 1


def test_the_same_seed_paints_the_same_image():
    assert np.array_equal(randomise_contrast(blocks(), 4), randomise_contrast(blocks(), 4))
    assert not np.array_equal(randomise_contrast(blocks(), 4), randomise_contrast(blocks(), 5))


def test_structures_differ_from_each_other_and_from_one_painting_to_the_next():
    inner = {3: np.s_[4:28, 3:13, 4:28], 205: np.s_[4:28, 19:29, 19:29]}
    contrast = []
    for seed in range(12):
        image = randomise_contrast(blocks(), seed)
        contrast.append(float(image[inner[3]].mean() - image[inner[205]].mean()))
    assert max(contrast) > 0.2
    assert min(contrast) < -0.2


def test_within_a_structure_grey_values_are_alike():
    quiet = randomise_contrast(blocks(), 1, noise=(0.0, 0.0), bias=0.0)
    whole = quiet.std()
    assert quiet[4:28, 3:13, 4:28].std() < 0.5 * whole
