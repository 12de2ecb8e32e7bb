"""Titles of policies and calendars: readers know them by their titles, not by their ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.contracts.publication import SubjectKind

ByLanguage = Mapping[str, str]


@dataclass(frozen=True)
class Titles:
    """Titles by id, for one language; what has none, or is not known, stands for itself."""

    language: str
    policies: Mapping[str, ByLanguage] = field(default_factory=dict)
    calendars: Mapping[str, ByLanguage] = field(default_factory=dict)

    def policy(self, identifier: str) -> str:
        """The policy's title."""
        return title_in(self.language, self.policies.get(identifier)) or identifier

    def calendar(self, identifier: str) -> str:
        """The calendar's title."""
        return title_in(self.language, self.calendars.get(identifier)) or identifier

    def of(self, kind: str, identifier: str) -> str:
        """The title of a publication's subject."""
        return self.policy(identifier) if kind == SubjectKind.POLICY else self.calendar(identifier)


def title_in(language: str, titles: ByLanguage | None) -> str:
    """A title in a language, else in any; empty for none."""
    return (titles or {}).get(language) or next(iter((titles or {}).values()), "")


def by_id(items: Iterable[Mapping[str, Any]]) -> dict[str, ByLanguage]:
    """The titles of a list."""
    return {each["id"]: each.get("title") or {} for each in items}
