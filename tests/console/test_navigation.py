"""The main navigation marks where the reader is."""

import pytest

from services.console.promises.catalogue import TABS
from services.console.rendering.navigation import ENTRIES, PROMISES, entries_for
from services.contracts.permissions import Action


@pytest.mark.parametrize("address", [*(address for _, address, _ in TABS), *PROMISES])
def test_a_page_about_promises_and_what_lies_below_it_is_marked_as_such(address: str) -> None:
    for path in (address, f"{address}/cn/edit"):
        assert [entry.name for entry in ENTRIES if entry.is_open(path)] == ["policies"]


def test_the_shifts_are_in_everybodys_navigation_once() -> None:
    readers = [{Action.READ_DIRECTORY}, {Action.READ_DIRECTORY, Action.WRITE_DIRECTORY}]
    marked = [[entry.name for entry in entries_for(each) if entry.is_open("/people/on-call")] for each in readers]
    assert marked == [["on_call"], ["people"]]


def test_an_address_that_only_begins_like_a_page_is_none_of_it() -> None:
    assert not [entry for entry in ENTRIES if entry.is_open("/policies-of-others")]
