"""``SampleData``: where a module registers the data that its users may try."""

# ruff: noqa: N802, N803 (the names are those of Slicer)

from __future__ import annotations

import types
from typing import Any

import slicer

PER_FILE = ("fileNames", "nodeNames", "loadFiles", "loadFileTypes", "checksums")


class SampleDataSource:
    """One entry of the Sample Data module: one or more files, with as many names, types and checksums."""

    def __init__(
        self,
        sampleName: str | None = None,
        sampleDescription: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        checksums: Any = None,
        loadFiles: Any = None,
        customDownloader: Any = None,
        thumbnailFileName: str | None = None,
        loadFileTypes: Any = None,
        loadFileProperties: Any = None,
        loadFileType: Any = None,
    ) -> None:
        if loadFileType is not None and loadFileTypes is not None:
            raise ValueError("loadFileType and loadFileTypes cannot be specified at the same time")
        self.sampleName, self.sampleDescription = sampleName, sampleDescription or sampleName
        self.customDownloader, self.thumbnailFileName = customDownloader, thumbnailFileName
        self.loadFileProperties = loadFileProperties or {}
        several = isinstance(uris, list | tuple)
        self.uris = list(uris) if several else [uris]
        given = (fileNames, nodeNames, loadFiles, loadFileTypes or loadFileType, checksums)
        for name, value in zip(PER_FILE, given, strict=True):
            alike = several and (value is None or (name == "loadFileTypes" and isinstance(value, str)))
            setattr(self, name, [value] * len(self.uris) if alike else list(value) if several else [value])
        lengths = {name: len(getattr(self, name)) for name in PER_FILE}
        if set(lengths.values()) != {len(self.uris)}:
            raise ValueError(
                f"All fields of sample data source '{sampleName}' must have the same length: "
                f"{len(self.uris)} uris, {lengths}"
            )


class SampleDataLogic:
    """The registry, ``slicer.modules.sampleDataSources``."""

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", **options: Any) -> None:
        """Register an entry under a category."""
        sources = slicer.modules.__dict__.setdefault("sampleDataSources", {})
        sources.setdefault(category, []).append(SampleDataSource(**options))

    @staticmethod
    def sourceForSampleName(sampleName: str) -> SampleDataSource | None:
        """Return the entry of that name, or None."""
        sources = slicer.modules.__dict__.get("sampleDataSources", {})
        return next((s for each in sources.values() for s in each if s.sampleName == sampleName), None)


def sample_data_module() -> types.ModuleType:
    """Return what ``import SampleData`` finds; categories can be registered from Slicer 5.12 on."""
    from . import choice

    module: Any = types.ModuleType("SampleData", "The Sample Data module.")
    module.SampleDataSource = SampleDataSource
    module.SampleDataLogic = SampleDataLogic
    if choice.SLICER >= (5, 12):
        SampleDataLogic.registerCustomSampleDataCategory = staticmethod(_register_category)  # type: ignore[attr-defined]
    return module


def _register_category(category: str, title: str) -> None:
    slicer.modules.__dict__.setdefault("sampleDataSourceCategories", {})[category] = title
