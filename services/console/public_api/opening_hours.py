"""Calendars that are open at this moment, and the one that each policy counts on, so that a clock that stands still
because the centre is closed does not look like one that is running out (semantics.md 7). And what both are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from services.console.public_api.client import ApiProblem, Desk
from services.console.public_api.titles import ByLanguage, Titles, by_id
from services.contracts.base import format_instant

_KNOWN_SECONDS = 20.0


@dataclass(frozen=True)
class Calendars:
    """`open_now` by calendar, `by_policy` the calendar of each policy."""

    open_now: Mapping[str, bool] = field(default_factory=dict)
    by_policy: Mapping[str, str] = field(default_factory=dict)
    policy_titles: Mapping[str, ByLanguage] = field(default_factory=dict)
    calendar_titles: Mapping[str, ByLanguage] = field(default_factory=dict)

    def of_policy(self, policy: Mapping[str, Any] | None) -> str | None:
        """The calendar of a ticket's policy; None where nothing is promised or the policy is not known here."""
        return self.by_policy.get(policy["id"]) if policy else None

    def titles(self, language: str) -> Titles:
        """Titles of policies and calendars in a language."""
        return Titles(language, self.policy_titles, self.calendar_titles)


class OpeningHours:
    """A copy, renewed after 20 s by whoever asks next. Policies and calendars are open to every role of staff."""

    def __init__(self) -> None:
        self._until = 0.0
        self._copy = Calendars()

    async def standing(self, desk: Desk, now: datetime) -> Calendars:
        """The copy; an older one while the API does not answer."""
        if self._until > monotonic():
            return self._copy
        try:
            policies, calendars = await desk.items("/v1/policies"), await desk.items("/v1/calendars")
            by_policy = {each["id"]: each["calendar"] for each in policies}
            opened = {each: await _is_open(desk, each, now) for each in set(by_policy.values())}
        except ApiProblem:
            return self._copy
        self._copy = Calendars(opened, by_policy, by_id(policies), by_id(calendars))
        self._until = monotonic() + _KNOWN_SECONDS
        return self._copy


async def _is_open(desk: Desk, calendar: str, now: datetime) -> bool:
    ends = format_instant(now + timedelta(seconds=1))
    check = {"op": "between", "at": format_instant(now), "until": ends}
    answer = await desk.post("/v1/calendars/evaluate", {"calendar_id": calendar, "checks": [check]})
    return bool(answer["results"][0]["seconds"])
