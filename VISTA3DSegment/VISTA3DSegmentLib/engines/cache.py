"""What has been computed and may be needed again, within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class FeatureCache:
    """Tensors, arrays and edits by content key; the least recently used go first when the budget is reached.

    Args:
        budget_bytes: what may be kept in all.
    """

    budget_bytes: int
    _kept: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict, repr=False)
    bytes: int = 0
    hits: int = 0
    misses: int = 0

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What is under a key; made and kept if it is not there."""
        if key in self._kept:
            self.hits += 1
            self._kept.move_to_end(key)
            return self._kept[key]
        self.misses += 1
        made = make()
        self.put(key, made)
        return made

    def put(self, key: Hashable, value: Any) -> None:
        """Keep something, if it fits the budget at all."""
        size = value.nbytes
        if size > self.budget_bytes or key in self._kept:
            return
        while self.bytes + size > self.budget_bytes:
            _, oldest = self._kept.popitem(last=False)
            self.bytes -= oldest.nbytes
        self._kept[key] = value
        self.bytes += size

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self.bytes = 0
