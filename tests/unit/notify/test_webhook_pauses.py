"""Pauses of a delivery that fails: four times as long each, up to the longest, until it is given up (api.md)."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notify.webhooks.pauses import Pauses

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def pauses(share: float = 0.5) -> Pauses:
    """From five seconds to six hours, for three days; each takes a share of the way from the shortest to the longest
    that chance allows."""
    return Pauses(5 * SECOND, 6 * HOUR, 3 * DAY, lambda a, b: a + (b - a) * share)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(1, 5), (2, 20), (3, 80), (4, 320), (5, 1280), (6, 5120), (7, 20480), (8, 21600), (9, 21600), (5000, 21600)],
)
def test_each_pause_is_four_times_as_long_up_to_the_longest(failures: int, seconds: int) -> None:
    assert pauses().next_try_at(NOW, failures, NOW, None) == NOW + seconds * SECOND


def test_chance_makes_a_pause_a_fifth_shorter_or_longer_and_no_more() -> None:
    assert [pauses(share).next_try_at(NOW, 1, NOW, None) for share in (0, 1)] == [NOW + 4 * SECOND, NOW + 6 * SECOND]


@pytest.mark.parametrize(
    ("asked_for", "granted"), [(SECOND, 5 * SECOND), (HOUR, HOUR), (6 * HOUR, 6 * HOUR), (7 * HOUR, 6 * HOUR)]
)
def test_a_receiver_is_left_alone_for_as_long_as_it_asks_within_the_longest_pause(
    asked_for: timedelta, granted: timedelta
) -> None:
    assert pauses().next_try_at(NOW, 1, NOW, asked_for) == NOW + granted


@pytest.mark.parametrize(
    ("failed_for", "next_in"), [(3 * DAY - HOUR, HOUR), (3 * DAY - SECOND, SECOND), (3 * DAY, None), (4 * DAY, None)]
)
def test_the_last_try_comes_when_the_time_is_up_and_none_after_it(
    failed_for: timedelta, next_in: timedelta | None
) -> None:
    next_at = pauses().next_try_at(NOW, 20, NOW - failed_for, None)
    assert next_at == (None if next_in is None else NOW + next_in)
