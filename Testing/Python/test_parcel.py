"""What a person wants done with segments, and the segments, in memory that a child process shares."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from builders import box_mask
from export_world import scan, segment, segmentation
from VISTA3DSegmentLib.edits import NOTHING
from VISTA3DSegmentLib.errors import Cancelled, ResourceError
from VISTA3DSegmentLib.files.segments import Segmentation
from VISTA3DSegmentLib.service import shared_memory
from VISTA3DSegmentLib.service.parcel import Parcel, unpacked
from VISTA3DSegmentLib.volume import Volume


def filled(*arguments: object) -> Parcel:
    parcel = Parcel(*arguments)  # type: ignore[arg-type]
    for _ in parcel.fill():
        pass
    return parcel


def assert_same(found: Segmentation, sent: Segmentation) -> None:
    assert found.shape_kji == sent.shape_kji
    assert (found.ijk_to_ras == sent.ijk_to_ras).all()
    for one, other in zip(found.segments, sent.segments, strict=True):
        assert one.mask.start == other.mask.start
        assert (one.mask.mask == other.mask.mask).all()
        assert (one.name, one.color, one.class_id, one.tags) == (other.name, other.color, other.class_id, other.tags)


@pytest.mark.parametrize("dtype", ["<i2", "<f4", "|b1"])
def test_the_other_side_finds_all_of_it(dtype: str) -> None:
    volume = scan()
    volume = type(volume)(volume.array.astype(dtype), volume.ijk_to_ras, "CT")
    sent = segmentation(*segmentation().segments, segment(NOTHING, "nothing yet", None, None))
    parcel = filled(("any", 7), sent, volume)
    try:
        with unpacked(parcel.label) as found:
            assert found.order == ("any", 7)
            assert found.volume is not None
            assert found.volume.array.dtype == volume.array.dtype
            assert (found.volume.array == volume.array).all()
            assert (found.volume.ijk_to_ras == volume.ijk_to_ras).all()
            assert found.prior is None
            assert_same(found.segmentation, sent)
    finally:
        parcel.release()
    assert found.volume.array.sum() == volume.array.sum()  # copies: they outlive the memory


@pytest.mark.parametrize("with_scan", [False, True])
def test_an_earlier_segmentation_comes_along_on_its_own_grid(with_scan: bool) -> None:
    other = Volume(np.zeros((3, 5, 6), np.uint8), np.diag((2.0, 2.0, 4.0, 1.0)))
    earlier = segmentation(segment(box_mask((3, 5, 6), (0, 1, 2), (3, 4, 5)), "January"), volume=other)
    sent = segmentation()
    parcel = filled(None, sent, scan() if with_scan else None, earlier)
    try:
        with unpacked(parcel.label) as found:
            assert_same(found.segmentation, sent)
            assert found.prior is not None
            assert_same(found.prior, earlier)
    finally:
        parcel.release()


def test_an_order_that_is_taken_back_is_known_on_the_other_side_at_once() -> None:
    parcel = filled(None, segmentation())
    try:
        with unpacked(parcel.label) as found:
            assert found.volume is None
            assert not found.cancel()
            parcel.cancel()
            assert found.cancel()
    finally:
        parcel.release()


def test_a_parcel_that_is_gone_was_cancelled() -> None:
    parcel = filled(None, segmentation())
    parcel.release()
    with pytest.raises(Cancelled), unpacked(parcel.label):
        pass


def test_it_is_filled_a_plane_at_a_time_and_without_a_thread() -> None:
    threads = threading.active_count()
    sent, volume = segmentation(), scan()
    parcel = Parcel(None, sent, volume, segmentation(sent.segments[0]))
    steps = sum(1 for _ in parcel.fill())
    parcel.release()
    planes = [one.mask.shape[0] for one in (*sent.segments, sent.segments[0])]
    assert steps == sum(planes) + volume.shape_kji[0]
    assert threading.active_count() == threads


def test_no_room_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shared_memory, "SharedMemory", full)
    with pytest.raises(ResourceError, match="no room for the scan"):
        Parcel(None, segmentation(), scan())


def test_voxels_are_not_read_across_their_size() -> None:
    parcel = filled(None, segmentation(), scan())
    try:
        assert np.frombuffer(shared_memory.bytes_of(parcel._memory)[64:72], np.int32)[0] == -1000
    finally:
        parcel.release()
