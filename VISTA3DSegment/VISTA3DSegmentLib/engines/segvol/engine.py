"""The SegVol engine: a model on a device, and what it answers about an opened volume by text, box and points."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)

from ...edits import NOTHING, Edit, MaskCrop, joint_box
from ...engine import Cancel, OnProgress
from ...errors import PromptError
from ...models.segvol_specification import SegVolSpecification
from ...prompts import Box, Prompts, Structure, boxes_of, clicks_of, texts_of
from ...volume import FloatArray, Volume
from ..cache import FeatureCache
from ..components import components_with, without_small_pieces
from ..correcting import click_by_click, corrected
from ..grid import Box3, ModelGrid, Region, native_spacing
from ..merge import merge
from ..native import as_edit, box_at, interpolate
from ..reporting import Reporter, Stopwatch
from .backend import Backend, WindowPrompts
from .found import Found, blended, narrowed, open_ends
from .guidance import notices_for, unseen_notices
from .intensity import grey_bounds
from .reference import zoom_out_zoom_in
from .texts import Texts
from .views import View, to_window_axes
from .zoom import GridPrompts, coarse_box_in, coarse_mask, windows_for, zoomed_in, zoomed_out

Tensor = torch.Tensor
LEFT_ALONE = "SegVol found nothing of {}: it stays as it was. Draw a tight box around it, or correct it by clicks."


@dataclass(frozen=True)
class Options:
    """How an engine runs.

    Args:
        cache_bytes: budget of the cache.
        reference: zoom in exactly as SegVol's authors do, their padding defect mended; for comparisons.
    """

    cache_bytes: int = 2**30
    reference: bool = False


@dataclass(frozen=True, eq=False)
class SegVolEngine:
    """A loaded model, ready to open volumes.

    Args:
        backend: where it runs.
        specification: what the model expects and answers.
        words: text to vectors.
        identity: what tells this model and precision from others, in cache keys.
        options: how it runs.
        name: for messages.
    """

    backend: Backend
    specification: SegVolSpecification
    words: Texts
    identity: str
    options: Options = field(default_factory=Options)
    name: str = "segvol"

    @property
    def texts(self) -> tuple[str, ...]:
        """What can be named."""
        return tuple(self.words.names)

    @cached_property
    def cache(self) -> FeatureCache:
        """Embeddings of windows and what points made of a base, of all opened volumes."""
        return FeatureCache(self.options.cache_bytes)

    def open(self, volume: Volume) -> OpenedSegVol:
        """Make a volume ready to be asked about."""
        return OpenedSegVol(self, volume)


@dataclass(frozen=True, eq=False)
class OpenedSegVol:
    """A volume that a SegVol engine answers about. See ``engine.Opened`` for the contract."""

    engine: SegVolEngine
    volume: Volume

    @cached_property
    def grid(self) -> ModelGrid:
        """The grid on which it zooms in: the scan's own voxels, or the model's spacing."""
        spacing = self.engine.specification.spacing_mm
        if spacing is None:
            return ModelGrid(self.volume, native_spacing(self.volume))
        k, j, i = spacing
        return ModelGrid(self.volume, (i, j, k))

    @cached_property
    def notices(self) -> tuple[str, ...]:
        """What a person should know about this volume before trusting a mask."""
        if "MR" in self.engine.specification.modalities or self.volume.looks_like_hounsfield:
            return ()
        return (f"SegVol was made for CT, but the smallest value here is {self.volume.lowest:g}. Expect less.",)

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The grey values that become 0 and 1."""
        return grey_bounds(self.engine.specification.intensity, self.volume.array)

    @cached_property
    def crop(self) -> Region:
        """The box of everything that is brighter than 0 to the network: what it looks at."""
        return self.grid.brighter_than(self.bounds[0])

    def segment(
        self,
        classes: Sequence[int],
        region: Box | None = None,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[tuple[int, Edit]]:
        """See ``engine.Opened.segment``: SegVol has no classes."""
        refuse_classes()

    def refine(
        self,
        structure: Structure,
        prompts: Prompts,
        base: MaskCrop | None = None,
        region: Box | None = None,
        cancel: Cancel | None = None,
        reach_mm: float | None = None,
    ) -> Edit:
        """See ``engine.Opened.refine``.

        Text or a box describe all of the structure: the answer replaces the base. Points alone correct a base one after
        the other: what is in one piece with a positive point joins, what is with a negative one leaves. See
        ``correcting``.
        """
        watch = Stopwatch()
        if base is None or not _corrects(prompts, base):
            return self._answered(structure, prompts, base, region, reach_mm, cancel, watch)
        # By negative points alone SegVol knows nothing to take away: they wait for the first positive one.
        steps = [step for step in click_by_click(prompts) if any(click.positive for click in clicks_of(step))]
        return corrected(
            self.volume,
            steps or [prompts],
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
        """What all prompts together make of the base."""
        report = Reporter(0, None, cancel)
        asked = self._on_grid(prompts)
        if self.engine.options.reference:
            found: Found | None = self._as_the_reference(asked, report, watch)
        else:
            found = self._found(asked, report, watch)
        with watch.stage("native"):
            found = None if found is None else narrowed(found)
            answer = self._native(found, asked)
            before = NOTHING if base is None else base
            corrects = _corrects(prompts, before)
            if before.mask.any() and not corrects and not answer.mask.any():
                # A name or a box that finds nothing takes nothing away.
                same, box = before.mask, box_at(before.start, before.shape)
                return as_edit(same, same, box, watch.seconds, LEFT_ALONE.format(structure.name), self.notices)
            start, shape = joint_box(before, answer)
            box = box_at(start, shape)
            old, result = before.inside(start, shape), answer.inside(start, shape)
            if corrects:
                result = self._merged(old, result, box, prompts)
            if reach_mm is not None:
                near = self.volume.voxels_near([click.ras for click in clicks_of(prompts)], reach_mm, box)
                result = np.where(near, result, old)
            if region is not None:
                result = np.where(self.volume.voxels_inside(region, box), result, old)
        notices = (*self.notices, *notices_for(prompts))
        if found is not None and asked.box is None and region is None and not corrects:
            notices += unseen_notices(structure.name, self._sides_not_seen(found, answer))
        reason = _reason(structure, base is None)
        return as_edit(result, None if base is None else old, box, watch.seconds, reason, notices)

    # ------------------------------------------------------------------ prompts

    def _on_grid(self, prompts: Prompts) -> GridPrompts:
        texts, boxes, clicks = texts_of(prompts), boxes_of(prompts), clicks_of(prompts)
        if not prompts:
            raise PromptError("There is nothing to segment from.", "Name the structure, draw a box, or click on it.")
        if len(texts) > 1 or len(boxes) > 1:
            raise PromptError("SegVol takes one text and one box at a time.", "Remove the others.")
        for click in clicks:
            self.volume.check_inside(click.ras)
        for box in boxes:
            self.volume.check_overlap(box)
        if clicks and not boxes and not texts and not any(click.positive for click in clicks):
            raise PromptError("All clicks say what does not belong.", "Add one on the structure itself.")
        points = self.grid.points_of([click.ras for click in clicks])
        positive = np.array([click.positive for click in clicks], np.bool_)
        vector = self.engine.words.vector(texts[0].text) if texts else None
        return GridPrompts(vector, self.grid.ends_of(boxes[0]) if boxes else None, points, positive).within(self.crop)

    # ------------------------------------------------------------------ zooming

    def _found(self, prompts: GridPrompts, report: Reporter, watch: Stopwatch) -> Found | None:
        specification = self.engine.specification
        view = View(self.crop, specification.window)
        report.check()
        with watch.stage("network"):
            embedding = self._embedding(view)
        with watch.stage("prompts"):
            logits = self.engine.backend.decode(embedding, zoomed_out(view, prompts))
            coarse = coarse_mask(logits, view, prompts)
        windows = windows_for(prompts, view, coarse, tuple(logits.shape), self.crop, specification.overlap)
        if not windows:
            return None

        def answer(window: Region) -> Tensor | None:
            report.check()
            here = View(window, specification.window)
            questions = zoomed_in(here, prompts, coarse_box_in(window, view, coarse))
            if questions is None:
                return None
            with watch.stage("network"):
                embedding = self._embedding(here)
            with watch.stage("prompts"):
                return self._fine(self.engine.backend.decode(embedding, questions))

        return blended(windows, self.crop, answer)

    def _as_the_reference(self, prompts: GridPrompts, report: Reporter, watch: Stopwatch) -> Found:
        def decode(image: Tensor, questions: WindowPrompts) -> Tensor:
            report.check()
            with watch.stage("network"):
                embedding = self.engine.backend.encode(image)
            with watch.stage("prompts"):
                return self._fine(self.engine.backend.decode(embedding, questions))

        image = _tensor(self._grey(self.crop))
        logits = zoom_out_zoom_in(image, self._whole(), prompts, self.crop, self.engine.specification, decode)
        return Found(self.crop, logits, torch.ones_like(logits, dtype=torch.bool))

    def _fine(self, logits: Tensor) -> Tensor:
        window = self.engine.specification.window
        return F.interpolate(logits[None, None], window, mode="trilinear", align_corners=False)[0, 0]

    def _embedding(self, view: View) -> Tensor:
        def make() -> Tensor:
            image = self._whole() if view.region == self.crop else self._window(view.region)
            return self.engine.backend.encode(image[None]).half()  # rounded before the first use: cached or not, alike

        return self.engine.cache.get(self._key(view), make)

    def _key(self, *of: Hashable) -> Hashable:
        return self.engine.identity, self.volume.content_key, *of

    def _window(self, region: Region) -> Tensor:
        """A window at full resolution (k, j, i), 0..1; zeros beyond the crop."""
        inside = region.clipped_to(self.crop)
        image = np.zeros(region.shape, np.float32)
        here = tuple(slice(a - o, b - o) for a, b, o in zip(inside.low, inside.high, region.low, strict=True))
        image[here] = self._grey(inside)
        return _tensor(image)

    def _whole(self) -> Tensor:
        """The crop resized to the window (k, j, i), 0..1."""
        window = self.engine.specification.window
        if self.engine.specification.resizing == "area":
            image = _tensor(self._grey(self.crop))
            return F.interpolate(image[None, None], window, mode="area")[0, 0]
        # nearest-exact, of which only the planes are read that are needed. Counted along the network's axes: where a
        # place lies between two voxels, it is theirs that decide which one is taken.
        low, high = self.crop.low, self.crop.high
        k, j, i = (
            np.minimum(((np.arange(size) + 0.5) * count / size).astype(int), count - 1)
            for size, count in zip(window, self.crop.shape[::-1], strict=True)
        )
        image = torch.empty(window)
        for n, plane in enumerate(k + low[2]):
            whole = self._grey(Region((low[0], low[1], int(plane)), (high[0], high[1], int(plane) + 1)))
            seen = to_window_axes(whole)[0]
            image[n] = torch.from_numpy(seen[np.ix_(j, i)])
        return image

    def _grey(self, region: Region) -> np.ndarray:
        low, high = self.bounds
        return np.clip((self.grid.read(region) - np.float32(low)) / np.float32(high - low), 0.0, 1.0)

    # ------------------------------------------------------------------ the answer

    def _native(self, found: Found | None, prompts: GridPrompts) -> MaskCrop:
        """The structure on the scan's own voxels."""
        if found is None:
            return NOTHING
        box = self.grid.native_box(found.region)
        mask = np.ascontiguousarray(interpolate(found.logits, self.grid, found.region, box).numpy() > 0)
        mask = self._meant(mask, box, prompts)
        smallest = self.engine.specification.smallest_piece
        crop = MaskCrop.of(without_small_pieces(mask, smallest))
        k, j, i = (start + one.start for start, one in zip(crop.start, box, strict=True))
        return MaskCrop((k, j, i), crop.mask)

    def _meant(self, mask: np.ndarray, box: Box3, prompts: GridPrompts) -> np.ndarray:
        """Without the pieces that positive points leave out, where points alone say what is meant."""
        if self.engine.options.reference or prompts.text is not None or not prompts.positive.any():
            return mask
        at = [self._voxel(point, box, mask.shape) for point in prompts.points[prompts.positive]]
        kept = components_with(mask, at)
        return kept if kept.any() else mask

    def _voxel(self, point: FloatArray, box: Box3, shape: tuple[int, ...]) -> tuple[int, int, int]:
        at = [0, 0, 0]
        for value, axis in zip(point, self.grid.axes, strict=True):
            at[axis.source] = round(float(axis.to_source(np.array(value)))) - box[axis.source].start
        k, j, i = (int(np.clip(value, 0, count - 1)) for value, count in zip(at, shape, strict=True))
        return k, j, i

    def _sides_not_seen(self, found: Found, answer: MaskCrop) -> list[str]:
        """Towards where the structure, as it is on the scan's own voxels, goes on where nothing was looked at."""
        sides = []
        for side, points in open_ends(found, self.crop).items():
            at = np.zeros(points.shape, np.int64)
            for values, axis in zip(points.T, self.grid.axes, strict=True):
                at[:, axis.source] = np.round(axis.to_source(values)) - answer.start[axis.source]
            at = at[((at >= 0) & (at < answer.shape)).all(1)]
            if answer.mask[tuple(at.T)].any():
                sides.append(side)
        return sides

    def _merged(self, old: np.ndarray, answer: np.ndarray, box: Box3, prompts: Prompts) -> np.ndarray:
        clicks = []
        for click in clicks_of(prompts):
            at = np.round(self.volume.ijk_of(click.ras)[::-1]).astype(int) - [part.start for part in box]
            k, j, i = (int(np.clip(value, 0, count - 1)) for value, count in zip(at, old.shape, strict=True))
            clicks.append(((k, j, i), click.positive))
        change = merge(old, answer, clicks)
        return (old | change.added) & ~change.removed


def _tensor(grey: np.ndarray) -> Tensor:
    """Grey values (R, A, S) along the network's axes (k, j, i); copied, for torch takes none that runs backwards."""
    return torch.from_numpy(to_window_axes(grey).copy())


def refuse_classes() -> NoReturn:
    """SegVol has no classes that it finds by itself."""
    raise PromptError("SegVol finds nothing by itself.", "Name a structure, draw a box, or click; or choose VISTA3D.")


def _corrects(prompts: Prompts, base: MaskCrop) -> bool:
    """Whether prompts correct a base; else they describe all of the structure."""
    return bool(base.mask.any()) and not (texts_of(prompts) or boxes_of(prompts))


def _reason(structure: Structure, new: bool) -> str:
    if new:
        return f"SegVol found nothing of {structure.name}: draw a tight box around it, or add a click in its middle."
    return f"That changed nothing in {structure.name}: SegVol sees no difference there."
