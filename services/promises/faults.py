"""Faults of a policy, in the words of whoever reads it: code, level, and a text in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.promises.wording import WORDING


class Level(StrEnum):
    """An error cannot be stored; a warning is stored and told."""

    ERROR = "error"
    WARNING = "warning"


_WARNINGS = frozenset({
    "not_checked", "promises_nothing", "urgency_without_target", "repeated", "warning_never_fires",
    "reminder_after_end", "condition_hidden", "unreachable", "not_compared", "overlaps", "hides", "not_last",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong; `pointer` is a JSON pointer into the policy, `facts` what its text names."""

    pointer: str
    code: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """Whether the policy can be stored with it."""
        return Level.WARNING if self.code in _WARNINGS else Level.ERROR

    @property
    def words(self) -> Mapping[str, str]:
        """The text in both languages, for what is refused before anybody looks at who reads it."""
        return WORDING.told("fault", self.code, self.facts)

    def says(self, language: str) -> str:
        """The text in Chinese (`zh`) or English."""
        return self.words[language]
