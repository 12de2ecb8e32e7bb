"""Instants that a body tells: one that is still to come, or one that has passed, by the clocks of two machines."""

from datetime import datetime, timedelta

from services.runtime.errors import ValidationFailed

TOLERANCE = timedelta(minutes=1)
"""What is allowed for where a caller only tells an instant. What our own clock acts on is taken by our own clock."""


def require_to_come(pointer: str, at: datetime | None, now: datetime) -> None:
    """Refuse a told instant that lies behind.

    Raises:
        ValidationFailed: `in_the_past` at `pointer`.
    """
    if at is not None and at < now - TOLERANCE:
        raise ValidationFailed.at(
            pointer, "in_the_past", {"en": "give an instant that is still to come", "zh": "请填写尚未到来的时间"}
        )


def require_passed(pointer: str, at: datetime | None, now: datetime, why: dict[str, str]) -> None:
    """Refuse a told instant that is still to come; `why` says so in both languages.

    Raises:
        ValidationFailed: `in_the_future` at `pointer`.
    """
    if at is not None and at > now + TOLERANCE:
        raise ValidationFailed.at(pointer, "in_the_future", why)
