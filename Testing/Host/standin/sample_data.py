"""``SampleData``: where a module registers the data that its users may try."""

# ruff: noqa: N802, N803 (the names are those of Qt and of Slicer)

from __future__ import annotations

import types
from typing import Any

import slicer


class SampleDataSource:
    """One entry of the Sample Data module."""

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
        loadFileType: Any = None,
        loadFileProperties: Any = None,
    ) -> None:
        listed = [value if isinstance(value, list | tuple) or value is None else [value] for value in (uris, fileNames)]
        self.sampleName, self.sampleDescription = sampleName, sampleDescription
        self.uris, self.fileNames = listed
        self.nodeNames, self.checksums, self.loadFiles = nodeNames, checksums, loadFiles
        self.customDownloader, self.thumbnailFileName = customDownloader, thumbnailFileName
        self.loadFileType, self.loadFileProperties = loadFileType, loadFileProperties or {}
        if customDownloader is None and self.uris is not None and len(self.uris) != len(self.fileNames or []):
            raise ValueError(f"Sample '{sampleName}' has {len(self.uris)} addresses and {self.fileNames} as files.")


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


def _register_category(category: str, *rest: Any, **options: Any) -> None:
    slicer.modules.__dict__.setdefault("sampleDataSources", {}).setdefault(category, [])
