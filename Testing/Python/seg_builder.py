"""Tiny DICOM segmentations, right or wrong in any element, written with pydicom alone."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless

BINARY = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
STAND_IN = JPEG2000Lossless
"""Written in place of a transfer syntax that pydicom does not know; its UID takes as many bytes."""
Plane = tuple[int, Sequence[float], npt.NDArray[Any]]
"""Number of the segment (of no meaning in a label map), position (LPS, mm) and stored values (j, i) of a frame."""


def code(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    """A code sequence's item."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def described(number: int, label: str, type_: Dataset | None = None, **changes: Any) -> Dataset:
    """An item of the Segment Sequence."""
    item = Dataset()
    item.SegmentNumber, item.SegmentLabel, item.SegmentAlgorithmType = number, label, "MANUAL"
    item.SegmentedPropertyCategoryCodeSequence = Items([code("123037004", "Anatomical Structure")])
    item.SegmentedPropertyTypeCodeSequence = Items([type_ or code("10200004", "Liver")])
    for keyword, value in changes.items():
        setattr(item, keyword, value)
    return item


def segmentation_dataset(
    descriptions: Sequence[Dataset],
    planes: Sequence[Plane],
    *,
    kind: str = "BINARY",
    bits: int = 1,
    orientation: Sequence[float] = (1, 0, 0, 0, 1, 0),
    spacing_ji_mm: Sequence[float] = (2.0, 1.0),
    thickness_mm: float | None = 3.0,
    between_mm: float | None = None,
    pack: Callable[[bytes], bytes] | None = None,
    syntax: str = ExplicitVRLittleEndian,
    **changes: Any,
) -> Dataset:
    """A DICOM segmentation; ``pack`` compresses one frame."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(LABEL_MAP if kind == "LABELMAP" else BINARY)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    dataset.Modality, dataset.SegmentationType = "SEG", kind
    dataset.Rows, dataset.Columns = planes[0][2].shape
    dataset.NumberOfFrames = len(planes)
    dataset.SamplesPerPixel, dataset.PixelRepresentation, dataset.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.SegmentSequence = Items(descriptions)
    dataset.SharedFunctionalGroupsSequence = Items([_shared(orientation, spacing_ji_mm, thickness_mm, between_mm)])
    dataset.PerFrameFunctionalGroupsSequence = Items([_of_frame(number, position) for number, position, _ in planes])
    frames = [values for _, _, values in planes]
    if pack is None:
        packed = _stored(np.stack(frames), bits)
        dataset.PixelData = packed + b"\0" * (len(packed) % 2)
    else:
        dataset.PixelData = encapsulate([pack(_stored(frame, bits)) for frame in frames])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def _stored(values: npt.NDArray[Any], bits: int) -> bytes:
    if bits == 1:
        return np.packbits(values.astype(np.bool_).ravel(), bitorder="little").tobytes()
    return values.astype(f"<u{bits // 8}").tobytes()


def _shared(
    orientation: Sequence[float], spacing: Sequence[float], thickness: float | None, between: float | None
) -> Dataset:
    shared, plane, measures = Dataset(), Dataset(), Dataset()
    plane.ImageOrientationPatient = [float(f"{value:.9f}") for value in orientation]
    measures.PixelSpacing = list(spacing)
    if thickness is not None:
        measures.SliceThickness = thickness
    if between is not None:
        measures.SpacingBetweenSlices = between
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Items([plane]), Items([measures])
    return shared


def _of_frame(number: int, position: Sequence[float]) -> Dataset:
    frame, plane, segment = Dataset(), Dataset(), Dataset()
    plane.ImagePositionPatient = [float(f"{value:.7f}") for value in position]
    segment.ReferencedSegmentNumber = number
    frame.PlanePositionSequence, frame.SegmentIdentificationSequence = Items([plane]), Items([segment])
    return frame


def written(dataset: Dataset, path: Path) -> Path:
    """The file of a dataset."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_transfer_syntax:
        dataset.file_meta.TransferSyntaxUID = STAND_IN
    dataset.save_as(path, enforce_file_format=True)
    if not syntax.is_transfer_syntax:
        path.write_bytes(path.read_bytes().replace(STAND_IN.encode(), syntax.ljust(len(STAND_IN), "\0").encode(), 1))
    return path


def deflated(frame: bytes) -> bytes:
    """A frame in Deflated Image Frame Compression."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(frame) + packer.flush()
    return packed + b"\0" * (len(packed) % 2)
