"""A real browser on a real server: the page as a person meets it.

The server is a process of its own, on a free port, with a home of its own. What the scene holds is known by saving it
through the page and reading the file.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from VISTA3DSegmentLib.files.segmentations import Segmentation, read_segmentation
from VISTA3DSegmentLib.volume import Volume

SCREENSHOTS = Path(__file__).resolve().parent / "screenshots"
PACKAGE = Path(__file__).resolve().parents[2] / "VISTA3DSegment"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 300_000
"""Milliseconds that anything may take, in the page or behind it; a run of the starter on two busy cores takes half a
minute, and with other work beside it three times that."""
STILL = 600
"""Milliseconds for which a picture stays the same when nothing moves any more; a change fades in steps of 500."""
FADED = 3500
"""Milliseconds after which the last change has faded."""
VISIBLE = 24
"""Of a colour of 0 to 255: a difference that a person sees."""
WIDTH, HEIGHT = 1280, 720
COUNT_RELEASES = """
    window.releases = { made: 0, sent: 0 };
    const send = WebSocket.prototype.send, bytes = new TextDecoder("latin1");
    WebSocket.prototype.send = function (data) {
        if (typeof data !== "string" && bytes.decode(data).includes("LeftButtonRelease")) releases.sent++;
        return send.call(this, data);
    };
    let isDown = false;
    addEventListener("pointerdown", (event) => {
        isDown = event.button === 0 && event.target.closest(".remote-controlled-area");
    }, true);
    addEventListener("pointerup", () => {
        if (isDown) releases.made++;
        isDown = false;
    }, true);
"""
"""A view keeps back what the mouse did as long as the server has not heard what it did before."""


def browser_path() -> str | None:
    """The browser of this machine."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def _told(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process or thread has just ended
        return ""


class Server:
    """The program, serving the page.

    Args:
        home: folder of what it keeps.
        arguments: after ``vista3dsegment app``.
    """

    latest: ClassVar[Server]

    def __init__(self, home: Path, arguments: Sequence[str | Path] = ()) -> None:
        Server.latest = self
        self.home, self.temporary = home, home / "temporary"
        self.temporary.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "PYTHONPATH": str(PACKAGE),
            "VISTA3DSEGMENT_HOME": str(home),
            "TMPDIR": str(self.temporary),
        }
        command = [sys.executable, "-m", "VISTA3DSegmentLib", "app", "--no-browser", *map(str, arguments)]
        self.said: list[str] = []
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self.url = self._address()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)

    def _address(self) -> str:
        for _ in range(PATIENCE // 100):
            found = re.search(r"http://\S+", "".join(self.said))
            if found:
                return found[0]
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError("the server did not start:\n" + "".join(self.said))

    @property
    def workers(self) -> list[int]:
        """Process ids of its engines."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        children = {int(n) for task in tasks.iterdir() for n in _told(task / "children").split()}
        return [n for n in children if "spawn_main" in _told(Path(f"/proc/{n}/cmdline"))]

    def left_behind(self) -> list[Path]:
        """Files that were sent or made for sending, and are still there."""
        return [Path(folder, name) for folder, _, names in os.walk(self.temporary) for name in names]

    @contextmanager
    def engine_held(self) -> Iterator[None]:
        """Its engine stands still meanwhile: what the person does then comes before its next answer."""
        (worker,) = self.workers
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)

    def stop(self) -> None:
        """End it, as a person does with ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Person:
    """Somebody at the page.

    Args:
        page: of Playwright.
        folder: where what they save goes.
    """

    latest: ClassVar[Person]

    def __init__(self, page: Any, folder: Path) -> None:
        Person.latest = self
        self.page, self._folder, self._saved = page, folder, 0
        page.set_default_timeout(PATIENCE)
        page.add_init_script(COUNT_RELEASES)

    # ------------------------------------------------------------------ looking

    def wait_for_model(self) -> None:
        """Until Segment can be pressed."""
        self.page.wait_for_function(
            "() => { const b = document.querySelector('button[aria-label=Segment]'); return b && !b.disabled; }"
        )

    def wait_for_scan(self, name: str) -> None:
        """Until a scan of that name is open."""
        self.page.wait_for_function("name => document.querySelector('[data-scan=name]')?.innerText === name", arg=name)

    def seen(self) -> str:
        """What stands in the page now, for whom wants to know why a test failed."""
        return "\n".join(self.page.locator("header, nav, footer, .v-overlay--active").all_inner_texts())

    def message(self) -> str:
        """The line at the bottom."""
        return str(self.page.locator("[data-line=message]").inner_text()).strip()

    def wait_for_message(self, part: str) -> str:
        """Until the line at the bottom says something; returns the whole of it."""
        said = self.page.wait_for_function(
            """part => {
                const said = document.querySelector("[data-line=message]")?.innerText.trim();
                return said?.includes(part) && said;
            }""",
            arg=part,
        )
        return str(said.json_value())

    def wait_for_value(self, label: str, value: str) -> None:
        """Until something stands in a field."""
        self.page.wait_for_function(
            "([label, value]) => document.querySelector(`input[aria-label='${label}']`).value === value",
            arg=[label, value],
        )

    def wait_until(self, holds: Callable[[], object]) -> None:
        """Until something holds that is not asked of the page alone."""
        end = time.monotonic() + PATIENCE / 1000
        while not holds():
            assert time.monotonic() < end, "it does not come to hold"
            self.page.wait_for_timeout(100)

    def names(self) -> list[str]:
        """Of the segments in the list."""
        return _labels(self.rows())

    def rows(self) -> Any:
        """The lines of the list."""
        return self.page.get_by_role("list", name="Segment list").get_by_role("listitem")

    def ml(self, name: str) -> float:
        """The volume of a segment as the list says it."""
        text = self.rows().and_(self.page.locator(f'[aria-label="{name}"]')).locator(".volume").inner_text()
        return float(text or 0)

    def prompts(self) -> list[str]:
        """What the chosen segment was asked with: "text", "box", "positive", "negative"."""
        return _labels(self.page.get_by_role("list", name="Prompt list").get_by_role("listitem"))

    def selected(self) -> str:
        """The name of the chosen segment; "" for none."""
        chosen = self.page.locator(".segment.selected")
        return str(chosen.get_attribute("aria-label")) if chosen.count() else ""

    def history(self) -> list[str]:
        """What was done, the latest first."""
        return [str(text) for text in self.page.locator(".step:not(.undone)").all_inner_texts()]

    def step(self, action: Callable[[], object]) -> None:
        """Do what makes, undoes or redoes a step; waits until it stands in the history, and for the answer."""
        self.wait_until_heard()  # what was done before makes no step any more
        before = self.history()
        action()
        self.page.wait_for_function(
            "before => [...document.querySelectorAll('.step:not(.undone)')].map(s => s.innerText).join('|') !== before",
            arg="|".join(before),
        )  # fmt: skip
        self.wait_until_still()

    def wait_until_heard(self) -> None:
        """Until the server has heard what was done in the page, and the page shows what the server made of it.

        What was done by the mouse has to leave the page first. What the page sends is answered in its order. The first
        answer may overtake what the server shows, the second does not.
        """
        self.page.wait_for_function(
            """async () => {
                const { client, state } = trame, frame = () => new Promise(requestAnimationFrame);
                while (releases.sent < releases.made) await frame();
                for (let n = 0; n < 2; n++) {
                    while (state.dirtyKeys.size) await frame();
                    await client.getRemote().Trame.updateState([]);
                }
                await frame();
                await frame();
                return true;
            }"""
        )

    def asked(self, action: Callable[[], object]) -> list[tuple[str, list[Any]]]:
        """What the page asks the server for while something is done: names and arguments, in their order."""
        self.page.evaluate(
            """() => {
                window.asked = [];
                window.untapped = trame.trigger;
                trame.trigger = (name, args) => {
                    asked.push([name, args]);
                    return untapped(name, args);
                };
            }"""
        )
        action()
        self.wait_until_heard()
        found = self.page.evaluate("() => { trame.trigger = untapped; return asked; }")
        return [(name, args) for name, args in found]

    def wait_until_still(self) -> None:
        """Until nothing is computed any more."""
        self.wait_until_heard()
        self.page.wait_for_function("() => !document.querySelector('.status-line .v-progress-circular')")

    def picture(self, view: str) -> npt.NDArray[np.uint8]:
        """The pixels of a view, (rows, columns, RGB), when something is drawn in its middle and nothing moves any more;
        the mouse points elsewhere."""
        self.page.mouse.move(5, 5)
        found = self._pixels(view)

        def stands() -> bool:
            nonlocal found
            self.page.wait_for_timeout(STILL)
            self.wait_until_heard()  # a busy server has drawn what it was to draw before it answers
            before, found = found, self._pixels(view)
            middle = found[tuple(slice(n // 3, n - n // 3) for n in found.shape[:2])]
            return bool((middle > VISIBLE).any()) and np.array_equal(before, found)

        self.wait_until(stands)
        return found

    def wait_for_picture(
        self, view: str, before: npt.NDArray[np.uint8], fits: Callable[[int], bool]
    ) -> npt.NDArray[np.uint8]:
        """The pixels of a view when so many of them as fit are not as they were before."""
        found = before

        def changed() -> bool:
            nonlocal found
            found = self.picture(view)
            return fits(unlike(found, before))

        self.wait_until(changed)
        return found

    def _pixels(self, view: str) -> npt.NDArray[np.uint8]:
        import SimpleITK as sitk  # noqa: N813 (the library's own custom)

        path = self._folder / "view.png"
        self.page.screenshot(path=path, clip=self.area(view))
        pixels: npt.NDArray[np.uint8] = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[..., :3]
        return pixels

    def area(self, view: str) -> dict[str, float]:
        """Where a view is in the page."""
        return dict(self.page.get_by_label(f"{view} view").bounding_box())

    def shoot(self, name: str) -> None:
        """A screenshot for people to look at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    # ------------------------------------------------------------------ doing

    @contextmanager
    def on_a_computer_slower(self, times: int) -> Iterator[None]:
        """The page meanwhile has a processor so many times slower."""
        computer = self.page.context.new_cdp_session(self.page)
        computer.send("Emulation.setCPUThrottlingRate", {"rate": times})
        try:
            yield
        finally:
            computer.send("Emulation.setCPUThrottlingRate", {"rate": 1})

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def choose(self, segment: str) -> None:
        """Click on a segment's name."""
        self.page.get_by_role("button", name=f"Choose {segment}", exact=True).click()
        self.page.wait_for_function(
            "name => document.querySelector('.segment.selected')?.getAttribute('aria-label') === name", arg=segment
        )
        self.wait_until_heard()

    def segment(self) -> None:
        """Press Segment and wait for the end of the run."""
        self.press("Segment")
        self.page.get_by_role("button", name="Cancel", exact=True).wait_for()
        self.page.get_by_role("button", name="Cancel", exact=True).wait_for(state="detached")
        self.wait_until_still()

    def begin(self, name: str) -> None:
        """Begin a new structure."""
        field = self.page.get_by_label("Name of a structure")
        field.fill(name)
        field.press("Tab")
        self.press("Begin it empty")
        self.page.wait_for_function(
            "name => document.querySelector('.segment.selected')?.getAttribute('aria-label') === name", arg=name
        )

    def find(self, name: str) -> None:
        """Ask for a structure by its name, all by keys; waits for the answer."""
        self.page.keyboard.press("t")
        self.page.keyboard.type(name, delay=30)
        self.step(lambda: self.page.keyboard.press("Enter"))

    def begin_box(self) -> None:
        """From now on the mouse draws a box."""
        self.page.keyboard.press("b")
        self.page.locator(".grid.drawing").wait_for()

    def draw_box(self, view: str, start: tuple[float, float], end: tuple[float, float], drags: bool = True) -> None:
        """Draw a box from corner to corner, by a drag or by two clicks; waits for the answer."""
        self.begin_box()
        if drags:
            self.drag(view, start, end)
        else:
            self.click_and_go_on(view, start)
            self.page.wait_for_timeout(150)
            self.click(view, end)
        self.page.locator(".grid:not(.drawing)").wait_for()

    def scroll_to(self, view: str, place_mm: float) -> None:
        """Go to a slice: by the mouse on its slider, then step by step by the keys.

        Args:
            view: name.
            place_mm: as the slider counts: to the patient's left in a sagittal view, where the host looks from there.
        """
        thumb = self.page.get_by_role("slider", name=f"{view} slice")
        low, high = (float(thumb.get_attribute(f"aria-value{end}")) for end in ("min", "max"))
        track = self.page.locator(".slice-slider").filter(has=thumb).locator(".v-slider-track").bounding_box()
        share = (place_mm - low) / (high - low)
        self.page.mouse.click(track["x"] + share * track["width"], track["y"] + track["height"] / 2)
        self.wait_until_heard()
        for _ in range(20):
            before = float(thumb.get_attribute("aria-valuenow"))
            if place_mm == before:
                return
            thumb.press("ArrowRight" if place_mm > before else "ArrowLeft")
            self.wait_until_heard()
            now = float(thumb.get_attribute("aria-valuenow"))
            if abs(now - place_mm) >= abs(before - place_mm):  # too far by this step
                thumb.press("ArrowLeft" if now > before else "ArrowRight")
                self.wait_until_heard()
                return

    def slice_mm(self, view: str) -> float:
        """Which slice a view shows, going by the number in its corner."""
        told = self.page.locator(".view-corner", has_text=view).locator(".view-place").inner_text()
        side, mm, _ = told.split()
        return float(mm) * (1 if side in "RAS" else -1)

    def click(self, view: str, at: tuple[float, float], negative: bool = False) -> None:
        """Click into a view, at shares of its width and height; waits for the answer."""
        self.step(lambda: self.click_and_go_on(view, at, negative))

    def click_and_go_on(self, view: str, at: tuple[float, float], negative: bool = False) -> None:
        """Likewise, without waiting."""
        x, y = self.point(view, at)
        if negative:
            self.page.keyboard.down("Control")
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.wait_for_timeout(60)
        self.page.mouse.up()
        if negative:
            self.page.wait_for_timeout(60)
            self.page.keyboard.up("Control")

    def drag(self, view: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag what lies at one place of a view, or a new box, to another place; waits for the answer."""
        self.step(lambda: self.drag_and_go_on(view, start, end))

    def drag_and_go_on(self, view: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Likewise, without waiting."""
        self.page.mouse.move(*self.point(view, start))
        self.page.wait_for_timeout(300)
        self.page.mouse.down()
        self.page.wait_for_timeout(150)
        for share in (0.25, 0.5, 0.75, 1.0):
            between = tuple(a + share * (b - a) for a, b in zip(start, end, strict=True))
            self.page.mouse.move(*self.point(view, between))
            self.page.wait_for_timeout(120)
        self.page.mouse.up()

    def right_click(self, view: str, at: tuple[float, float]) -> None:
        """Press the right button in a view."""
        x, y = self.point(view, at)
        self.page.mouse.move(x, y)
        self.page.wait_for_timeout(150)
        self.page.mouse.click(x, y, button="right")

    def point(self, view: str, at: tuple[float, ...]) -> tuple[float, float]:
        """Where in the page a place of a view is."""
        box = self.area(view)
        return box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"]

    def open(self, *paths: Path) -> None:
        """Open files, or one folder, by the dialog."""
        is_folder = paths[0].is_dir()
        self.press("Open")
        entry = "Folder of DICOM files" if is_folder else "Files (NIfTI, NRRD, zip, .seg.nrrd)"
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_text(entry, exact=True).click()
        chooser.value.set_files(paths[0] if is_folder else list(paths))

    def save(self, entry: str = "Segments for 3D Slicer (.seg.nrrd)") -> Path:
        """Save by the menu; returns the file that the browser has stored."""
        self.press("Save")
        with self.page.expect_download() as download:
            self.page.get_by_text(entry, exact=True).click()
        self._saved += 1
        path = self._folder / f"{self._saved}-{download.value.suggested_filename}"
        download.value.save_as(path)
        return path

    def saved(self, like: Volume) -> dict[str, npt.NDArray[np.bool_]]:
        """What the scene holds: the voxels of each segment by its name, as saved by the page and read by our reader."""
        segmentation: Segmentation = read_segmentation(self.save(), like=like)
        return {segment.name: segment.mask.full(like.shape_kji) for segment in segmentation.segments}


def _labels(lines: Any) -> list[str]:
    """Of all lines of a list at one moment."""
    labels: list[str] = lines.evaluate_all("lines => lines.map((line) => line.getAttribute('aria-label'))")
    return labels


def unlike(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> int:
    """How many pixels of two pictures a person sees to differ."""
    return int((np.abs(a.astype(int) - b) > VISIBLE).any(-1).sum())


def dice(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> float:
    """Twice the common voxels over the sum of both."""
    return 2 * int((a & b).sum()) / max(1, int(a.sum() + b.sum()))
