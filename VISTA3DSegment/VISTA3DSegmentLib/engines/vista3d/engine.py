"""The VISTA3D engine: a model on a device, and what it answers about an opened volume."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import SimpleITK as sitk  # noqa: N813 (the library's own custom)
import torch

from ...anatomy import SECOND_PASS, SPECIAL_POINT_CLASSES, class_of, members
from ...edits import NOTHING, Edit, MaskCrop, joint_box
from ...engine import Cancel, OnProgress
from ...errors import ModelError, PromptError
from ...grey_paths import grey_range, smoothed
from ...models.specification import ClickSupport, HounsfieldWindow, ModelSpecification, Percentiles
from ...prompts import Box, Click, Prompts, Structure, clicks_of
from ...volume import Volume
from ..cache import FeatureCache
from ..components import without_small_pieces
from ..correcting import click_by_click, corrected
from ..grid import FOREGROUND_MARGIN, ModelGrid, Region
from ..merge import merge
from ..native import as_edit, box_at, inside_box, interpolate, shape_of_box
from ..reporting import Reporter, Stopwatch, check
from .automatic import CHUNK_BYTES, NativeLabels, Planes, finished_planes
from .evidence import belief, grey_value_evidence
from .intensity import bounds_of, scale_between
from .interactive import GridClick, anchor, native_change, stitch, union_of
from .point_head import NEGATIVE, POSITIVE, SPECIAL
from .runner import Runner
from .translating import translated
from .windows import Sweep, centred_window, click_windows, sweep

Tensor = torch.Tensor

OTHER_GREY_VALUES = Percentiles(1.0, 99.0)
"""How a model of Hounsfield units sees an image that has none: as NVIDIA's CT and MR model scales."""

GOES_ON = "The {} goes on where no click is, and only what lies near the clicks was computed: segment all of it first."
LEFT_ALONE = "The model finds no {} there: it stays as it was. Correct it by clicks."


@dataclass(frozen=True)
class Options:
    """How an engine runs; none of it changes what a mask means.

    Args:
        cache_bytes: budget of the cache.
        keep_half: cached features and the automatic run's sum are kept in half precision.
        prepare_clicks: the automatic run also computes what later clicks need (29 % more work).
        centred_windows: every click gets a window of its own centred on it, as the reference does; none is reused.
    """

    cache_bytes: int = 2 * 2**30
    keep_half: bool = True
    prepare_clicks: bool = False
    centred_windows: bool = False


@dataclass(frozen=True, eq=False)
class Vista3DEngine:
    """A loaded model, ready to open volumes.

    Args:
        runner: the backend it runs on.
        specification: what the model expects and answers.
        identity: what tells this model and precision from others, in cache keys.
        options: how it runs.
        feature_size: channels of its features.
        name: for messages.
    """

    runner: Runner
    specification: ModelSpecification
    identity: str
    options: Options
    feature_size: int
    name: str = "vista3d"

    def __post_init__(self) -> None:
        self.runner.make_room = self.cache.clear

    @cached_property
    def cache(self) -> FeatureCache:
        """Features of windows and what clicks made of a base, of all opened volumes."""
        return FeatureCache(self.options.cache_bytes)

    def open(self, volume: Volume) -> OpenedVista3D:
        """Make a volume ready to be asked about."""
        return OpenedVista3D(self, volume)


@dataclass(frozen=True, eq=False)
class OpenedVista3D:
    """A volume that a VISTA3D engine answers about. See ``engine.Opened`` for the contract."""

    engine: Vista3DEngine
    volume: Volume

    @cached_property
    def grid(self) -> ModelGrid:
        """The model's grid over the volume."""
        return ModelGrid(self.volume, self.engine.specification.spacing_mm)

    @cached_property
    def notices(self) -> tuple[str, ...]:
        """What a person should know about this volume before trusting a mask."""
        if self.volume.looks_like_hounsfield or isinstance(self.engine.specification.intensity, Percentiles):
            return ()
        return (
            f"The model expects a CT in Hounsfield units, but the smallest value here is {self.volume.lowest:g}: "
            "its grey values are scaled by percentiles. Expect less.",
        )

    @cached_property
    def _grey_bounds(self) -> tuple[float, float]:
        intensity = self.engine.specification.intensity
        if isinstance(intensity, HounsfieldWindow):
            if self.volume.looks_like_hounsfield:
                return bounds_of(intensity, self.volume.array)
            intensity = OTHER_GREY_VALUES
        return bounds_of(intensity, self.grid.read(self.grid.foreground))

    @cached_property
    def _grey_range(self) -> tuple[float, float]:
        return grey_range(self.volume)

    # ------------------------------------------------------------------ automatic

    def segment(
        self,
        classes: Sequence[int],
        region: Box | None = None,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[tuple[int, Edit]]:
        """See ``engine.Opened.segment``."""
        wanted = self._answerable(classes)
        single = sorted({member for ids in wanted.values() for member in ids})
        exclusive = [n for n in single if n not in SECOND_PASS]
        overlapping = [n for n in single if n in SECOND_PASS]
        watch = Stopwatch()
        labels = NativeLabels(self.grid, exclusive, overlapping)
        for planes, vectors in self._planes([*exclusive, *overlapping], region, on_progress, cancel, watch):
            with watch.stage("labels"):
                labels.decide(planes, vectors)
        notices = (*self.notices, *self.engine.runner.notices)
        smallest = self.engine.specification.smallest_piece
        for class_id, ids in wanted.items():
            check(cancel)
            with watch.stage("pieces"):
                parts = [labels.mask(n) for n in ids]
                mask = _joined([MaskCrop(one.start, without_small_pieces(one.mask, smallest)) for one in parts])
            if region is not None:
                mask = MaskCrop(mask.start, mask.mask & self.volume.voxels_inside(region, mask.slices))
            found = int(mask.mask.sum())
            reason = "" if found else f"The {class_of(class_id).name} was not found in this scan."
            yield class_id, Edit(mask.start, mask.mask, found, 0, dict(watch.seconds), reason, notices)

    def grid_labels(self, classes: Sequence[int]) -> np.ndarray:
        """Class ids on the model's own grid: what the reference's pipeline has before it goes back to the scan.

        Args:
            classes: ids that compete for each voxel; no groups.

        Returns:
            uint16, axes (R, A, S), of the foreground region; 0 where no class is positive.
        """
        asked = self.grid.foreground
        labels = np.zeros(asked.shape, np.uint16)
        for planes, vectors in self._planes(list(classes), None, None, None, Stopwatch()):
            logits = vectors @ planes.features.flatten(1)
            best, index = logits.max(dim=0)
            ids = torch.tensor(list(classes), device=logits.device)[index]
            part = torch.where(best > 0, ids, 0).view(planes.features.shape[1:]).cpu().numpy()
            labels[..., planes.region.low[2] - asked.low[2] : planes.region.high[2] - asked.low[2]] = part
        return labels

    def windows(self, region: Box | None = None) -> Sweep:
        """The windows that an automatic run computes: its cost before it is begun."""
        return sweep(self._asked(region), self.grid.foreground, self._window, self.engine.specification.overlap)

    def _asked(self, region: Box | None) -> Region:
        whole = self.grid.foreground
        return whole if region is None else self.grid.region_of(region).clipped_to(whole)

    def _planes(
        self,
        ids: list[int],
        region: Box | None,
        on_progress: OnProgress | None,
        cancel: Cancel | None,
        watch: Stopwatch,
    ) -> Iterator[tuple[Planes, Tensor]]:
        lattice, asked = self.windows(region), self._asked(region)
        report = Reporter(len(lattice), on_progress, cancel)
        runner, prepare = self.engine.runner, self.engine.options.prepare_clicks and self.engine.specification.clicks

        def encode(windows: Sequence[Region]) -> Iterator[tuple[Region, Tensor]]:
            def read(n: int) -> Tensor:
                report.check()
                return self._image(windows[n], self.grid.foreground)

            answers = runner.encode(len(windows), read, classes=True, clicks=prepare)
            while True:
                with watch.stage("network"):
                    answer = next(answers, None)
                if answer is None:
                    return
                n, features, low = answer
                assert features is not None
                if low is not None:
                    self.engine.cache.put(self._key("clicks", windows[n], self.grid.foreground), self._kept(low))
                report.done()
                yield windows[n], features

        plane_bytes = 4 * len(ids) * asked.shape[0] * asked.shape[1]
        keep = torch.float16 if self.engine.options.keep_half else torch.float32
        found = finished_planes(
            lattice, asked, self.engine.specification.blending, encode, keep, max(1, CHUNK_BYTES // plane_bytes)
        )
        for planes in found:
            yield planes, runner.backend.class_vectors(ids).to(planes.features.device)

    def _answerable(self, classes: Sequence[int]) -> dict[int, tuple[int, ...]]:
        known = set(self.engine.specification.classes)
        wanted: dict[int, tuple[int, ...]] = {}
        for class_id in classes:
            ids = tuple(n for n in members(class_id) if n in known)
            if not ids:
                raise PromptError(
                    f"The model {self.engine.specification.name} does not know the class {class_of(class_id).name}.",
                    "Choose another model, or segment it by clicks as a new structure.",
                )
            wanted[class_id] = ids
        if not wanted:
            raise PromptError("No class was asked for.", "Name at least one, or choose a preset.")
        return wanted

    # ------------------------------------------------------------------ clicks

    def refine(
        self,
        structure: Structure,
        prompts: Prompts,
        base: MaskCrop | None = None,
        region: Box | None = None,
        cancel: Cancel | None = None,
        reach_mm: float | None = None,
    ) -> Edit:
        """See ``engine.Opened.refine``. A text means a class, a box limits what may change.

        Without a base the clicks describe the structure together. With one they correct it one after the other: see
        ``correcting``.
        """
        if not prompts:
            raise PromptError("There is no click to segment from.", "Click on the structure.")
        structure, prompts = translated(structure, prompts)
        if not clicks_of(prompts):
            return self._described(structure, prompts, base, region, cancel)
        if structure.class_id is None and self.engine.specification.clicks and not self.engine.specification.zero_shot:
            raise PromptError(
                f"The model {self.engine.specification.name} knows no new structures.",
                "Say which of its classes you click, or choose another model.",
            )
        watch = Stopwatch()
        if base is None:
            return self._answered(structure, prompts, None, region, reach_mm, cancel, watch)
        return corrected(
            self.volume,
            click_by_click(prompts),
            base,
            reach_mm,
            lambda step: self._answered(structure, step, base, region, reach_mm, cancel, watch),
            self.engine.cache,
            self._key("corrected", structure, base.content_key, region, reach_mm),
            watch,
            _reason(structure, new=False),
        )

    def _answered(
        self,
        structure: Structure,
        prompts: Prompts,
        base: MaskCrop | None,
        region: Box | None,
        reach_mm: float | None,
        cancel: Cancel | None,
        watch: Stopwatch,
    ) -> Edit:
        """What all clicks together make of the base."""
        clicks = self._grid_clicks(prompts)
        within = self._within(clicks)
        windows = self._click_windows(clicks, within)
        union = union_of(windows, self.grid.whole)
        report = Reporter(len(windows), None, cancel)
        support = self.engine.specification.click_support
        # What the clicks correct, if nothing is given, or what is believed beside them.
        automatic = structure.class_id if base is None or (support and support.automatic) else None

        lows = {}
        for window in windows:
            report.check()
            lows[window] = self._low(window, within, watch, automatic)
        box = self.grid.native_box(union)
        with watch.stage("base"):
            base_grid, base_native = self._base(structure, base, union, windows, within, report, watch)

        def answer(window: Region) -> Tensor:
            report.check()
            given = [click for click in clicks if click.inside(window)]
            given += anchor(given, window, union, base_grid)
            logits = self._click_logits(lows[window], window, structure, given, watch)
            if support is None:
                return logits
            return logits.float().cpu() + self._evidence(support, structure, window, within, given, watch)

        chance = stitch(windows, union, answer)
        with watch.stage("merge"):
            local = [(_relative(click.at, union), click.positive) for click in clicks]
            change = merge(base_grid, (chance.values.numpy() > 0.5), local, support.reach if support else None)
            change = replace(change, removed=change.removed & chance.known)
        with watch.stage("native"):
            result = native_change(self.grid, chance, base_grid, change, box, base_native)
            left_alone = np.zeros_like(base_native) if base is None else base_native
            for limit in self._limits(prompts, region):
                result = np.where(self.volume.voxels_inside(limit, box), result, left_alone)
            if reach_mm is not None:
                near = self.volume.voxels_near([click.ras for click in clicks_of(prompts)], reach_mm, box)
                result = np.where(near, result, left_alone)
        notices = (*self.notices, *self.engine.runner.notices, *_idle_notices(clicks_of(prompts), change.idle))
        if base is None and _goes_on(base_grid, union, within):
            notices += (GOES_ON.format(structure.name),)
        before = None if base is None else base_native
        return as_edit(result, before, box, watch.seconds, _reason(structure, base is None), notices)

    def _described(
        self, structure: Structure, prompts: Prompts, base: MaskCrop | None, region: Box | None, cancel: Cancel | None
    ) -> Edit:
        """A structure by its class alone, within the boxes: they replace what was there."""
        if structure.class_id is None:
            raise PromptError(
                "VISTA3D cannot segment a new structure without a click.",
                "Click on it, name one of its classes, or ask SegVol.",
            )
        limits = self._limits(prompts, region)
        _, edit = next(self.segment([structure.class_id], limits[0] if limits else None, None, cancel))
        found, before = edit.onto(None), NOTHING if base is None else base
        start, shape = joint_box(before, found)
        box = box_at(start, shape)
        old, result = before.inside(start, shape), found.inside(start, shape)
        inside = np.ones(shape, np.bool_)
        for limit in limits:
            inside &= self.volume.voxels_inside(limit, box)
        result = np.where(inside, result, old)
        reason = edit.empty_reason or f"The {structure.name} is already as the model finds it."
        if before.mask.any() and not (result & inside).any():  # a name or a box that finds nothing takes nothing away
            result, reason = old, LEFT_ALONE.format(structure.name)
        return as_edit(result, None if base is None else old, box, dict(edit.seconds), reason, edit.notices)

    def _grid_clicks(self, prompts: Prompts) -> list[GridClick]:
        if not self.engine.specification.clicks:
            raise ModelError(
                f"The model {self.engine.specification.name} segments automatically only; it takes no clicks.",
                "Choose a model that does, for example starter.",
            )
        clicks = clicks_of(prompts)
        for click in clicks:
            self.volume.check_inside(click.ras)
        points = self.grid.points_of([click.ras for click in clicks])
        highest = np.array(self.grid.shape) - 1
        at = np.clip(np.round(points).astype(int), 0, highest)  # the one rounding of a click
        return [
            GridClick((int(p[0]), int(p[1]), int(p[2])), click.positive) for p, click in zip(at, clicks, strict=True)
        ]

    def _within(self, clicks: Sequence[GridClick]) -> Region:
        points = np.array([click.at for click in clicks], dtype=np.float64)
        return self.grid.foreground.including(points, FOREGROUND_MARGIN, self.grid.shape)

    def _click_windows(self, clicks: Sequence[GridClick], within: Region) -> list[Region]:
        if self.engine.options.centred_windows:
            return list(dict.fromkeys(centred_window(c.at, within, self._window, snapped=False) for c in clicks))
        overlap = self.engine.specification.overlap
        return click_windows([click.at for click in clicks], within, self._window, overlap)

    def _click_logits(
        self, low: Tensor, window: Region, structure: Structure, inside: Sequence[GridClick], watch: Stopwatch
    ) -> Tensor:
        special = SPECIAL if structure.class_id in SPECIAL_POINT_CLASSES else 0
        points = torch.tensor([_relative(click.at, window) for click in inside], dtype=torch.float32)
        labels = torch.tensor([(POSITIVE if click.positive else NEGATIVE) + special for click in inside])
        runner, zero_shot = self.engine.runner, structure.class_id is None
        with watch.stage("clicks"):
            while True:
                logits = runner.attempt(lambda: runner.backend.click_logits(low, points, labels, zero_shot))
                if logits is not None:
                    return logits

    def _evidence(
        self,
        support: ClickSupport,
        structure: Structure,
        window: Region,
        within: Region,
        clicks: Sequence[GridClick],
        watch: Stopwatch,
    ) -> Tensor:
        """What is added to the point head's logits in a window."""
        spacing = self.engine.specification.spacing_mm
        evidence = np.zeros(window.shape, np.float32)
        if structure.class_id in self.engine.specification.classes and support.automatic:
            logits = self._class_logits(window, within, structure.class_id or 0, watch).float().cpu().numpy()
            evidence += support.automatic * logits * belief(logits, window, clicks, spacing)
        if support.grey_values and any(click.positive for click in clicks):
            with watch.stage("grey values"):
                grey = self._grey(window, within).numpy()
                evidence += support.grey_values * grey_value_evidence(grey, window, within, clicks, spacing)
        return torch.from_numpy(evidence)

    def _base(
        self,
        structure: Structure,
        base: MaskCrop | None,
        union: Region,
        windows: Sequence[Region],
        within: Region,
        report: Reporter,
        watch: Stopwatch,
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the clicks correct: on the grid in the union of the windows, and on the volume's voxels in its box."""
        box = self.grid.native_box(union)
        if base is not None:
            return self._on_grid(base, union), inside_box(base, box)
        if structure.class_id is None:
            return np.zeros(union.shape, np.bool_), np.zeros(shape_of_box(box), np.bool_)
        if structure.class_id not in self.engine.specification.classes:
            raise PromptError(
                f"The model {self.engine.specification.name} cannot find the {structure.name} by itself.",
                "Click it as a new structure, or give the segment to correct.",
            )
        class_id = structure.class_id

        def answer(window: Region) -> Tensor:
            report.check()
            return self._class_logits(window, within, class_id, watch)

        automatic = stitch(windows, union, answer)
        native = interpolate(automatic.values, self.grid, union, box)
        return automatic.values.numpy() > 0.5, native.numpy() > 0.5

    def _on_grid(self, base: MaskCrop, union: Region) -> np.ndarray:
        """A base in a region of the grid. It is kept: the next click mostly corrects the same one there."""

        def make() -> np.ndarray:
            return np.asarray(self.grid.read(union, mask=lambda part: inside_box(base, part)) >= 0.5)

        return self.engine.cache.get(self._key("base", base.content_key, union), make)

    def _limits(self, prompts: Prompts, region: Box | None) -> list[Box]:
        boxes = [prompt for prompt in prompts if isinstance(prompt, Box)]
        return boxes if region is None else [*boxes, region]

    # ------------------------------------------------------------------ windows and their features

    @property
    def _window(self) -> tuple[int, int, int]:
        return self.engine.specification.window

    def _image(self, window: Region, within: Region) -> Tensor:
        low, high = self._grey_bounds
        return torch.from_numpy(scale_between(self.grid.read(window, within), low, high))[None]

    def _grey(self, window: Region, within: Region) -> Tensor:
        """A window of the image without noise, its grey values clipped to those of tissues."""

        def make() -> Tensor:
            grey = sitk.GetImageFromArray(np.clip(self.grid.read(window, within), *self._grey_range))
            return torch.from_numpy(smoothed(grey))

        return self.engine.cache.get(self._key("grey values", window, within), make)

    def _low(self, window: Region, within: Region, watch: Stopwatch, class_id: int | None = None) -> Tensor:
        """A window's click features; a class that will be asked for next comes from the same pass of the encoder."""

        def make() -> Tensor:
            key = self._key(f"class {class_id}", window, within)
            both = class_id in self.engine.specification.classes and key not in self.engine.cache
            with watch.stage("network"):
                features, low = self._encode(window, within, classes=both, clicks=True)
                if both:
                    self.engine.cache.put(key, self._logits_of(class_id or 0, features))
                return self._kept(low)

        return self.engine.cache.get(self._key("clicks", window, within), make)

    def _class_logits(self, window: Region, within: Region, class_id: int, watch: Stopwatch) -> Tensor:
        def make() -> Tensor:
            with watch.stage("network"):
                features, _ = self._encode(window, within, classes=True, clicks=False)
                return self._logits_of(class_id, features)

        return self.engine.cache.get(self._key(f"class {class_id}", window, within), make)

    def _logits_of(self, class_id: int, features: Tensor) -> Tensor:
        vector = self.engine.runner.backend.class_vectors([class_id])[0]
        return self._kept(torch.tensordot(vector.to(features.device), features.float(), dims=1))

    def _encode(self, window: Region, within: Region, classes: bool, clicks: bool) -> tuple[Tensor, Tensor]:
        answers = self.engine.runner.encode(1, lambda _: self._image(window, within), classes, clicks)
        _, features, low = next(answers)
        return features, low  # type: ignore[return-value]  # what was not asked for is None, and nobody looks at it

    def _kept(self, tensor: Tensor) -> Tensor:
        # Rounded before the first use, so that a cached answer is the computed one bit by bit.
        return tensor.to(torch.float16 if self.engine.options.keep_half else torch.float32)

    def _key(self, what: str, *of: Hashable) -> Hashable:
        return self.engine.identity, self.volume.content_key, what, *of


def _relative(at: tuple[int, int, int], region: Region) -> tuple[int, int, int]:
    return at[0] - region.low[0], at[1] - region.low[1], at[2] - region.low[2]


def _joined(masks: list[MaskCrop]) -> MaskCrop:
    joined: MaskCrop | None = None
    for mask in masks:
        if mask.mask.size == 0:
            continue
        if joined is None:
            joined = mask
            continue
        before = joined.inside(mask.start, mask.mask.shape)
        joined = Edit(mask.start, mask.mask | before, 0, 0).onto(joined)
    return joined or masks[0]


def _idle_notices(clicks: Sequence[Click], idle: Sequence[int]) -> tuple[str, ...]:
    notices = []
    for n in idle:
        place = ", ".join(f"{value:.1f}" for value in clicks[n].ras)
        sign = "positive" if clicks[n].positive else "negative"
        notices.append(f"The {sign} click at ({place}) mm changed nothing: the model sees no difference there.")
    return tuple(notices)


def _goes_on(base: np.ndarray, union: Region, whole: Region) -> bool:
    """Whether a structure reaches a face of the region that is not an end of the image."""
    for axis in range(3):
        planes = np.moveaxis(base, axis, 0)
        if union.low[axis] > whole.low[axis] and planes[0].any():
            return True
        if union.high[axis] < whole.high[axis] and planes[-1].any():
            return True
    return False


def _reason(structure: Structure, new: bool) -> str:
    if new:
        return f"The model found nothing at the clicks on {structure.name}: add a click nearer to its middle."
    return f"The clicks changed nothing in {structure.name}: the model sees no difference there. Add another click."
