"""Child processes of a program in which Python is embedded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from test_errand import count, finished
from VISTA3DSegmentLib.service.errand import Errand


def test_a_child_of_an_application_does_not_run_the_applications_script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in desktop Slicer, where ``__main__`` is a file that only the application can run."""
    script = tmp_path / "application.py"
    script.write_text("import of_the_application_only")
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", str(script), raising=False)
    monkeypatch.setattr(main, "__spec__", None)
    errand = Errand(count, 2, python=sys.executable)
    assert (finished(errand), errand.error) == (["0", "1"], None)
    assert main.__file__ == str(script)
