"""What holds for every test."""

from __future__ import annotations

import sys


def pytest_collection_finish() -> None:
    # Small networks on a busy machine: a second thread costs more than it brings. Most tests have no need of torch.
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
