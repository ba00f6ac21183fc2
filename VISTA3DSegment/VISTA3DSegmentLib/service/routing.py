"""Which engine a request is for, where one client stands for several, and what an engine says of itself."""

from __future__ import annotations

from ..engine import Engine, Opened
from ..errors import PromptError
from ..provenance import ModelUsed
from .messages import Ready


def answering(opened: Opened, engine: str) -> Opened:
    """What answers a request.

    Args:
        opened: the client's engine with its volume. One that stands for several has ``by(name)``.
        engine: the name that the request carries; "": whichever answers when none is named.

    Raises:
        PromptError: it stands for one engine only, or not for this one.
    """
    if not engine:
        return opened
    by = getattr(opened, "by", None)
    if by is None:
        raise PromptError(
            f"There is no engine called {engine} here.", "Open the scan with a model that takes such prompts."
        )
    named: Opened = by(engine)
    return named


def used(engine: Engine, name: str = "") -> ModelUsed:
    """Which model answers a request.

    Args:
        engine: the client's. One that stands for several has ``engine(name)``.
        name: that the request carries; "": whichever answers when none is named.
    """
    by = getattr(engine, "engine", None)
    chosen: Engine = by(name) if by is not None else engine
    specification, identity = getattr(chosen, "specification", None), str(getattr(chosen, "identity", ""))
    return ModelUsed(
        chosen.name,
        str(getattr(specification, "name", "")),
        str(getattr(specification, "version", "")),
        identity.partition(" ")[0],
    )


def ready(engine: Engine, opened: Opened) -> Ready:
    """What an engine says of itself when a volume is open."""
    specification = getattr(engine, "specification", None)
    return Ready(
        engine.name,
        str(getattr(engine, "identity", engine.name)),
        tuple(specification.classes) if specification is not None else (),
        tuple(getattr(opened, "notices", ())),
        tuple(getattr(engine, "engines", ())),
        tuple(getattr(engine, "texts", ())),
    )
