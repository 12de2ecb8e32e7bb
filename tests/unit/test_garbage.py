"""A process's memory is bounded by what it holds, however long it runs."""

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from services.runtime.garbage import GROWTH, LEAST_GROWTH_BLOCKS, Collector


class Ring:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _by_hand() -> Iterator[None]:
    """No collection but those of the test."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(("growth", "collects"), [(-10_000, False), (10_000, True)], ids=["within", "beyond"])
def test_everything_is_collected_once_the_process_has_grown_by_its_limit_and_not_before(
    growth: int, *, collects: bool
) -> None:
    ring = weakref.ref(Ring())
    collector = Collector(limit=sys.getallocatedblocks() - growth)
    assert (collector.look(), ring() is None) == (collects, collects)


def test_the_next_collection_waits_for_a_quarter_more_and_for_as_much_as_is_worth_a_pause() -> None:
    collector = Collector()
    assert collector.look()
    held = sys.getallocatedblocks()
    expected = held + max(int(held * GROWTH), LEAST_GROWTH_BLOCKS)
    assert collector.limit == pytest.approx(expected, rel=0.05)
    assert not collector.look()


def test_garbage_of_many_rounds_never_holds_more_than_the_growth() -> None:
    collector = Collector()
    collector.look()
    most = collector.limit
    for _ in range(20):
        rings = [Ring() for _ in range(50_000)]
        del rings
        collector.look()
        assert collector.limit < most * 1.1
        assert sys.getallocatedblocks() < most * 1.25
