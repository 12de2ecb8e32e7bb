"""The stream of alerts: what changed, in order, without a gap, for those who may see it (invariants I16, I17)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.contracts.directory import Scope, StaffRole
from services.notify.alerts import stream
from services.runtime.security.auth import mint_token
from tests.services.system import OWN, System, alerted, until


class Listener:
    """Somebody who listens: every event as it came, `(kind, id, data)`."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, Any]] = []
        self.ended = False

    async def read(self, answer: httpx.Response) -> None:
        """Read until the stream ends."""
        fields: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if not line:
                if "event" in fields:
                    self.events.append((fields["event"], fields["id"], json.loads(fields["data"])))
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
        self.ended = True

    def of(self, alert_id: str) -> list[str]:
        """States in which an alert came."""
        return [data["state"] for kind, _, data in self.events if kind == "alert" and data["id"] == alert_id]

    @property
    def place(self) -> str:
        """The id of the last event."""
        return self.events[-1][1]

    async def has(self, alert_id: str, state: str) -> None:
        """Wait until an alert has come in a state."""

        async def came() -> bool:
            return state in self.of(alert_id)

        await until(came, 30)


@asynccontextmanager
async def listening(system: System, *, by: str = "李雷", after: str | None = None) -> AsyncIterator[Listener]:
    """Open the stream and read it until the block ends."""
    headers = {"Authorization": f"Bearer {system.tokens[by]}", **({"Last-Event-ID": after} if after else {})}
    listener = Listener()
    async with system.http.stream("GET", "/v1/alerts/stream", headers=headers, timeout=60) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        reading = asyncio.create_task(listener.read(answer))

        async def has_begun() -> bool:
            return bool(listener.events)

        await until(has_begun)
        try:
            yield listener
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def acknowledge(system: System, alert_id: str, *, by: str = "李雷") -> None:
    assert (await system.insist(f"/v1/alerts/{alert_id}/acknowledge", {}, by=by)).status_code == 200


async def an_alert(system: System) -> str:
    return await alerted(system, await system.accepted())


async def test_an_alert_comes_when_it_is_raised_and_whenever_it_changes(system: System) -> None:
    async with listening(system) as listener:
        alert_id = await an_alert(system)
        await listener.has(alert_id, "open")
        await acknowledge(system, alert_id)
        await listener.has(alert_id, "acknowledged")
    _, _, last = next(event for event in reversed(listener.events) if event[2].get("id") == alert_id)
    shown = await system.get(f"/v1/alerts/{alert_id}")
    # What becomes of its notices moves on by itself.
    assert {**last, "told": ()} == {**shown, "told": ()}


async def test_a_stream_begins_now_and_with_a_list_s_position_where_the_list_was_read(system: System) -> None:
    before = await an_alert(system)
    position = (await system.get("/v1/alerts"))["position"]
    await acknowledge(system, before)
    async with listening(system, after=position) as resumed, listening(system) as fresh:
        await resumed.has(before, "acknowledged")
        later = await an_alert(system)
        await fresh.has(later, "open")
    assert fresh.of(before) == []


async def test_whoever_comes_back_with_the_last_id_misses_nothing_and_gets_nothing_old(system: System) -> None:
    seen = await an_alert(system)
    async with listening(system) as first:
        await acknowledge(system, seen)
        await first.has(seen, "acknowledged")
    missed = [await an_alert(system) for _ in range(3)]
    async with listening(system, after=first.place) as second:
        for alert_id in missed:
            await second.has(alert_id, "open")
    assert second.of(seen) == []


async def test_many_changes_at_once_come_without_a_gap(system: System) -> None:
    tickets = [await system.accepted() for _ in range(15)]
    async with listening(system) as listener:
        raised = await asyncio.gather(*(alerted(system, ticket_no) for ticket_no in tickets))
        await asyncio.gather(*(acknowledge(system, alert_id) for alert_id in raised))
        for alert_id in raised:
            await listener.has(alert_id, "acknowledged")


async def test_another_department_hears_nothing(system: System) -> None:
    async with listening(system, by="赵敏") as stranger, listening(system) as listener:
        alert_id = await an_alert(system)
        await listener.has(alert_id, "open")
        await acknowledge(system, alert_id)
        await listener.has(alert_id, "acknowledged")
    assert [kind for kind, _, _ in stranger.events] == ["position"]


async def test_a_place_that_no_event_has_is_refused(system: System) -> None:
    for place in ("x", "WyJhIiwxXQ", "WzE4NDQ2NzQ0MDczNzA5NTUxNjE2LCIiXQ", "WzEsMl0"):
        answer = await system.call("GET", "/v1/alerts/stream", by="李雷", Last_Event_ID=place)
        assert answer.status_code == 422, place


async def test_a_stream_ends_when_the_sign_in_does(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.2)
    system.tokens["brief"] = mint_token(
        system.signing_key,
        staff_id=system.ids["李雷"],
        name="李雷",
        username="lilei",
        roles=["clerk"],
        department=OWN,
        lifetime=timedelta(seconds=2),
    )
    async with listening(system, by="brief") as listener:

        async def has_ended() -> bool:
            return listener.ended

        await until(has_ended, 30)


@pytest.mark.parametrize("way", ["signs out", "leaves", "has other rights", "its key is revoked"])
async def test_a_stream_ends_within_seconds_when_whoever_opened_it(system: System, way: str) -> None:
    name = f"listener who {way}"
    if way.startswith("its"):
        await system.issue_key(name, Scope.ALERTS_READ)
    else:
        await system.hire(name, StaffRole.SUPERVISOR, OWN)
    async with listening(system, by=name) as listener:
        path = f"/v1/{'api-keys' if way.startswith('its') else 'staff'}/{system.ids[name]}"
        if way == "signs out":
            assert (await system.call("POST", "/v1/me/sign-out", by=name)).status_code == 200
        else:
            change = {"roles": ["clerk"]} if way == "has other rights" else {"active": False}
            assert (await system.call("PATCH", path, change, by="admin")).status_code == 200

        async def has_ended() -> bool:
            return listener.ended

        await until(has_ended, stream.HEARTBEAT_SECONDS - 5)
    assert (await system.call("GET", "/v1/alerts", by=name)).status_code == (200 if way == "has other rights" else 401)


async def test_a_caller_opens_only_so_many_streams_and_a_closed_one_makes_room(system: System) -> None:
    async with AsyncExitStack() as held:
        for _ in range(stream.MOST_OF_ONE_CALLER):
            await held.enter_async_context(listening(system, by="王芳"))
        refused = await system.peek("/v1/alerts/stream", by="王芳")
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
        assert (await system.peek("/v1/alerts/stream", by="林涛")).status_code == 200

    async def opens() -> bool:
        return (await system.peek("/v1/alerts/stream", by="王芳")).status_code == 200

    await until(opens)
