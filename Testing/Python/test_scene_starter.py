"""The whole way: the scene, a worker process and the starter's real network, on the sample CT."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
from scene_world import SceneWorld
from VISTA3DSegmentLib.engines import open_engine
from VISTA3DSegmentLib.evaluation.metrics import dice
from VISTA3DSegmentLib.files.segmentations import read_segmentation
from VISTA3DSegmentLib.files.volumes import read_volume
from VISTA3DSegmentLib.resources import resource
from VISTA3DSegmentLib.service import ChildProcess

LIVER, WAIT_SECONDS = 1, 600.0


def settle(world: SceneWorld) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not world.annotator.idle:
        world.clock.seconds += 0.05
        world.annotator.pump()
        time.sleep(0.002)
        assert time.monotonic() < deadline


def test_segment_click_and_undo_with_a_real_network():
    scan = read_volume(resource("Samples/sample_ct.nrrd")).volume
    truth = next(
        segment.mask
        for segment in read_segmentation(resource("Samples/sample_truth.nrrd"), like=scan).segments
        if segment.class_id == LIVER
    )
    world = SceneWorld(
        client=ChildProcess(partial(open_engine, weights="starter")), ijk_to_ras=scan.ijk_to_ras, array=scan.array
    )
    try:
        world.annotator.segment([LIVER])
        settle(world)
        liver = world.session.annotation.of_class(LIVER)
        found = world.session.annotation[liver].mask
        assert dice(truth, found) > 0.8
        shown = world.voxels(liver)
        assert np.array_equal(shown, found.full(scan.shape_kji))
        world.annotator.select(liver)
        k, j, i = (int(np.median(at)) for at in np.nonzero(shown))
        world.click((k, j, i), positive=False)
        settle(world)
        assert not world.failed
        assert not world.voxels(liver)[k, j, i]
        world.annotator.undo()
        settle(world)
        assert np.array_equal(world.voxels(liver), shown)
        world.annotator.redo()
        settle(world)
        assert not world.voxels(liver)[k, j, i]
    finally:
        world.annotator.close()
        world.client.close()
