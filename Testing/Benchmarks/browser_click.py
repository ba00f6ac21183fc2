"""A click in the browser: from the mouse to changed pixels, while nothing else is done and during an automatic run.

The sample, the starter, a real Chromium that draws by software. The whole way is measured: browser, network, host,
engine, scene, rendering, encoding, drawing. Beside it a mere look, the next slice by the slider's keys, which needs no
engine: that is what an interaction costs during a run. ``--quick`` clicks less often.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from report import Report

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Browser"))

from browser import HEIGHT, WIDTH, Person, Server, browser_path

WATCH = """
([label, marker]) => new Promise((resolve) => {
  // Until the picture of a view is another one, and (for a click) until the list says another volume.
  const area = document.querySelector(`[aria-label="${label}"]`).getBoundingClientRect();
  const image = [...document.querySelectorAll('.grid img')].find((i) => {
    const box = i.getBoundingClientRect();
    return box.left < area.right && box.right > area.left && box.top < area.bottom && box.bottom > area.top;
  });
  window.changes = [];
  const begun = new Promise((go) => addEventListener(marker, () => go(performance.now()), {once: true, capture: true}));
  new MutationObserver(() => window.changes.push(performance.now())).observe(image, {attributes: true});
  window.began = begun;
  resolve();
})
"""
CHANGED = """
async () => {
  const begun = await window.began;
  for (;;) {
    const changed = window.changes.find((time) => time > begun);
    if (changed !== undefined) return changed - begun;
    if (performance.now() - begun > 20000) throw new Error("the view did not change");
    await new Promise((go) => setTimeout(go, 2));
  }
}
"""


def first_change(person: Person) -> float:
    """Milliseconds from the event to the first new picture of the view."""
    return float(person.page.evaluate(CHANGED))


def clicks(person: Person, count: int, places: np.ndarray) -> tuple[list[float], list[float]]:
    """Times of clicks: to the marker's picture, and to the answer in the views, as the page's own line says it."""
    markers, answers = [], []
    for at in places[:count]:
        before = person.page.get_by_label("Latency").inner_text()
        person.page.evaluate(WATCH, ["Axial view", "pointerup"])
        x, y = person.point("Axial", tuple(at))
        person.page.mouse.move(x, y)
        person.page.mouse.down()
        person.page.mouse.up()
        markers.append(first_change(person))
        person.page.wait_for_function(
            "before => { const now = document.querySelector('.latency').innerText; return now && now !== before; }",
            arg=before, timeout=120_000,
        )  # fmt: skip
        answers.append(float(person.page.evaluate("async () => performance.now() - await window.began")))
        person.page.wait_for_timeout(700)  # the surface, too
        person.press("Undo")  # its marker would catch a later click near by
        person.page.wait_for_timeout(700)
    return markers, answers


def looks(person: Person, count: int) -> list[float]:
    """Times of turning to the next slice."""
    thumb = person.page.get_by_role("slider", name="Coronal slice")
    thumb.focus()
    times = []
    for n in range(count):
        person.page.evaluate(WATCH, ["Coronal view", "keydown"])
        person.page.keyboard.press("ArrowRight" if n % 2 else "ArrowLeft")
        times.append(first_change(person))
        person.page.wait_for_timeout(150)
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer clicks")
    options = parser.parse_args()
    count = 4 if options.quick else 12
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("This benchmark needs playwright.") from None
    path = browser_path()
    if path is None:
        raise SystemExit("This benchmark needs a Chromium.")
    # Near one another, so that they share a window of the network.
    places = np.random.default_rng(3).uniform((0.33, 0.49), (0.36, 0.53), (2 * count + 1, 2))
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server = Server(Path(home))
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto(server.url)
            person = Person(page, Path(home))
            person.wait_for_scan("Sample CT (synthetic)")
            person.wait_for_model()
            person.begin("cyst")  # by clicks alone: the point head, as in a correction
            clicks(person, 1, places[-1:])  # the window is encoded now
            idle_markers, idle_answers = clicks(person, count, places)
            idle_looks = looks(person, 3 * count)
            person.press("Segment")
            page.get_by_label("Progress").get_by_text("windows").wait_for()
            busy_markers, busy_answers = clicks(person, count, places[count:])
            busy_looks = looks(person, count)
            still = page.get_by_role("button", name="Cancel", exact=True).is_visible()
            page.keyboard.press("Escape")
            browser.close()
        finally:
            server.stop()
    report = Report("browser_click", "A click in the browser, sample, starter", ["", "median ms", "most ms"])
    rows = {
        "idle: click to its marker": idle_markers,
        "idle: click to the answer": idle_answers,
        "idle: next slice": idle_looks,
        "during a run: click to its marker": busy_markers,
        "during a run: click to the answer": busy_answers,
        "during a run: next slice": busy_looks,
    }
    for what, times in rows.items():
        report.row(what, f"{np.median(times):.0f}", f"{max(times):.0f}")
        report.figures[what] = {"median_ms": float(np.median(times)), "most_ms": float(max(times))}
    report.figures["the run outlasted the clicks"] = bool(still)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
