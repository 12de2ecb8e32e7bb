"""The directory and the journal of tickets, in the hand of tests of alerts."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services.contracts.base import format_instant
from services.runtime.service_client import ServiceClient

CREW: Mapping[str, Sequence[str]] = {
    "clerks": ("li-lei", "zhang-li"),
    "on_call": ("chen-chen",),
    "department_head": ("zhou-qiang",),
    "supervisor": ("wang-fang",),
    "admin": ("sun-lei",),
}
OWNER = "lin-tao"


class FakeDirectory(ServiceClient):
    """Knows who is found on which rung, and when they are reached; `down` lets it answer nothing."""

    def __init__(self) -> None:
        super().__init__("http://directory", "secret")
        self.crew = dict(CREW)
        self.hours: dict[str, dict[str, dict[str, str]]] = {}
        self.shifts: list[tuple[str, datetime, datetime]] = []
        self.begins = datetime.max.replace(tzinfo=UTC)
        self.generation = 1
        self.left: set[str] = set()
        self.down = False
        self.asked = 0
        """How often it was asked who is found."""

    async def send(self, _method: str, path: str, *, json: Any, **_: object) -> tuple[int, bytes]:  # type: ignore[override]
        """Answer as the directory does."""
        if self.down:
            raise ConnectionError
        if path == "/internal/people":
            return 200, _dumped({"generation": 1, "departments": [], "staff": []})
        self.asked += 1
        items = [self.crew.get(asked["rung"], ()) for asked in json["items"]]
        at = datetime.fromisoformat(json["hours_at"]) if json["hours_at"] else None
        present = [id_ for id_ in json["also"] if id_ not in self.left]
        return 200, _dumped({"items": items, "present": present, **(self._hours_at(at) if at else {})})

    def everybody_works(self, begins: datetime, ends: datetime) -> None:
        """Everybody but the administrators has hours from one instant until another, every week."""
        self.begins, hours = begins, weekly(begins, ends)
        self.hours = {staff: hours for rung in CREW if rung != "admin" for staff in CREW[rung]} | {OWNER: hours}

    def _hours_at(self, at: datetime) -> dict[str, Any]:
        on_shift = {staff for staff, begins, ends in self.shifts if begins <= at < ends}
        hours = [
            {
                "staff": staff,
                "on_shift": staff in on_shift,
                "hours": self.hours.get(staff),
                "time_zone": "UTC",
                "shifts": [tuple(map(format_instant, shift[1:])) for shift in self.shifts if shift[0] == staff],
            }
            for staff in {*self.hours, *(shift[0] for shift in self.shifts)}
        ]
        following = min((begins for _, begins, _ in self.shifts if begins > at), default=None)
        next_shift_at = format_instant(following) if following else None
        return {"hours": hours, "next_shift_at": next_shift_at, "generation": self.generation}


def weekly(begins: datetime, ends: datetime) -> dict[str, dict[str, str]]:
    """The weekly hours in UTC that hold from one full minute until another, less than a day later."""
    day = "{:%a}".format
    if begins.date() == ends.date():
        return {day(begins).lower(): {f"{begins:%H:%M}": f"{ends:%H:%M}"}}
    rest = {day(ends).lower(): {"00:00": f"{ends:%H:%M}"}} if f"{ends:%H:%M}" != "00:00" else {}
    return {day(begins).lower(): {f"{begins:%H:%M}": "24:00"}, **rest}


class FakeJournal(ServiceClient):
    """Keeps the remarks that it is told, each key once."""

    def __init__(self) -> None:
        super().__init__("http://tickets", "secret")
        self.remarks: dict[str, dict[str, Any]] = {}
        self.down = False
        self.broken: set[str] = set()
        """Tickets whose journal cannot be written."""

    async def send(self, _method: str, path: str, *, json: Any, **_: object) -> tuple[int, bytes]:  # type: ignore[override]
        """Enter a remark as the workflow service does."""
        if self.down or path.split("/")[3] in self.broken:
            raise ConnectionError
        self.remarks.setdefault(json["key"], {**json, "ticket_no": path.split("/")[3]})
        return 200, _dumped({"seq": len(self.remarks)})

    def of(self, alert_id: str) -> list[str]:
        """Remarks on an alert in the ticket's journal, in order."""
        return [it["type"] for it in self.remarks.values() if it["data"]["alert_id"] == alert_id]


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()
