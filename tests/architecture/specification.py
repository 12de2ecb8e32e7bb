"""The pages that code cites: their sections by number and title, and the rules of each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.programs import CHECKOUT

SPECIFICATION = CHECKOUT / "docs" / "specification"
_HEADING = re.compile(r"#{2,3} (?:(?P<number>\d+) )?(?P<title>.+)")
_RULE = re.compile(r"(?P<number>\d+)\. ")
_INVARIANT = re.compile(r"- \*\*I(?P<number>\d+)\*\* ")


@dataclass
class Section:
    """One heading, with the numbers of the rules below it."""

    title: str
    rules: set[int] = field(default_factory=set)


@dataclass
class Page:
    """One page: its sections by number where they have one, its sections by title, and all rules of the page."""

    by_number: dict[int, Section] = field(default_factory=dict)
    by_title: dict[str, Section] = field(default_factory=dict)
    rules: set[int] = field(default_factory=set)
    invariants: set[int] = field(default_factory=set)


def pages() -> Mapping[str, Page]:
    """Every page of the specification by its file's name."""
    return {file.name: _read(file) for file in SPECIFICATION.glob("*.md")}


def _read(file: Path) -> Page:
    page, section = Page(), Section("")
    for line in file.read_text(encoding="utf-8").splitlines():
        if heading := _HEADING.fullmatch(line):
            section = Section(heading["title"])
            page.by_title[section.title] = section
            if heading["number"]:
                page.by_number[int(heading["number"])] = section
        elif rule := _RULE.match(line):
            section.rules.add(int(rule["number"]))
            page.rules.add(int(rule["number"]))
        elif invariant := _INVARIANT.match(line):
            page.invariants.add(int(invariant["number"]))
    return page
