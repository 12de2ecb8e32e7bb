"""Every decision has a number of its own, the form of the others, and a line in the index under its title."""

import re
from pathlib import Path

import pytest

from tests.programs import CHECKOUT

DECISIONS = CHECKOUT / "docs" / "decisions"
INDEX = (DECISIONS / "README.md").read_text(encoding="utf-8")
PAGES = sorted(DECISIONS.glob("[0-9]*.md"))
_PARTS = ("**Status.** ", "**Context.** ", "**Decision.** ", "**Consequence.** ")


def test_no_two_decisions_bear_one_number_and_none_is_left_out() -> None:
    assert [int(page.name[:4]) for page in PAGES] == list(range(1, len(PAGES) + 1))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_has_the_form_of_the_others_and_its_line_in_the_index(page: Path) -> None:
    heading, _, text = page.read_text(encoding="utf-8").partition("\n")
    number, _, title = heading.removeprefix("# ").partition(" ")
    assert number == page.name[:4]
    assert tuple(re.findall(r"^\*\*\w+\.\*\* ", text, re.MULTILINE)) == _PARTS
    assert f"- [{number}]({page.name}) {title}\n" in INDEX
