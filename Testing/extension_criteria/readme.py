"""README.md, the extension's homepage: what a stranger must find there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from .catalogue import sentences
from .criterion import Criterion
from .syntax import registered_samples
from .tree import NAME, Tree, UnreadableError

EFFECT = "VISTA3D"
PAPER = ("He et al.", "VISTA3D: A Unified Segmentation Foundation Model For 3D Medical Imaging", "CVPR 2025",
         "arXiv:2406.05285")  # fmt: skip
STEPS_AT_LEAST = 5
TO_DO = re.compile(r"TO_BE_FILLED|TODO|FIXME|lorem ipsum", re.IGNORECASE)
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Section:
    """A heading and all below it, down to the next of its level.

    Args:
        level: 1 for the title.
        title: without its signs.
        text: what stands below, with the headings of lower levels.
    """

    level: int
    title: str
    text: str


def sections(readme: str) -> list[Section]:
    """All headings in their order; what stands in code is none."""
    lines = readme.splitlines()
    heads: list[tuple[int, int, str]] = []
    in_code = False
    for number, line in enumerate(lines):
        in_code ^= line.lstrip().startswith("```")
        head = re.match(r"(#{1,6}) +(.+?) *#*$", line)
        if head and not in_code:
            heads.append((number, len(head[1]), head[2]))
    found = []
    for place, (number, level, title) in enumerate(heads):
        end = next((n for n, other, _ in heads[place + 1 :] if other <= level), len(lines))
        found.append(Section(level, title, "\n".join(lines[number + 1 : end])))
    return found


def section(tree: Tree, words: str) -> Section:
    """The first section whose heading has such words; raises UnreadableError where there is none with a text."""
    for found in sections(tree.readme):
        if re.search(words, found.title, re.IGNORECASE) and len(found.text.split()) >= 10:
            return found
    raise UnreadableError(f"README.md has no section on {words.replace('|', ' or ')}")


def running_text(text: str) -> str:
    """With line breaks, emphasis and links taken out, to look for phrases."""
    return re.sub(r"\s+", " ", re.sub(r"[*_`]|\]\([^)]*\)|\[", "", text))


def title_is_the_name(tree: Tree) -> Iterator[str]:
    found = sections(tree.readme)
    if not found or found[0].level != 1 or found[0].title != NAME:
        yield f"the first heading is {found[0].title if found else 'missing'}"


def begins_with_a_short_description(tree: Tree) -> Iterator[str]:
    first = tree.readme.partition("\n")[2].strip().split("\n\n")[0]
    if re.match(r"[#!`|>-]|\d", first) or not first:
        yield "no paragraph follows the title"
    elif len(sentences(first)) > 2 or len(first.split()) < 10:
        yield f"the paragraph below the title has {len(sentences(first))} sentences and {len(first.split())} words"
    elif "3D Slicer" not in first:
        yield "the paragraph below the title does not say that it is for 3D Slicer"


def pictures_are_there(tree: Tree) -> Iterator[str]:
    found = PICTURE.findall(tree.readme)
    if not found:
        yield "README.md has no picture"
    for words, target in found:
        path = unquote(target)
        if "://" not in path and not tree.has(path):
            yield f"the picture {path} is not there"
        if len(words.split()) < 3:
            yield f"the picture {path} does not say what it shows"


def each_module_has_its_sentence(tree: Tree) -> Iterator[str]:
    stems = {path.rpartition("/")[2].removesuffix(".py") for path in tree.module_files if _is_shown(tree.text(path))}
    wanted = {NAME: "module", EFFECT: "Segment Editor"} | dict.fromkeys(stems, "module")
    lines = running_list(tree.readme)
    for name, kind in wanted.items():
        if not any(line.startswith(f"**{name}**") and kind in line and line.endswith(".") for line in lines):
            yield f"no point begins with **{name}** and says what this {kind} is for"


def running_list(readme: str) -> list[str]:
    """The points of all lists, each as one line."""
    points = re.findall(r"^- ((?:.+\n?)(?:  .+\n?)*)", readme, re.MULTILINE)
    return [" ".join(point.split()) for point in points]


def tutorial_goes_step_by_step(tree: Tree) -> Iterator[str]:
    tutorial = section(tree, "step by step|tutorial")
    steps = re.findall(r"^\d+\. ", tutorial.text, re.MULTILINE)
    if len(steps) < STEPS_AT_LEAST:
        yield f"the tutorial has {len(steps)} numbered steps, fewer than {STEPS_AT_LEAST}"
    shown = [target for _, target in PICTURE.findall(tutorial.text) if "Screenshots/" in target]
    if len(shown) < 2:
        yield f"the tutorial has {len(shown)} screenshots, fewer than 2"
    yield from (f"the screenshot {path} is not there" for path in shown if not tree.has(path))


def tutorial_names_its_sample(tree: Tree) -> Iterator[str]:
    text = running_text(section(tree, "step by step|tutorial").text)
    if "Sample Data" not in text:
        yield "the tutorial does not send to the Sample Data module"
    names = registered_samples(tree)
    if names and not any(name in text for name in names):
        yield f"the tutorial names none of the registered samples ({', '.join(sorted(names))})"


def paper_is_cited(tree: Tree) -> Iterator[str]:
    text = running_text(section(tree, "citation|how to cite").text)
    yield from (f"the citation lacks {part}" for part in PAPER if part not in text)


def licences_are_named(tree: Tree) -> Iterator[str]:
    text = section(tree, "licen[cs]e").text
    running = running_text(text)
    if "Apache-2.0" not in running or "(LICENSE)" not in text:
        yield "the section on licences does not name Apache-2.0 and link to LICENSE"
    if not re.search(r"NVIDIA[^.]*weights|weights[^.]*NVIDIA", running):
        yield "the section on licences says nothing of NVIDIA's weights"


def privacy_is_explained(tree: Tree) -> Iterator[str]:
    text = running_text(section(tree, "privacy").text)
    if not re.search(r"nothing is sent", text, re.IGNORECASE):
        yield "the section on privacy does not say whether anything is sent"


def trouble_is_helped(tree: Tree) -> Iterator[str]:
    if "Doctor" not in section(tree, "troubleshooting").text:
        yield "the section on troubleshooting does not name the Doctor"


def downloads_can_be_removed(tree: Tree) -> Iterator[str]:
    text = running_text(section(tree, "models").text)
    if not re.search(r"(kept|stored|lie) in\b[^.]*(folder|director)", text) or not re.search(
        r"\b[Rr]emove|delete", text
    ):
        yield "the section on models does not say where downloads are kept and how they are removed"


def nothing_is_left_to_fill_in(tree: Tree) -> Iterator[str]:
    yield from (f"README.md still says {word}" for word in dict.fromkeys(TO_DO.findall(tree.readme)))


def _is_shown(source: str) -> bool:
    return not re.search(r"\bhidden\s*=\s*True", source)


CRITERIA = (
    Criterion(1, "README: the title is the name", title_is_the_name),
    Criterion(1, "README: a short description follows", begins_with_a_short_description),
    Criterion(1, "README: every picture is there and says what it shows", pictures_are_there),
    Criterion(1, "README: a sentence for each module and effect", each_module_has_its_sentence),
    Criterion(1, "README: the VISTA3D paper is cited", paper_is_cited),
    Criterion(1, "README: licence of the code, licence of the weights", licences_are_named),
    Criterion(1, "README: privacy", privacy_is_explained),
    Criterion(1, "README: nothing is left to be filled in", nothing_is_left_to_fill_in),
    Criterion(3, "README: a tutorial step by step, with screenshots", tutorial_goes_step_by_step),
    Criterion(3, "README: the tutorial names its sample data", tutorial_names_its_sample),
    Criterion(3, "README: troubleshooting", trouble_is_helped),
    Criterion(3, "README: where downloads are kept, how they are removed", downloads_can_be_removed),
)
