"""Dates that a feedback or a supplement cannot mean: what happened lies behind, what is wished for ahead."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.contracts.feedback import Feedback, Supplement
from services.intake.feedback.completeness import impossible_dates

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({}, None),
        ({"occurred_at": NOW + DAY}, None),
        ({"occurred_at": NOW + DAY + SECOND}, "/occurred_at"),
        ({"product": {"purchased_on": "2026-11-21"}}, None),
        ({"product": {"purchased_on": "2026-11-22"}}, "/product/purchased_on"),
        ({"expected_by": "2026-11-19"}, None),
        ({"expected_by": "2026-11-18"}, "/expected_by"),
        ({"expected_by": NOW - DAY}, None),
        ({"expected_by": NOW - 2 * DAY}, "/expected_by"),
        ({"expected_by": "9999-12-31"}, None),
    ],
)
def test_they_are_refused_at_their_field_with_a_day_to_spare(told: dict[str, Any], wrong: str | None) -> None:
    for read in (Feedback.model_validate({"channel": "web", "description": "x", **told}), Supplement(**told)):
        assert [error["pointer"] for error in impossible_dates(read, NOW)] == ([wrong] if wrong else [])
