"""The command line: ``vista3dsegment``, the same as ``python -m VISTA3DSegmentLib``.

Exit status: 0 done, 1 an error of files or use (one sentence says which), 2 wrong usage, 130 cancelled.
"""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from ..errors import Cancelled, SegmentationError
from . import app as app_command
from . import classes, demo, doctor, evaluate, export, models, prompt, refine, segment, texts
from .collaborators import Collaborators, collaborators_of

FAILED, CANCELLED = 1, 130
DEBUG = "--debug"


class Commands(TyperGroup):
    """The commands; whatever one of them raises ends in a sentence and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt) as error:
            if _is_typers_own(error):
                raise
            ending = _ending_of(error)
            if ctx.obj.debug:
                traceback.print_exception(error)
            ctx.obj.note(ending.sentence)
            raise typer.Exit(ending.status) from error


@dataclass(frozen=True)
class _Ending:
    sentence: str
    status: int


def _is_typers_own(error: BaseException) -> bool:
    # Usage errors and exits carry their status; a reader that went away (as "| head") is handled there too.
    closed = isinstance(error, OSError) and error.errno == errno.EPIPE
    return closed or isinstance(error, typer.Abort) or hasattr(error, "exit_code")


def _ending_of(error: BaseException) -> _Ending:
    if isinstance(error, Cancelled):
        return _Ending(str(error), CANCELLED)
    if isinstance(error, KeyboardInterrupt):
        return _Ending("Cancelled.", CANCELLED)
    if isinstance(error, SegmentationError):
        return _Ending(f"Error: {error}", FAILED)
    if isinstance(error, MemoryError):
        return _Ending("Error: The memory ran out. Close other programs, or give a smaller --region.", FAILED)
    if isinstance(error, OSError) and error.filename is not None:
        return _Ending(
            f"Error: {error.filename} cannot be used ({error.strerror}). Choose another name or place.", FAILED
        )
    return _Ending(
        f"Error: Something went wrong that should not ({type(error).__name__}: {error}). "
        f"To see where, run the command again with {DEBUG}.",
        FAILED,
    )


app = typer.Typer(
    name="vista3dsegment",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Segment the organs of a CT, and correct them by clicks, boxes and words. Not a medical device.",
)
app.command()(segment.segment)
app.command()(refine.refine)
app.command()(prompt.prompt)
app.command()(export.export)
app.command()(evaluate.evaluate)
app.command()(classes.classes)
app.command()(texts.texts)
app.add_typer(models.app, name="models")
app.command()(doctor.doctor)
app.command()(demo.demo)
app.command("app")(app_command.app)


def _show_version(context: typer.Context, asked: bool) -> None:
    if asked:
        collaborators_of(context).say(f"vista3dsegment {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version)
]


@app.callback()
def _options(version: VersionOption = False) -> None:
    """Options that stand before the command; its text is that of the application."""


def _without_values(command: Any) -> None:
    """Take away what typer writes in the help beside a switch, "<bool>", as if it wanted a value."""
    for option in command.get_params(typer.Context(command)):
        if getattr(option, "is_flag", False):
            option.metavar = ""
    for inner in getattr(command, "commands", {}).values():
        _without_values(inner)


def main(arguments: Sequence[str] | None = None, collaborators: Collaborators | None = None) -> int:
    """Run a command.

    Args:
        arguments: what stands after the name of the program; None: those of this process.
        collaborators: the engine and the consoles; None: the real ones.

    Returns:
        The exit status.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # --debug is not shown in the help and may stand anywhere, also at the end, where one adds it after an error.
    words = [word for word in given if word != DEBUG]
    command = typer.main.get_command(app)
    _without_values(command)
    with_what = replace(collaborators or Collaborators(), debug=DEBUG in given)
    try:
        command.main(args=words, prog_name="vista3dsegment", obj=with_what)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0
