"""Fields of a body that changes something: what is left out stays."""

from typing import Any

from pydantic import AfterValidator, BeforeValidator

from services.contracts.base import Unreadable


def _refuse_null(value: object) -> object:
    if value is None:
        raise Unreadable(
            zh="如需保留原值请省略此字段；不能为 null", en="leave the field out to keep it; it cannot be null"
        )
    return value


def _without_repeats(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


NotNull = BeforeValidator(_refuse_null)
"""An absent field keeps its value; null is a value only where the field may be empty."""

WithoutRepeats = AfterValidator(_without_repeats)
"""Of a list that has an order and no repeats."""
