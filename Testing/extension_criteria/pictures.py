"""The icon and the screenshots: raw addresses of files that are in the tree and show something."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import numpy as np
import SimpleITK

from .catalogue import setting
from .criterion import Criterion
from .tree import MODULE_FOLDER, NAME, Tree, UnreadableError

RAW = "raw.githubusercontent.com"
ICON_SIZE = (128, 128)
SCREENSHOT_AT_LEAST = (300, 300)
SCREENSHOT_AT_MOST_BYTES = 2 << 20
COLOURS_AT_LEAST = 32
"""A picture with fewer is blank, or a window that nothing was drawn in."""

MODULE_ICON = f"{MODULE_FOLDER}/Resources/Icons/{NAME}.svg"


def pixels(tree: Tree, path: str) -> np.ndarray:
    """A PNG of the tree as (j, i, channel); raises UnreadableError where it is none."""
    content = tree.content(path)
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise UnreadableError(f"{path} is not a PNG")
    with tempfile.TemporaryDirectory() as folder:  # of a plain name: the reader goes by it
        plain = Path(folder) / "picture.png"
        plain.write_bytes(content)
        try:
            array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(plain))
        except RuntimeError as error:
            raise UnreadableError(f"{path} is damaged") from error
    return array.reshape(array.shape[0], array.shape[1], -1)


def file_of(tree: Tree, url: str) -> str:
    """The file of the tree that a raw address names.

    Raises:
        UnreadableError: it is another address, or that of another repository or branch.
    """
    parts = urlsplit(url)
    entry = tree.catalogue_entry
    repository = urlsplit(str(entry.get("scm_url"))).path.removesuffix(".git")
    head = f"{repository}/{entry.get('scm_revision')}/"
    if parts.netloc != RAW or not parts.path.startswith(head):
        raise UnreadableError(f"{url} is not a raw address of the branch of scm_url ({RAW}{head}...)")
    return parts.path.removeprefix(head)


def screenshots(tree: Tree) -> list[str]:
    return [file_of(tree, url) for url in setting(tree, "SCREENSHOTURLS").split()]


def icon_is_there(tree: Tree) -> Iterator[str]:
    path = file_of(tree, setting(tree, "ICONURL"))
    picture = pixels(tree, path)
    if picture.shape[1::-1] != ICON_SIZE:
        yield f"{path} has {picture.shape[1]} x {picture.shape[0]} pixels, not 128 x 128"
    if _colours(picture) < COLOURS_AT_LEAST:
        yield f"{path} is empty"


def screenshots_are_there(tree: Tree) -> Iterator[str]:
    for path in screenshots(tree):
        try:
            picture = pixels(tree, path)
        except UnreadableError as error:
            yield str(error)
            continue
        if picture.shape[1] < SCREENSHOT_AT_LEAST[0] or picture.shape[0] < SCREENSHOT_AT_LEAST[1]:
            yield f"{path} has only {picture.shape[1]} x {picture.shape[0]} pixels"
        if _colours(picture) < COLOURS_AT_LEAST:
            yield f"{path} is empty"
        if len(tree.content(path)) > SCREENSHOT_AT_MOST_BYTES:
            yield f"{path} is larger than 2 MB"


def module_has_its_icon(tree: Tree) -> Iterator[str]:
    try:
        root = ElementTree.fromstring(tree.text(MODULE_ICON))
    except ElementTree.ParseError as error:
        raise UnreadableError(f"{MODULE_ICON} is not XML ({error})") from error
    if not root.tag.endswith("}svg") or not root.get("viewBox"):
        yield f"{MODULE_ICON} is not an SVG with a viewBox"


def _colours(picture: np.ndarray) -> int:
    return len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0))


CRITERIA = (
    Criterion(1, "the icon's address names a PNG of 128 x 128", icon_is_there),
    Criterion(1, "the screenshots' addresses name PNGs that show something", screenshots_are_there),
    Criterion(3, "the module has its icon", module_has_its_icon),
)
