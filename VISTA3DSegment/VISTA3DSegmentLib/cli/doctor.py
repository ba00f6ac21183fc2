"""``doctor``: what this computer has, and what would run a model on it."""

from __future__ import annotations

import json

import typer
from rich.table import Table

from ..doctor.checkup import checkup
from .collaborators import collaborators_of
from .options import JsonOption


def doctor(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show versions, devices, processor features, memory, folders and models, to find out why it is slow or fails."""
    with_what = collaborators_of(context)
    found = checkup(lambda device: with_what.describe_backend(device, "auto"))
    if as_json:
        plain = {title: {name.strip(): value for name, value in facts} for title, facts in found.items()}
        with_what.say(json.dumps(plain, indent=1))
        return
    for title, facts in found.items():
        with_what.say(title)
        table = Table.grid(padding=(0, 2))
        table.add_column()
        table.add_column(overflow="fold")  # a path is told to its end
        for name, value in facts:
            table.add_row(f"  {name}", value)
        with_what.out.print(table)
