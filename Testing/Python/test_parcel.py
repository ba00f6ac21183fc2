"""What a person wants done with segments, and the segments, in memory that a child process shares."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from export_world import scan, segment, segmentation
from VISTA3DSegmentLib.edits import NOTHING
from VISTA3DSegmentLib.errors import Cancelled, ResourceError
from VISTA3DSegmentLib.service import shared_memory
from VISTA3DSegmentLib.service.parcel import Parcel, unpacked


def filled(*arguments: object) -> Parcel:
    parcel = Parcel(*arguments)  # type: ignore[arg-type]
    for _ in parcel.fill():
        pass
    return parcel


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
            assert (found.segmentation.ijk_to_ras == sent.ijk_to_ras).all()
            pairs = list(zip(found.segmentation.segments, sent.segments, strict=True))
            for one, other in pairs:
                assert one.mask.start == other.mask.start
                assert (one.mask.mask == other.mask.mask).all()
                assert (one.name, one.color, one.class_id, one.tags) == (
                    other.name,
                    other.color,
                    other.class_id,
                    other.tags,
                )
            assert len(pairs) == 3
    finally:
        parcel.release()
    assert found.volume.array.sum() == volume.array.sum()  # copies: they outlive the memory


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
    parcel = Parcel(None, sent, volume)
    steps = sum(1 for _ in parcel.fill())
    parcel.release()
    assert steps == sum(one.mask.shape[0] for one in sent.segments) + volume.shape_kji[0]
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
