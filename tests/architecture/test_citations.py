"""Citations of the specification in code lead somewhere: the page, the section, the rule, the invariant."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.architecture.specification import Page, pages
from tests.programs import CHECKOUT

CITING = ("services", "tests")
SUFFIXES = {".py", ".yaml", ".html", ".css", ".js"}
_EXAMPLES = {"test_citations.py", "test_links.py"}
"""These write citations and links that lead nowhere, to see them found."""
_ELSEWHERE = (CHECKOUT, CHECKOUT / "docs")

_SOME = r"\d+(?:(?:,\ and\ |,\ |\ and\ |\ to\ )\d+)*"
_CITATION = re.compile(
    rf"""(?<![\w./-])(?P<page>[a-z]+\.md)`?
    (?:
        (?:,?\ "(?P<title>[^"]+)"(?:\ (?P<rules>{_SOME}\b))?)
        | (?:,?\ (?:sections?\ )?(?P<section>\d+)\.(?P<item>\d+))
        | (?:,?\ (?:sections?\ )?(?P<sections>{_SOME}\b)(?:,\ steps?\ (?P<steps>{_SOME}))?)
    )?""",
    re.VERBOSE,
)
_INVARIANT = re.compile(r"\bI(\d{1,2})\b(?: to I(\d{1,2}))?")
_RULE = re.compile(rf"\b[Rr]ules? ({_SOME})\b")


def test_what_code_cites_of_the_specification_is_there() -> None:
    known, missing = pages(), list[str]()
    for place, text in _citing():
        missing += [f"{place}: {citation}" for citation in unknown(text, known)]
    assert missing == []


@pytest.mark.parametrize(
    "text",
    [
        "semantics.md 29",
        "semantics.md 21 to 29",
        "rule 29",
        "product.md 12",
        "product.md 3 and 12",
        "product.md section 12",
        "product.md 3.9",
        "product.md 3, step 9",
        'api.md, "Rules for some endpoints"',
        'architecture.md, "The ticket workflow" 9',
        "invariant I19",
        "invariants I14 to I19",
        "style.md",
    ],
)
def test_a_citation_of_what_is_not_there_is_found(text: str) -> None:
    assert list(unknown(f"Does something ({text}).", pages())) != []


@pytest.mark.parametrize(
    "text",
    [
        "semantics.md 12",
        "semantics.md 6 to 21",
        "rules 10 and 15",
        "product.md 3 and 5 and semantics.md 25",
        "product.md sections 3 to 5",
        "product.md 3.6",
        "product.md 3, steps 3 to 5",
        'api.md "Ticket view"',
        "api.md, POST /v1/feedback",
        'architecture.md, "The ticket workflow" 2',
        "invariants I2, I4",
        "settings.md",
    ],
)
def test_a_citation_of_what_is_there_is_none(text: str) -> None:
    assert list(unknown(f"Does something ({text}).", pages())) == []


def unknown(text: str, known: Mapping[str, Page]) -> Iterator[str]:
    """Citations in `text` that lead nowhere."""
    for found in _CITATION.finditer(text):
        if not _is_there(found, known):
            yield found[0]
    for found in _INVARIANT.finditer(text):
        if not {int(number) for number in found.groups() if number} <= known["invariants.md"].invariants:
            yield found[0]
    for found in _RULE.finditer(text):
        if not numbers(found[1]) <= known["semantics.md"].rules:
            yield found[0]


def numbers(text: str) -> set[int]:
    """The numbers of `3`, `3 and 5`, `3, 4` or `3 to 5`; of a stretch, its ends and what lies between."""
    every = set[int]()
    for part in re.split(r", and |, | and ", text):
        first, _, last = part.partition(" to ")
        every |= set(range(int(first), int(last or first) + 1))
    return every


def _is_there(found: re.Match[str], known: Mapping[str, Page]) -> bool:
    page = known.get(found["page"])
    if page is None:
        return any((folder / found["page"]).exists() for folder in _ELSEWHERE)
    if found["title"]:
        section = page.by_title.get(found["title"])
        return section is not None and numbers(found["rules"] or "1") <= (section.rules or {1})
    if found["section"]:
        section = page.by_number.get(int(found["section"]))
        return section is not None and int(found["item"]) in section.rules
    return _are_numbers_there(page, found["sections"], found["steps"])


def _are_numbers_there(page: Page, sections: str | None, steps: str | None) -> bool:
    if sections is None:
        return True
    cited = numbers(sections)
    if not page.by_number:
        return cited <= page.rules
    rules = set[int]().union(*(page.by_number[each].rules for each in cited if each in page.by_number))
    return cited <= set(page.by_number) and (steps is None or numbers(steps) <= rules)


def _citing() -> Iterator[tuple[str, str]]:
    for folder in CITING:
        for file in sorted((CHECKOUT / folder).rglob("*")):
            if file.suffix in SUFFIXES and "vendor" not in file.parts and file.name not in _EXAMPLES:
                yield str(file.relative_to(CHECKOUT)), _unbroken(file)


def _unbroken(file: Path) -> str:
    """The text with line ends inside of a sentence as spaces, so that a citation over two lines is one."""
    return re.sub(r"\s*\n[ \t]*(?:# )?", " ", file.read_text(encoding="utf-8"))
