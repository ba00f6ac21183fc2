"""Where tests find the project's shared data, which lies beside the repository."""

from __future__ import annotations

from pathlib import Path

import pytest


def shared(relative: str) -> Path:
    """A file or folder of the shared data; the test is skipped, saying so, where it is absent."""
    path = Path(__file__).resolve().parents[2].parent / "shared" / relative
    if not path.exists():
        pytest.skip(f"needs the project's shared data: {relative}")
    return path
