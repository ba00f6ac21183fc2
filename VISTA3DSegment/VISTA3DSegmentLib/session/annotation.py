"""What a person is annotating: the objects of one volume, as values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from ..edits import NOTHING, MaskCrop
from ..errors import PromptError
from ..prompts import Box, Click, Prompts, Structure, Text
from ..provenance import TAG, UNKNOWN, Provenance, provenance_of
from .rules import UNLIMITED, Limits

NO_TAGS: Mapping[str, str] = MappingProxyType({})


class Status(Enum):
    """How far the person is with an object."""

    DRAFT = "draft"
    FLAGGED = "flagged"
    DONE = "done"


@dataclass(frozen=True)
class PlacedClick:
    """A click that can be found again.

    Args:
        id: stable name; in a scene that of the control point.
        click: where it is, and its sign.
    """

    id: str
    click: Click


Placed: TypeAlias = Text | Box | PlacedClick
"""A prompt of an object."""


def prompts_of(placed: Iterable[Placed]) -> Prompts:
    """Prompts as an engine takes them."""
    return tuple(one.click if isinstance(one, PlacedClick) else one for one in placed)


@dataclass(frozen=True, eq=False)
class AnnotatedObject:
    """One object being segmented: everything that its mask is a function of, and the mask.

    Args:
        structure: a class of the model, or a new structure; and its name.
        color: red, green, blue, each 0..1.
        base: the mask that the prompts correct; None: what ``Opened.refine`` does without one. No prompt is part of it.
        clicks: in the order in which they were placed.
        mask: the object's voxels as they are shown now.
        status: see ``Status``.
        limits: what held when the prompts were placed.
        took: voxels that the prompts took from other objects, by their ids; see ``overwriting``.
        tags: what a file from which it came said of it, by name.
        text: what it was called when it was asked for in words; "": it was not.
        box: in which it lies; None: nobody has said.
        engine: that answers the prompts, by its name; "": the first.
        made: how the mask came about, but for the prompts above.
    """

    structure: Structure
    color: tuple[float, float, float]
    base: MaskCrop | None = None
    clicks: tuple[PlacedClick, ...] = ()
    mask: MaskCrop = NOTHING
    status: Status = Status.DRAFT
    limits: Limits = UNLIMITED
    took: Mapping[str, MaskCrop] = field(default_factory=lambda: MappingProxyType({}))
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    text: str = ""
    box: Box | None = None
    engine: str = ""
    made: Provenance = UNKNOWN

    @property
    def placed(self) -> tuple[Placed, ...]:
        """All prompts: the text, the box, the clicks."""
        text = (Text(self.text),) if self.text else ()
        box = (self.box,) if self.box is not None else ()
        return *text, *box, *self.clicks

    @property
    def prompts(self) -> Prompts:
        """All prompts as an engine takes them."""
        return prompts_of(self.placed)

    @property
    def provenance(self) -> Provenance:
        """How it came about, with all its prompts."""
        return self.made.counting(self.prompts)

    @property
    def came_unsaid(self) -> bool:
        """Whether it has voxels from elsewhere, and nobody says how they were made."""
        return self.made == UNKNOWN and TAG not in self.tags and self.base is not None and bool(self.base.mask.any())

    def settled(self, mask: MaskCrop, unanswered: Collection[Placed] = ()) -> AnnotatedObject:
        """The object with a mask that its prompts correct from now on; all but the unanswered ones are part of it."""
        return replace(
            self,
            base=mask,
            mask=mask,
            took={},
            text=self.text if self.text and Text(self.text) in unanswered else "",
            box=self.box if self.box in unanswered else None,
            clicks=tuple(placed for placed in self.clicks if placed in unanswered),
            made=self.made.counting(prompts_of(placed for placed in self.placed if placed not in unanswered)),
        )

    def click(self, click_id: str) -> PlacedClick:
        """The click of that id.

        Raises:
            PromptError: there is none.
        """
        for placed in self.clicks:
            if placed.id == click_id:
                return placed
        raise PromptError(f"{self.structure.name} has no click {click_id}.")

    def with_click(self, click_id: str, click: Click) -> AnnotatedObject:
        """The object with a new click, or with one that moved or changed its sign."""
        if any(placed.id == click_id for placed in self.clicks):
            changed = tuple(PlacedClick(p.id, click if p.id == click_id else p.click) for p in self.clicks)
        else:
            changed = (*self.clicks, PlacedClick(click_id, click))
        return replace(self, clicks=changed)

    def without_click(self, click_id: str) -> AnnotatedObject:
        """The object without a click.

        Raises:
            PromptError: there is none of that id.
        """
        self.click(click_id)
        return replace(self, clicks=tuple(placed for placed in self.clicks if placed.id != click_id))


def begun(
    structure: Structure,
    color: tuple[float, float, float],
    mask: MaskCrop | None = None,
    tags: Mapping[str, str] = NO_TAGS,
) -> AnnotatedObject:
    """An object without prompts; with a mask, its prompts will correct that, and its tags say how it came about."""
    shown = NOTHING if mask is None else mask
    return AnnotatedObject(structure, color, mask, mask=shown, tags=tags, made=provenance_of(tags) or UNKNOWN)


@dataclass(frozen=True, eq=False)
class Annotation:
    """The objects of one volume, in the order in which they were begun.

    Args:
        objects: by id; in a scene the id of the segment.
    """

    objects: Mapping[str, AnnotatedObject] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, object_id: str) -> AnnotatedObject:
        try:
            return self.objects[object_id]
        except KeyError:
            raise PromptError(f"There is no object {object_id}.", "It may have been deleted: choose another.") from None

    def __contains__(self, object_id: object) -> bool:
        return object_id in self.objects

    def __iter__(self) -> Iterator[str]:
        return iter(self.objects)

    def __len__(self) -> int:
        return len(self.objects)

    def replaced(self, object_id: str, value: AnnotatedObject | None) -> Annotation:
        """With another value of an object; None: without it."""
        objects = dict(self.objects)
        if value is None:
            objects.pop(object_id, None)
        else:
            objects[object_id] = value
        return Annotation(MappingProxyType(objects))

    def of_class(self, class_id: int) -> str | None:
        """The id of the object that shows a class, if there is one."""
        return next((key for key, value in self.objects.items() if value.structure.class_id == class_id), None)
