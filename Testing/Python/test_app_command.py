"""``vista3dsegment app``: what it asks of the page's server, and what it says when there is none."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from dicom_builder import along_z, write_series
from VISTA3DSegmentLib.cli import main

SERVING = "VISTA3DSegmentLib.app.serving"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the server was asked; none is started."""
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setitem(sys.modules, SERVING, SimpleNamespace(serve=lambda *arguments: asked.append(arguments[:-2])))
    return asked


def test_it_listens_on_this_computer_only_unless_told_otherwise(served: list[tuple[Any, ...]]) -> None:
    assert main(["app"]) == 0
    assert served == [(None, None, "starter", "auto", "127.0.0.1", 0, True, "segvol-starter")]


def test_scan_model_address_and_browser_can_be_given(served: list[tuple[Any, ...]]) -> None:
    arguments = ["app", "CT", "--model", "nv-segment-ct", "--host", "0.0.0.0", "--port", "8080", "--no-browser"]
    arguments += ["--segvol", "mine.bin", "--series", "1.2.3"]
    assert main(arguments) == 0
    assert served == [(Path("CT"), "1.2.3", "nv-segment-ct", "auto", "0.0.0.0", 8080, False, "mine.bin")]


def test_without_its_packages_it_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, SERVING, None)
    assert main(["app"]) == 1
    assert "vista3dsegment[app]" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "99999", "x"])
def test_a_port_that_is_none_is_wrong_usage(port: str, served: list[tuple[Any, ...]]) -> None:
    assert main(["app", "--port", port]) == 2
    assert not served


def test_a_series_without_a_folder_is_refused(
    served: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["app", "--series", "1.2.3"]) == 1
    assert "Give the folder." in capsys.readouterr().err
    assert not served


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All but the server itself is there."""

    def started(**_: object) -> None:
        raise ZeroDivisionError("the server was started")

    monkeypatch.setenv("VISTA3DSEGMENT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(f"{SERVING}.get_server", started)


def test_a_scan_that_cannot_be_opened_is_an_error_before_the_server_starts(
    no_server: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["app", str(tmp_path / "nothing.nii")]) == 1
    assert "nothing.nii does not exist. Check its name and folder." in capsys.readouterr().err


def test_which_series_is_opened_can_be_chosen_and_is_said(
    no_server: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_series(tmp_path / "all", along_z(0, 2, 4), "a", series="1.1", number="1")
    write_series(tmp_path / "all", along_z(0, 2, 4, 6), "b", series="1.2", number="2")
    write_series(tmp_path / "all" / "c", along_z(0, 2, 4, 6), "c", series="1.3", study="2.1")
    assert main(["app", str(tmp_path / "all")]) == 1
    assert "of 2 studies or patients" in capsys.readouterr().err
    main(["app", str(tmp_path / "all"), "--series", "1.1"])
    assert "the server was started" in capsys.readouterr().err
    main(["app", str(tmp_path / "all" / "b00_0"), "--series", "9"])
    assert "no series with the UID 9" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "all" / "c")
    main(["app", str(tmp_path / "all")])
    assert capsys.readouterr().err.startswith("The CT series 2 (4 images) is read. Not read: CT series 1 (3 images)")


@pytest.mark.parametrize("token", ["", "short", "x" * 23, "blank blank blank blank blank", "ü" * 30])
def test_a_token_that_is_none_is_refused(
    token: str, no_server: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VISTA3DSEGMENT_TOKEN", token)
    assert main(["app"]) == 1
    assert "The token of VISTA3DSEGMENT_TOKEN is too short" in capsys.readouterr().err


def test_the_page_opens_with_a_token_of_ones_own_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    token = "a-token_of-24-characters"
    environment = {**os.environ, "VISTA3DSEGMENT_HOME": str(tmp_path), "VISTA3DSEGMENT_TOKEN": token,
                   "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # fmt: skip
    command = [sys.executable, "-m", "VISTA3DSegmentLib", "app", "--no-browser"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said = [server.stdout.readline(), server.stdout.readline()]
            address = re.search(r"http://\S+", said[0])
            assert address, said
            with build_opener(HTTPCookieProcessor()).open(f"{address[0]}{token}", timeout=60) as answer:
                assert answer.url.endswith("/index.html?reconnect=auto")
            assert "Ctrl-C" in said[1]
            assert token not in "".join(said)
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(60) == 0
