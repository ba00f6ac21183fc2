"""The errors a user can meet. Each says what happened and what to do about it."""

from __future__ import annotations


class SegmentationError(Exception):
    """Base of every error that this package raises on purpose.

    Args:
        what: one sentence: what happened, in which file, volume or structure.
        remedy: one sentence: what the person can do about it.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy

    def __reduce__(self) -> tuple[type[SegmentationError], tuple[str, str]]:
        return type(self), (self.what, self.remedy)


class VolumeError(SegmentationError):
    """The image or its geometry cannot be segmented as it is."""


class FileFormatError(SegmentationError):
    """A file is damaged, hostile, or not of a kind that is read here."""


class PromptError(SegmentationError):
    """A click, box, text or class cannot be used."""


class ModelError(SegmentationError):
    """The weights are missing, damaged, or not of the expected network."""


class ResourceError(SegmentationError):
    """Memory, disk or a device ran out."""


class Cancelled(SegmentationError):  # noqa: N818 (it is no fault)
    """The person cancelled; nothing was changed."""

    def __init__(self, what: str = "Cancelled.", remedy: str = "") -> None:
        super().__init__(what, remedy)
