"""The part of an event's data that leaves the house: codes, identifiers and instants."""

from collections.abc import Mapping

from pydantic import JsonValue

WORDED = frozenset({"subcategory", "reason_code", "add", "remove"})
"""Words that people choose by themselves: subcategories, reasons and tags can hold a name or a number (I14). Who may
read the ticket finds them there."""


def thin(data: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The data without the words of people."""
    return {name: value for name, value in data.items() if name not in WORDED}
