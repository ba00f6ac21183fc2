"""Keys of the module: each is heard in a widget and what is in it, and only while the module is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt

Action = Callable[[], object]


class Shortcuts:
    """See the module.

    Args:
        act: does an action.
    """

    def __init__(self, act: Callable[[Action], None]) -> None:
        self._act = act
        self._shortcuts: list[Any] = []

    def add(self, parent: Any, actions: Mapping[str, Action]) -> None:
        """Hear keys while a widget, or what is in it, has the focus.

        Args:
            parent: the widget.
            actions: what a key does.
        """
        for keys, action in actions.items():
            shortcut = qt.QShortcut(parent)
            shortcut.setKey(qt.QKeySequence(keys))
            shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
            shortcut.connect("activated()", lambda action=action: self._act(action))
            self._shortcuts.append(shortcut)

    def clear(self) -> None:
        """Hear no more."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts.clear()
