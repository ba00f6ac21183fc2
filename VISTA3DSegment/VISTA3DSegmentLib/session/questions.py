"""What an engine was asked for objects and has not answered yet, and which prompts their masks hold meanwhile."""

from __future__ import annotations

from ..service import Client, RefineRequest, RequestId
from .annotation import AnnotatedObject, Placed


class Questions:
    """One question for each object at most: a newer one takes the place of the one before.

    Args:
        client: who is asked.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked: dict[RequestId, str] = {}
        self._held: dict[str, tuple[Placed, ...]] = {}

    @property
    def open(self) -> frozenset[str]:
        """Objects whose mask is being computed."""
        return frozenset(self._asked.values())

    def __contains__(self, request_id: RequestId) -> bool:
        return request_id in self._asked

    def ask(self, object_id: str, value: AnnotatedObject) -> None:
        """Ask for the mask of an object."""
        self.drop(object_id)
        limits = value.limits
        reach_mm = limits.reach_mm if value.placed == value.clicks else None
        request = RefineRequest(value.structure, value.prompts, value.base, limits.region, value.engine, reach_mm)
        self._asked[self._client.submit(request)] = object_id

    def drop(self, object_id: str) -> None:
        """The answer is not wanted any more."""
        for request_id in [n for n, known in self._asked.items() if known == object_id]:
            del self._asked[request_id]
            self._client.cancel(request_id)

    def closed(self, request_id: RequestId) -> str:
        """A question is answered, or came to nothing. Returns whose it was."""
        return self._asked.pop(request_id)

    def note(self, object_id: str, held: tuple[Placed, ...] = ()) -> None:
        """The mask of an object holds what these prompts made; none: it holds nothing of its prompts."""
        self._held[object_id] = held

    def unanswered(self, object_id: str, value: AnnotatedObject) -> tuple[Placed, ...]:
        """The prompts of an object that are not in its mask. One to which there was no answer is taken for answered."""
        if object_id not in self.open:
            return ()
        held = self._held.get(object_id, ())
        return tuple(placed for placed in value.placed if placed not in held)
