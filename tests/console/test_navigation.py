"""The main navigation marks where the reader is."""

import pytest

from services.console.navigation import ENTRIES, PROMISES
from services.console.promises import TABS


@pytest.mark.parametrize("address", [*(address for _, address, _ in TABS), *PROMISES])
def test_a_page_about_promises_and_what_lies_below_it_is_marked_as_such(address: str) -> None:
    for path in (address, f"{address}/cn/edit"):
        assert [entry.name for entry in ENTRIES if entry.is_open(path)] == ["policies"]


def test_an_address_that_only_begins_like_a_page_is_none_of_it() -> None:
    assert not [entry for entry in ENTRIES if entry.is_open("/policies-of-others")]
