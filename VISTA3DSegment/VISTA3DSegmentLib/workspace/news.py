"""The line in which a shell says what has happened: the latest counts, an error stays until the person goes on."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable

from ..errors import SegmentationError

NEWS_SECONDS = 20.0
"""How long what was said stays."""
SAME_BREATH_SECONDS = 0.5
"""What is said so soon after something else, or in the same turn, stands beside it: a run ends with what it did not
find and what is cut; a scan opens with what is wrong with it and what is kept, however long that takes."""

logger = logging.getLogger(__name__)


class News:
    """See the module.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._said_at, self._is_watched = clock, 0.0, True
        self.message, self.failed, self._past = "", False, ""

    def say(self, sentence: str) -> None:
        """Something has happened; in one breath the same is said once: a run warns with each class that arrives."""
        is_soon = self.message != self._past or self._clock() - self._said_at < SAME_BREATH_SECONDS
        joins = self.message and not self.failed and is_soon
        if not joins:
            self.message, self.failed, self._past = sentence, False, ""
        elif sentence not in self.message:
            self.message = f"{self.message} {sentence}"
        self._said_at = self._clock()

    def fail(self, error: Exception) -> None:
        """Something went wrong. What should not have is logged: where, and of what kind; not with which values, which
        may be the patient's."""
        if isinstance(error, SegmentationError):
            self.message = str(error)
        else:
            logger.error("%s at\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            name = type(error).__name__
            self.message = f"Something went wrong that should not ({name}). Your work is kept; try again."
        self.failed, self._past = True, ""

    def settle(self) -> None:
        """A turn is over, what the person did last has been done: what was said came before what they do next."""
        self._past = self.message

    def go_on(self, with_a_drag: bool = False) -> None:
        """The person does something: what was said before may not be so any more. What this very action said stays;
        the further places of a drag say nothing, and come as fast as answers do."""
        if with_a_drag:
            self.settle()
        self.message, self._past = self.message.removeprefix(self._past).lstrip(), ""
        self.failed = self.failed and bool(self.message)

    def clear(self) -> None:
        """Nothing was said."""
        self.message, self.failed = "", False

    def forget_failure(self) -> None:
        """The person goes on: an error has been read."""
        if self.failed:
            self.clear()

    def watch(self, is_watched: bool) -> None:
        """Whether somebody can see the line. What is said to nobody stays, and grows old when somebody has come."""
        self._is_watched, self._said_at = is_watched, self._clock()

    def forget_old(self) -> bool:
        """What was said long ago is not shown any more; returns whether there was such."""
        can_go = self._is_watched and not self.failed and bool(self.message)
        is_old = can_go and self._clock() - self._said_at > NEWS_SECONDS
        if is_old:
            self.message = ""
        return is_old
