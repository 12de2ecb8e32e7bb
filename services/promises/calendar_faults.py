"""Faults of a calendar, of a file of one, or of a question to one: code, and a text in both languages."""

from collections.abc import Mapping
from typing import Any

from services.promises.wording import WORDING


class CalendarError(ValueError):
    """One thing wrong; `pointer` is a JSON pointer into what was sent, `facts` are what its text names."""

    def __init__(self, pointer: str, code: str, **facts: Any) -> None:
        self.words: Mapping[str, str] = WORDING.told("calendar_fault", code, facts)
        super().__init__(f"{pointer}: {self.words['en']}")
        self.pointer = pointer
        # A file without a zone lacks the same thing as a draft with a wrong one.
        self.code = "unknown_time_zone" if code == "no_time_zone" else code


class CalendarErrors(ValueError):
    """Everything wrong with a draft, at least one error."""

    def __init__(self, errors: tuple[CalendarError, ...]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors

    @classmethod
    def at(cls, pointer: str, code: str, **facts: Any) -> "CalendarErrors":
        """The only thing wrong."""
        return cls((CalendarError(pointer, code, **facts),))
