"""One click against MONAI's ``point_based_window_inferer``: same weights, same scan; cold and with a cached window.

``--quick`` uses a small network. The reference encodes every click's window again at every click.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from networks import model_file, network_of, scan, specification
from report import Report
from VISTA3DSegmentLib.engines import open_engine
from VISTA3DSegmentLib.engines.grid import ModelGrid
from VISTA3DSegmentLib.engines.vista3d.intensity import scale
from VISTA3DSegmentLib.engines.vista3d.point_head import click_logits, low_features
from VISTA3DSegmentLib.prompts import Click, Structure

CLICKS = (1, 3, 8)


def timed(run: Callable[[], Any], times: int = 1) -> float:
    """Fastest of some runs, in seconds."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    return best


def reference_click(
    network: Any, image: torch.Tensor, window: tuple[int, int, int], points: np.ndarray
) -> torch.Tensor:
    """The bundle's answer to clicks on a new structure."""
    from monai.apps.vista3d.inferer import point_based_window_inferer

    with torch.inference_mode():
        return point_based_window_inferer(
            image,
            window,
            network,
            point_coords=torch.from_numpy(points).float()[None],
            point_labels=torch.ones(1, len(points)),
            class_vector=None,
            prompt_class=torch.tensor([[200]]),
            point_start=0,
            transpose=True,
        )


def head_difference(network: Any, window: tuple[int, int, int]) -> float:
    """Largest difference between the folded head and the reference's, relative to the spread of the logits."""
    size = network.point_head.mask_tokens.weight.shape[1]
    features = torch.randn(1, size, *window, generator=torch.Generator().manual_seed(0))
    points, labels = torch.tensor([[[9.0, 8.0, 7.0], [20.0, 30.0, 12.0]]]), torch.tensor([[1.0, 0.0]])
    with torch.inference_mode():
        theirs = network.point_head(features, points, labels, class_vector=torch.tensor([[200]]))[:, 0]
        low = low_features(network.point_head, features)
        ours = click_logits(network.point_head, low, points, labels, torch.tensor([True]))
    return float((ours - theirs).abs().max())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    expected, volume = specification(options.quick), scan(3)
    report = Report("click", "One click on a new structure, CPU, seconds", ["clicks so far", "reference"])
    with tempfile.TemporaryDirectory() as temporary:
        weights = model_file(Path(temporary), options.quick)
        compare(report, weights, options.quick, expected, volume)
    return report.finish()


def compare(report: Report, weights: Path, quick: bool, expected: Any, volume: Any) -> None:
    network = network_of(weights)
    report.bar(
        "largest logit difference of the folded head", head_difference(network, (32, 32, 32)), 1e-4, at_least=False
    )
    grid = ModelGrid(volume, expected.spacing_mm)
    image = torch.from_numpy(scale(grid.read(grid.foreground), expected.intensity))[None, None]
    middle = np.array(grid.foreground.shape) // 2
    points = middle + np.random.default_rng(0).integers(-6, 7, size=(max(CLICKS), 3))
    clicks = tuple(Click(_ras(grid, point + np.array(grid.foreground.low))) for point in points)
    sides: list[tuple[str, Any]] = []
    for precision in ("fp32",) if quick else ("fp32", "bf16"):
        opened = open_engine(weights=weights, device="cpu", precision=precision).open(volume)
        sides.append((precision, opened))
    report.columns = [
        "clicks so far",
        "reference",
        *[f"ours {p}, {c}" for p, _ in sides for c in ("cold", "cached")],
        "faster",
    ]
    for count in CLICKS:
        theirs = timed(lambda count=count: reference_click(network, image, expected.window, points[:count]))
        cells, fastest = [], float("inf")
        for precision, opened in sides:
            opened.engine.cache.clear()
            ask = lambda opened=opened, count=count: opened.refine(Structure("lesion"), clicks[:count])  # noqa: E731
            cold, cached = timed(ask), timed(ask, 3)
            cells += [cold, cached]
            report.figures[f"{count} clicks {precision}"] = {"reference": theirs, "cold": cold, "cached": cached}
            fastest = min(fastest, cached)
            report.bar(f"times faster than the reference, click {count}, {precision}, cached", theirs / cached, 12)
        report.row(count, theirs, *cells, f"{theirs / fastest:.0f}x")


def _ras(grid: ModelGrid, point: np.ndarray) -> tuple[float, float, float]:
    ijk = [0.0, 0.0, 0.0]
    for axis, value in zip(grid.axes, point, strict=True):
        ijk[2 - axis.source] = float(axis.to_source(np.array(float(value))))
    r, a, s = grid.volume.ras_of((ijk[0], ijk[1], ijk[2]))
    return float(r), float(a), float(s)


if __name__ == "__main__":
    sys.exit(main())
