"""CMakeLists.txt and the catalogue entry: what the Extensions Index reads, and that both say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from .criterion import Criterion
from .tree import CATALOGUE_ENTRY, NAME, Tree, UnreadableError

SETTINGS = ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS")
SCHEMA = (
    "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.1.json"
)
SCHEMA_TYPES: dict[str, type] = {
    "$schema": str,
    "category": str,
    "scm_url": str,
    "scm_revision": str,
    "scm_type": str,
    "build_dependencies": list,
    "build_subdirectory": str,
    "enabled": bool,
    "tier": int,
}
REQUIRED = ("$schema", "category", "scm_url")
OPEN_TIERS = (1, 3)
"""5 is given only with a developer of Slicer's core."""

CATEGORIES = frozenset(
    """Active Learning|Analysis|Auto3dgm|BigImage|Cardiac|Chest Imaging Platform|Conda|Converters|DICOM|DSCI|
    Developer Tools|Diffusion|Examples|Exporter|FTV Segmentation|Filtering|Filtering.Morphology|Filtering.Vesselness|
    Holographic Display|Image Synthesis|IGT|Informatics|Netstim|Neuroimaging|Nuclear Medicine|Orthodontics|
    Osteotomy Planning|Otolaryngology|Photogrammetry|Pipelines|Planning|Printing|Quantification|Radiotherapy|
    Registration|Remote|Rendering|SPHARM|Segmentation|Sequences|Shape Analysis|Shape Regression|Shape Visualization|
    Simulation|SlicerCMF|SlicerMorph|Spectral Imaging|Supervisely|Surface Models|SurfaceLearner|
    Tomographic Reconstruction|Tracking|Tractography|Training|Ultrasound|Utilities|Vascular Modeling Toolkit|
    Virtual Reality|VisSimTools|Web System Tools|Wizards""".replace("\n    ", "").split("|")
)
"""Those that the index accepted on 2026-08-07."""

TEMPLATE = (
    "find_package(Slicer REQUIRED)",
    "include(${Slicer_USE_FILE})",
    f"add_subdirectory({NAME})",
    "## NEXT_MODULE",
    "include(${Slicer_EXTENSION_GENERATE_CONFIG})",
    "include(${Slicer_EXTENSION_CPACK})",
)
"""What Slicer's template of an extension has, in its order."""


def setting(tree: Tree, name: str) -> str:
    """The value of one EXTENSION_* as the index reads it: one physical line, in double quotes.

    Raises:
        UnreadableError: it is not set so.
    """
    found = re.findall(rf'^set\(EXTENSION_{name} "([^"\n]+)"\)[ \t]*(?:#.*)?$', tree.cmake, re.MULTILINE)
    if len(found) != 1:
        raise UnreadableError(f'CMakeLists.txt has {len(found)} lines set(EXTENSION_{name} "...") instead of one')
    return found[0]


def sentences(text: str) -> list[str]:
    """What ends with a full stop, an exclamation mark or a question mark; a rest without one counts too."""
    return [part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z])", text.strip()) if part]


def project_is_the_name_of_the_entry(tree: Tree) -> Iterator[str]:
    found = re.findall(r"^project\(([^\s)]+)", tree.cmake, re.MULTILINE)
    if found != [NAME]:
        yield f"CMakeLists.txt says project({', '.join(found)}), the entry is named {NAME}"
    if not tree.has(CATALOGUE_ENTRY):
        yield f"{CATALOGUE_ENTRY} is not there"


def name_does_not_begin_with_slicer(tree: Tree) -> Iterator[str]:
    for name in re.findall(r"^project\(([^\s)]+)", tree.cmake, re.MULTILINE):
        if name.lower().startswith("slicer"):
            yield f"the name {name} begins with Slicer"


def entry_is_valid(tree: Tree) -> Iterator[str]:
    entry = tree.catalogue_entry
    yield from (f"{key} is missing" for key in REQUIRED if not entry.get(key))
    for key, value in entry.items():
        if key not in SCHEMA_TYPES:
            yield f"{key} is not in the schema"
        elif type(value) is not SCHEMA_TYPES[key]:
            yield f"{key} is {value!r}, not of type {SCHEMA_TYPES[key].__name__}"
    if str(entry.get("$schema")).partition("#")[0] != SCHEMA:
        yield f"$schema is {entry.get('$schema')!r}"
    if entry.get("scm_type", "git") not in ("git", "local"):
        yield f"scm_type is {entry['scm_type']!r}"
    if entry.get("tier", 1) not in OPEN_TIERS:
        yield f"tier is {entry['tier']!r}; a new extension enters at {' or '.join(map(str, OPEN_TIERS))}"


def entry_has_unix_line_ends(tree: Tree) -> Iterator[str]:
    if b"\r" in tree.content(CATALOGUE_ENTRY):
        yield f"{CATALOGUE_ENTRY} has carriage returns"


def category_is_known(tree: Tree) -> Iterator[str]:
    category = tree.catalogue_entry.get("category")
    if category not in CATEGORIES:
        yield f"{category!r} is not among the categories of the index"


def addresses_are_https(tree: Tree) -> Iterator[str]:
    named = {name: setting(tree, name).split() for name in ("HOMEPAGE", "ICONURL", "SCREENSHOTURLS")}
    named["scm_url"] = [str(tree.catalogue_entry.get("scm_url"))]
    for name, urls in named.items():
        for url in urls:
            if urlsplit(url).scheme != "https" or not urlsplit(url).netloc:
                yield f"{name} is {url}"


def repository_is_named_after_the_extension(tree: Tree) -> Iterator[str]:
    url = str(tree.catalogue_entry.get("scm_url"))
    path = urlsplit(url).path.strip("/").removesuffix(".git")
    if path.rpartition("/")[2] != f"Slicer{NAME}":
        yield f"scm_url {url} does not end with Slicer{NAME}"
    homepage = urlsplit(setting(tree, "HOMEPAGE")).path.strip("/")
    if not homepage.startswith(path):
        yield f"the homepage is {homepage}, the repository {path}"


def revision_is_a_branch(tree: Tree) -> Iterator[str]:
    revision = tree.catalogue_entry.get("scm_revision", "")
    if not revision or re.fullmatch(r"[0-9a-f]{7,40}", str(revision)):
        yield f"scm_revision is {revision!r}; the name of a branch needs no new request for each version"


def dependencies_agree(tree: Tree) -> Iterator[str]:
    in_entry: Any = tree.catalogue_entry.get("build_dependencies", [])
    in_cmake = setting(tree, "DEPENDS").replace(";", " ").split()
    if sorted(in_entry) != sorted(name for name in in_cmake if name != "NA"):
        yield f"build_dependencies {in_entry} are not EXTENSION_DEPENDS {in_cmake}"
    if "PyTorch" not in in_cmake:
        yield "EXTENSION_DEPENDS lacks PyTorch, which installs torch"


def description_is_short(tree: Tree) -> Iterator[str]:
    description = setting(tree, "DESCRIPTION")
    count = len(sentences(description))
    if count not in (1, 2):
        yield f"EXTENSION_DESCRIPTION has {count} sentences"
    if not 40 <= len(description) <= 400:
        yield f"EXTENSION_DESCRIPTION has {len(description)} characters"
    if not description.endswith("."):
        yield "EXTENSION_DESCRIPTION does not end with a full stop"


def settings_stand_on_one_line_each(tree: Tree) -> Iterator[str]:
    for name in SETTINGS:
        try:
            setting(tree, name)
        except UnreadableError as error:
            yield str(error)


def cmake_has_the_parts_of_the_template(tree: Tree) -> Iterator[str]:
    lines = [line.partition("#")[0].strip() or line.strip() for line in tree.cmake.splitlines()]
    places = [lines.index(part) if part in lines else -1 for part in TEMPLATE]
    yield from (f"CMakeLists.txt lacks {part}" for part, place in zip(TEMPLATE, places, strict=True) if place < 0)
    if places != sorted(places):
        yield "the parts of CMakeLists.txt do not stand in the template's order"
    if not lines or not lines[0].startswith("cmake_minimum_required(VERSION "):
        yield "CMakeLists.txt does not begin with cmake_minimum_required"


CRITERIA = (
    Criterion(1, "project() is the name of the catalogue entry", project_is_the_name_of_the_entry),
    Criterion(1, "the name does not begin with Slicer", name_does_not_begin_with_slicer),
    Criterion(1, "the catalogue entry is valid to schema v1.0.1", entry_is_valid),
    Criterion(1, "the catalogue entry has LF line ends", entry_has_unix_line_ends),
    Criterion(1, "the category is one of the index's", category_is_known),
    Criterion(1, "every address is https", addresses_are_https),
    Criterion(1, "the repository is Slicer + name, and is the homepage", repository_is_named_after_the_extension),
    Criterion(1, "the revision is a branch", revision_is_a_branch),
    Criterion(1, "the dependencies of entry and CMakeLists.txt agree", dependencies_agree),
    Criterion(1, "the description has one or two sentences", description_is_short),
    Criterion(1, "each EXTENSION_* is set on one line", settings_stand_on_one_line_each),
    Criterion(1, "CMakeLists.txt has the parts of Slicer's template", cmake_has_the_parts_of_the_template),
)
