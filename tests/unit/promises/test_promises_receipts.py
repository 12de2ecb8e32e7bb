"""First promises of many receipts in one minute are what each of them would be promised alone."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.contracts.policy import PackId, Policy
from services.contracts.vocabulary import Urgency
from services.promises import receipts
from services.promises.policies import built_in, first_promises
from services.promises.receipts import ReceiptPromises
from tests.unit.promises.test_promises_policies import CALENDARS, FACTS, policy

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
ODD: list[dict[str, Any]] = [
    {"response": {"target": "P3WD", "warn_at": [0.75, 0.5, "PT1H"]}},
    {"response": {"target": "P1WD", "warn_at": ["PT90S", "PT30WM", "P1WD"]}},
    {"response": {"target": "PT90S", "warn_at": [0.5]}, "acceptance": {"target": "PT45WS", "warn_at": [1 / 3]}},
    {"response": {"target": "PT2WH", "warn_at": ["PT1H", 0.1]}, "acceptance": {"target": "PT0.5S"}},
    {"response": {"target": "P2WD", "warn_at": [0.999]}, "acceptance": {"target": "PT100000WH", "warn_at": [1 / 7]}},
    {"response": {"target": "P1WD", "warn_at": [1e-9]}, "resolution": {"target": "P5WD", "warn_at": []}},
]
POLICIES = [*(built_in(pack).policies[0] for pack in PackId), *(policy(clocks=clocks) for clocks in ODD)]


MICROSECONDS = (5, 1_234_567, 17_000_001, 29_999_999, 30_000_000, 45_678_901, 0, 1, 59_999_999)


def _minutes() -> Iterator[datetime]:
    """Minutes of working days, holidays and weekends, most of them beside an opening or a closing."""
    for number in range(0, 360, 41):
        day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
        for hour, minute in ((0, 59), (1, 0), (3, 59), (4, 0), (5, 29), (5, 30), (7, 17), (9, 59), (10, 0), (23, 12)):
            yield day.replace(hour=hour, minute=minute)


@pytest.mark.parametrize("policy_", POLICIES, ids=lambda each: each.id)
@pytest.mark.parametrize("complete", [True, False])
def test_a_receipt_among_others_is_promised_what_it_is_promised_alone(policy_: Policy, complete: bool) -> None:
    shared = ReceiptPromises(policy_, CALENDARS)
    for minute in _minutes():
        for microsecond in MICROSECONDS:
            at = minute + timedelta(microseconds=microsecond)
            facts = replace(FACTS, urgency=Urgency.LOW if microsecond % 2 else Urgency.NORMAL)
            alone = first_promises(policy_, facts, at, complete, CALENDARS)
            assert shared.at(facts, at, complete) == alone, at


def test_from_the_third_receipt_of_a_minute_on_no_calendar_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(*given: Any) -> Any:
        asked.append(given[2])
        return first_promises(*given)

    monkeypatch.setattr(receipts, "first_promises", counted)
    minute = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)
    shared = ReceiptPromises(built_in().policies[0], CALENDARS)
    for second in range(1, 30):
        shared.at(FACTS, minute + timedelta(seconds=second), True)
    assert asked == [minute + timedelta(seconds=1), minute + MICROSECOND, minute + MINUTE - MICROSECOND]
    shared.at(FACTS, minute + MINUTE + MICROSECOND, True)
    assert asked[3:] == [minute + MINUTE + MICROSECOND]
