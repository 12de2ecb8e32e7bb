"""Alerts as the page shows them: in the order in which they want an answer, each with who was and who will be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from services.console.public_api.directory_names import KnownDirectory
from services.console.rendering.present import Countdown, Moment
from services.console.service import Page
from services.contracts.base import format_instant

VIEWS: Mapping[str, Sequence[str]] = {
    "open": ("open",),
    "taken": ("acknowledged", "snoozed"),
    "live": ("open", "acknowledged", "snoozed"),
    "resolved": ("resolved",),
}
"""The tabs of the page and the states that they show."""
_URGENCY = {"breach": 0, "low_rating": 1, "warning": 2}
_STATES = ("open", "snoozed", "acknowledged", "resolved")
_MORNING = time(9, 0)


@dataclass(frozen=True)
class ToldPerson:
    """One telling."""

    name: str
    rung: str
    at: Moment | None
    state: str


@dataclass(frozen=True)
class Alarm:
    """One alert; `alert` is the API's."""

    alert: Mapping[str, Any]
    headline: str
    clock: Countdown
    raised: Moment | None
    told: Sequence[ToldPerson]
    next_names: Sequence[str]
    next_at: Countdown | None
    holder: str
    until: Moment | None
    department: str
    owner: str


def in_order(alerts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Unanswered first: breaches, low ratings, warnings, the most overdue first. What is over comes newest first."""
    if all(alert["state"] == "resolved" for alert in alerts):
        return sorted(alerts, key=lambda alert: str(alert["resolved_at"]), reverse=True)
    return sorted(
        alerts,
        key=lambda alert: (
            _STATES.index(alert["state"]),
            _URGENCY.get(alert["threshold"], len(_URGENCY)),
            alert["due_at"],
            alert["id"],
        ),
    )


def alarm(page: Page, alert: Mapping[str, Any], directory: KnownDirectory) -> Alarm:
    """Put one alert into words."""
    present, words = page.present(), page.words
    following = alert["next"]
    names = [directory.person(each) for each in following["staff"] or ()] if following else []
    rungs = [words.of("rung", rung) for rung in following["rungs"]] if following else []
    return Alarm(
        alert=alert,
        headline=_headline(page, alert),
        clock=_late(page, alert),
        raised=present.moment(alert["raised_at"]),
        told=[
            ToldPerson(directory.person(each["staff"]), words.of("rung", each["rung"]), present.moment(each["at"]),
                 each["state"])
            for each in alert["told"]
        ],
        next_names=names or [page.words.text("alerts.next.rung", rung=rung) for rung in rungs],
        next_at=present.until(following["at"]) if following else None,
        holder=directory.person(alert["acknowledged_by"] or alert["handed_to"]),
        until=present.moment(alert["expires_at"] or alert["snoozed_until"]),
        department=directory.department(alert["department"]),
        owner=directory.person(alert["owner"]),
    )  # fmt: skip


def snooze_end(choice: str, page: Page) -> str | None:
    """The instant that a button of the page means: minutes, or 09:00 of tomorrow in the reader's zone."""
    if choice == "tomorrow":
        tomorrow = page.now.astimezone(page.zone).date() + timedelta(days=1)
        return format_instant(datetime.combine(tomorrow, _MORNING, page.zone))
    if choice in {"15", "60", "240"}:
        return format_instant((page.now + timedelta(minutes=int(choice))).replace(microsecond=0))
    return None


def _headline(page: Page, alert: Mapping[str, Any]) -> str:
    if alert["clock"] is None:
        return page.words.text(f"alerts.{alert['threshold']}")
    clock = page.words.of("clock", alert["clock"])
    return page.words.text(f"alerts.{alert['threshold']}", clock=clock)


def _late(page: Page, alert: Mapping[str, Any]) -> Countdown:
    """The time that it is late, or that is left; what is over stands still."""
    if alert["state"] == "resolved":
        return Countdown(
            "met", page.words.of("resolution", alert["resolution"]), due=page.present().moment(alert["due_at"])
        )
    return page.present().until(alert["due_at"])
