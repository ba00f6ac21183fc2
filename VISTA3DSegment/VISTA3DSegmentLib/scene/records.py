"""What a saved scene keeps of an annotation beside segments, points and boxes: bases, texts, order of clicks, statuses.

One hidden node for each annotation, with references to what it is about. Its parameters are short: a base is kept as
its difference from the segment, and a checksum of the segment tells whether another tool changed it meanwhile.
"""

from __future__ import annotations

import json
import weakref
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..edits import NOTHING, MaskCrop
from ..errors import SegmentationError
from ..prompts import Box, Click, Ras, Structure
from ..provenance import provenance_from
from ..session.annotation import AnnotatedObject, PlacedClick, Status
from ..session.deltas import Delta
from ..session.rules import Limits
from ..volume import Volume
from .boxes import SAME_PLACE_MM
from .labelmaps import SAME_PLACE_VOXELS
from .nodes import nodes_of

NODE_NAME = "VISTA3DSegment annotation"
VOLUME, SEGMENTATION, LISTS = "volume", "segmentation", {True: "positive", False: "negative"}
PREFIX = "object."
MARK = "journal"


@dataclass(frozen=True, eq=False)
class Recalled:
    """An object as the scene kept it.

    Args:
        value: the object; if it is not ``as_kept`` it begins anew with what its segment holds.
        points: the control point of each of its clicks, by click id.
        waiting: its mask has still to be asked for.
        as_kept: its segment and its points are as they were when it was kept.
    """

    value: AnnotatedObject
    points: Mapping[str, tuple[bool, str]]
    waiting: bool
    as_kept: bool


class Records:
    """The node that keeps what is known of each object.

    Args:
        node: vtkMRMLScriptedModuleNode.
        volume: what is annotated; tells whether points were moved relative to it.
    """

    def __init__(self, node: Any, volume: Volume) -> None:
        self.node, self._volume = node, volume
        self._checksums: weakref.WeakKeyDictionary[MaskCrop, str] = weakref.WeakKeyDictionary()

    @classmethod
    def find(cls, scene: Any, volume: Volume, volume_node: Any, segmentation: Any) -> Records | None:
        """Those of an earlier session, if the scene holds them."""
        for node in _nodes_of(scene, volume_node):
            if node.GetNodeReference(SEGMENTATION) is segmentation and all(
                node.GetNodeReference(role) is not None for role in LISTS.values()
            ):
                return cls(node, volume)
        return None

    @staticmethod
    def of_volume(scene: Any, volume_node: Any) -> bool:
        """Whether the scene holds work on a volume, in whatever segmentation."""
        return any(node.GetNodeReference(SEGMENTATION) is not None for node in _nodes_of(scene, volume_node))

    @classmethod
    def begin(
        cls, scene: Any, volume: Volume, volume_node: Any, segmentation: Any, lists: Mapping[bool, Any]
    ) -> Records:
        """New ones."""
        node = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", NODE_NAME)
        node.SetModuleName("VISTA3DSegment")
        node.SetHideFromEditors(True)
        node.SetNodeReferenceID(VOLUME, volume_node.GetID())
        node.SetNodeReferenceID(SEGMENTATION, segmentation.GetID())
        for sign, role in LISTS.items():
            node.SetNodeReferenceID(role, lists[sign].GetID())
        return cls(node, volume)

    @property
    def lists(self) -> tuple[Any, Any]:
        """The positive and the negative list."""
        return self.node.GetNodeReference(LISTS[True]), self.node.GetNodeReference(LISTS[False])

    def ids(self) -> tuple[str, ...]:
        """Of all objects that are kept."""
        names = self.node.GetParameterNames()
        return tuple(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))

    def keep(
        self, object_id: str, value: AnnotatedObject, points: Mapping[str, tuple[bool, str]], waiting: bool
    ) -> None:
        """Write down an object.

        Args:
            object_id: id of its segment.
            value: the object.
            points: by click id: whether the control point is in the positive list, and its id.
            waiting: the engine has not answered its latest prompts.
        """
        record = {
            "name": value.structure.name,
            "class": value.structure.class_id,
            "color": value.color,
            "status": value.status.value,
            "tags": dict(value.tags),
            "limits": value.limits.to_json(),
            "took": {other_id: Delta.between(NOTHING, mask).to_json() for other_id, mask in value.took.items()},
            "clicks": [
                [placed.id, *points[placed.id], *np.round(self._volume.ijk_of(placed.click.ras), 3)]
                for placed in value.clicks
                if placed.id in points
            ],
            "text": value.text,
            "box": None if value.box is None else [value.box.ras_min, value.box.ras_max, *self._corners(value.box)],
            "engine": value.engine,
            "made": value.made.to_json(),
            "base": None if value.base is None else Delta.between(value.mask, value.base).to_json(),
            "mask": self._checksum(value.mask),
            "waiting": waiting,
        }
        self.node.SetParameter(PREFIX + object_id, json.dumps(record, separators=(",", ":")))

    def _corners(self, box: Box) -> list[list[float]]:
        """Where two corners of a box are in the volume, in voxels (i, j, k): they are there also if both are moved."""
        return [[round(float(at), 4) for at in self._volume.ijk_of(ras)] for ras in (box.ras_min, box.ras_max)]

    def _as_kept(self, kept: list[Any] | None, box: Box | None) -> Box | None:
        """The box of a region that is where it was in the volume; None: it is elsewhere, or there was none."""
        if kept is None or box is None:
            return None
        *corners, low, high = kept
        if np.abs(np.subtract(self._corners(box), (low, high))).max() > SAME_PLACE_VOXELS:
            return None
        unmoved = np.abs(np.subtract(corners, (box.ras_min, box.ras_max))).max() <= SAME_PLACE_MM
        return Box(*map(tuple, corners)) if unmoved else box  # to the last decimal, so that the answer is the same

    def _checksum(self, mask: MaskCrop) -> str:
        # A click changes the prompts at once and the mask only later: that of an organ takes 15 ms.
        if mask not in self._checksums:
            self._checksums[mask] = checksum(mask)
        return self._checksums[mask]

    def forget(self, object_id: str) -> None:
        """An object is gone."""
        self.node.UnsetParameter(PREFIX + object_id)

    @property
    def mark(self) -> str:
        """Where the journal was when everything in it was kept here too; see ``Journal.mark``."""
        return self.node.GetParameter(MARK) or ""

    @mark.setter
    def mark(self, mark: str) -> None:
        if mark != self.mark:
            self.node.SetParameter(MARK, mark)

    def recall(
        self, object_id: str, mask: MaskCrop, positions: Mapping[tuple[bool, str], Ras], box: Box | None
    ) -> Recalled:
        """An object as it was kept.

        Args:
            object_id: id of its segment.
            mask: what the segment holds now.
            positions: of the control points in the scene, RAS of the world, mm.
            box: its region of interest in the scene; None: there is none.

        Raises:
            SegmentationError: what was kept is damaged.
        """
        try:
            record = json.loads(self.node.GetParameter(PREFIX + object_id))
            points = {click_id: (bool(sign), point_id) for click_id, sign, point_id, *_ in record["clicks"]}
            places = [(points[click_id], ijk) for click_id, _, _, *ijk in record["clicks"]]
            red, green, blue = record["color"]
            value = AnnotatedObject(
                Structure(record["name"], record["class"]),
                (red, green, blue),
                mask,
                (),
                mask,
                Status(record["status"]),
                tags={str(name): str(words) for name, words in record.get("tags", {}).items()},  # not in older scenes
            )
            limits = Limits.from_json(record["limits"])
            took = {other_id: Delta.from_json(words).onto(NOTHING) for other_id, words in record["took"].items()}
            known_checksum, waiting = record["mask"], bool(record["waiting"])
            made = provenance_from(record.get("made"))
            text, engine = str(record.get("text", "")), str(record.get("engine", ""))  # older scenes have clicks only
            box = self._as_kept(record.get("box"), box)
            moved = record.get("box") is not None and box is None
            base = None if record["base"] is None else Delta.from_json(record["base"]).onto(mask)
        except (ValueError, KeyError, TypeError, AttributeError, zlib.error, SegmentationError) as error:
            raise SegmentationError(f"What the scene keeps of {object_id} is damaged.") from error
        moved = moved or any(
            point not in positions or np.abs(self._volume.ijk_of(positions[point]) - ijk).max() > SAME_PLACE_VOXELS
            for point, ijk in places
        )
        if moved or known_checksum != checksum(mask):
            return Recalled(value, {}, waiting=False, as_kept=False)
        clicks = tuple(PlacedClick(key, Click(positions[point], point[0])) for key, point in points.items())
        value = replace(
            value, base=base, clicks=clicks, limits=limits, took=took, text=text, box=box, engine=engine, made=made
        )
        return Recalled(value, points, waiting, as_kept=True)


def _nodes_of(scene: Any, volume_node: Any) -> list[Any]:
    nodes = nodes_of(scene, "vtkMRMLScriptedModuleNode")
    return [n for n in nodes if n.GetModuleName() == "VISTA3DSegment" and n.GetNodeReference(VOLUME) is volume_node]


def checksum(mask: MaskCrop) -> str:
    """Of the voxels of a mask and their place."""
    tight = mask.tightened()
    place = zlib.crc32(repr((tight.start, tight.mask.shape)).encode())
    return f"{zlib.crc32(np.packbits(tight.mask).tobytes(), place):08x}"
