"""The people of a log: a department for each section, a member of staff for each resource."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.commands.rehearsal.event_map import department_id, username
from services.commands.rehearsal.log import Case
from services.commands.rehearsal.requests import RefusedRequest, RequestSender
from services.contracts.directory import StaffRole

ALREADY_EXISTS = "already_exists"


async def furnish(sender: RequestSender, cases: Sequence[Case]) -> Mapping[str, str]:
    """Make the departments and staff that are not there yet; answer the id of the member of staff of each resource.

    Who works in one section belongs to its department; who works in several serves the whole centre.
    """
    events = [event for case in cases for event in case.events]
    for section in _each(event.section for event in events):
        await _make(sender, "/v1/departments", {"id": department_id(section), "name": f"Section {section}"})
    worked: dict[str, set[str]] = {resource: set() for resource in _each(event.resource for event in events)}
    for event in events:
        if event.resource and event.section:
            worked[event.resource].add(event.section)
    known = await _staff(sender)
    for resource, sections in worked.items():
        if username(resource) not in known:
            await _make(sender, "/v1/staff", _member(resource, sections))
    if any(username(resource) not in known for resource in worked):
        known = await _staff(sender)
    return {resource: known[username(resource)] for resource in worked}


def _member(resource: str, sections: set[str]) -> dict[str, Any]:
    return {
        "username": username(resource),
        "name": f"Resource {resource}",
        "roles": [StaffRole.HANDLER],
        "department": department_id(*sections) if len(sections) == 1 else None,
    }


async def _make(sender: RequestSender, path: str, body: Mapping[str, Any]) -> None:
    try:
        await sender.post(path, body)
    except RefusedRequest as refusal:
        if refusal.code != ALREADY_EXISTS:
            raise


async def _staff(sender: RequestSender) -> Mapping[str, str]:
    """The ids of all staff by user name."""
    found: dict[str, str] = {}
    cursor: dict[str, str] = {}
    while True:
        page = await sender.get("/v1/staff", limit="200", **cursor)
        found |= {member["username"]: member["id"] for member in page["items"]}
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def _each(values: Iterable[str]) -> Sequence[str]:
    return [value for value in dict.fromkeys(values) if value]
