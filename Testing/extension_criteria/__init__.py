"""What Slicer's Extensions Index asks of an extension, as far as its files can show it.

Sources: the index's checklist for new extensions, its check of description files and the questions of its reviewers
(2026-08); requirements of tier 1 and tier 3.
"""

from __future__ import annotations

from . import catalogue, contents, interface, pictures, readme, safety
from .criterion import ByHand, Criterion

SUBJECTS = (catalogue, pictures, contents, readme, safety, interface)
CRITERIA: tuple[Criterion, ...] = tuple(
    sorted((criterion for subject in SUBJECTS for criterion in subject.CRITERIA), key=lambda criterion: criterion.tier)
)

BY_HAND = (
    ByHand(1, "the name is neither too general nor too narrow"),
    ByHand(1, "the repository has the topic 3d-slicer-extension"),
    ByHand(1, "Wiki, Projects, Discussions, Releases and Packages are hidden where they are not used"),
    ByHand(1, "the addresses of homepage, icon and screenshots answer"),
    ByHand(1, "PyTorch is in the index"),
    ByHand(1, "patents that are known are in the description"),
    ByHand(3, "the screenshots show the module as it is"),
    ByHand(3, "popups are few"),
    ByHand(3, "it builds and packages on Windows, macOS and Linux"),
    ByHand(3, "maintainers answer issues, pull requests and mentions in the forum"),
)
