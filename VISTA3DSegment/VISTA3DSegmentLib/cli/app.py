"""``app``: the web page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..engines import DEFAULT_WEIGHTS
from ..errors import FileFormatError, ResourceError
from .collaborators import collaborators_of
from .options import DeviceOption, ModelOption, SeriesOption

ScanArgument = Annotated[
    Path | None,
    typer.Argument(metavar="CT", help="The scan: NIfTI, NRRD, MetaImage, a zip, or a DICOM folder; else the sample."),
]
HostOption = Annotated[
    str,
    typer.Option(
        "--host", metavar="ADDRESS", help="Address to listen on; anything but 127.0.0.1 can be reached from elsewhere."
    ),
]
PortOption = Annotated[
    int,
    typer.Option("--port", "-p", metavar="NUMBER", min=0, max=65535, help="Port to listen on; 0 is any that is free."),
]
SegVolOption = Annotated[
    str, typer.Option("--segvol", metavar="NAME_OR_PATH", help="The model of SegVol, for texts and boxes.")
]
BrowserOption = Annotated[bool, typer.Option("--no-browser", help="Only print the address.")]


def app(
    context: typer.Context,
    ct: ScanArgument = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 0,
    model: ModelOption = "starter",
    device: DeviceOption = "auto",
    no_browser: BrowserOption = False,
    segvol: SegVolOption = DEFAULT_WEIGHTS["segvol"],
    series: SeriesOption = None,
) -> None:
    """Open the web page: segment, name, click and save in a browser. Ctrl-C ends it.

    Its token is new at each start, unless the environment variable VISTA3DSEGMENT_TOKEN holds one.
    """
    try:
        from ..app.serving import serve
    except ImportError as error:
        raise ResourceError(
            f"The web page needs a package that is not installed ({error.name}).",
            'Install it with: pip install "vista3dsegment[app]"',
        ) from error
    if ct is None and series is not None:
        raise FileFormatError("--series is given without the folder that it is of.", "Give the folder.")
    with_what = collaborators_of(context)
    serve(ct, series, model, device, host, port, not no_browser, segvol, with_what.say, with_what.note)
