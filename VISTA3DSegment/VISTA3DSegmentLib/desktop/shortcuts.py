"""Keys of the module: they are heard in its panel and in the views, and only while it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qt


class Shortcuts:
    """See the module.

    Args:
        parents: widgets in which keys are heard when they or what is in them have the focus.
        actions: what a key does.
    """

    def __init__(self, parents: Sequence[Any], actions: Mapping[str, Callable[[], object]]) -> None:
        self._shortcuts = []
        for parent in parents:
            for keys, action in actions.items():
                shortcut = qt.QShortcut(parent)
                shortcut.setKey(qt.QKeySequence(keys))
                shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
                shortcut.connect("activated()", action)
                self._shortcuts.append(shortcut)

    def clear(self) -> None:
        """Hear no more."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts.clear()
