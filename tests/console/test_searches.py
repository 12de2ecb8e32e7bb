"""Searches in addresses: sealed, one reader's, and for a shift."""

from datetime import UTC, datetime, timedelta

import pytest

from services.console.searches import LIFETIME, Searches
from services.runtime.security.sealing import Seal

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SEARCHES = Searches(Seal("secret", "searches"))
MOMENT = timedelta(seconds=1)


def test_a_search_is_opened_by_whoever_sealed_it_and_cannot_be_read() -> None:
    sealed = SEARCHES.close("13800001111 韩梅梅", "李雷", NOW)
    assert "1380000" not in sealed
    assert SEARCHES.open(sealed, "李雷", NOW) == "13800001111 韩梅梅"
    assert SEARCHES.open(sealed, "林涛", NOW) is None


@pytest.mark.parametrize(("age", "is_open"), [(LIFETIME - MOMENT, True), (LIFETIME, True), (LIFETIME + MOMENT, False)])
def test_a_search_lives_for_a_shift(age: timedelta, is_open: bool) -> None:
    sealed = SEARCHES.close("冰箱", "李雷", NOW)
    assert (SEARCHES.open(sealed, "李雷", NOW + age) == "冰箱") == is_open


@pytest.mark.parametrize("given", ["", "x", "....", "a.b.c.d.e", "é" * 40, "\x00", "{}", "eyJhbGciOiJkaXIifQ...."])
def test_what_nobody_sealed_opens_nothing(given: str) -> None:
    assert SEARCHES.open(given, "李雷", NOW) is None


def test_what_was_sealed_with_another_secret_or_damaged_opens_nothing() -> None:
    sealed = SEARCHES.close("冰箱", "李雷", NOW)
    assert Searches(Seal("another", "searches")).open(sealed, "李雷", NOW) is None
    assert SEARCHES.open(sealed[:-2], "李雷", NOW) is None
