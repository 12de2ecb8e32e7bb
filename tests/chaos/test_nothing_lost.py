"""Processes die in the middle of the work: nothing is lost or twice, no due time moves (I1, I2, I7, I10, I11)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.chaos.load import FEEDBACK, STEPS, Load, Written
from tests.stack import Stack, wait_until

KILLS = 5
EVERYTHING = ("up", "web", "worker", "temporal", "postgres")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    own = Stack(tmp_path_factory.mktemp("chaos") / "home")
    try:
        own.start()
        with own.client() as client:
            _promise_seconds_to_praise(client)
        yield own
    finally:
        own.stop()


def _promise_seconds_to_praise(client: httpx.Client) -> None:
    policy = {"calendar": "always", "applies": [{"kind": ["praise"]}], "clocks": {"acceptance": {"target": "PT6S"}}}
    client.put("/v1/policies/seconds", params={"publish": "true"}, json=policy).raise_for_status()


@pytest.mark.parametrize(
    "victims",
    [("worker",), ("web",), ("temporal",), ("postgres",), EVERYTHING],
    ids=["worker", "web", "engine", "postgresql", "everything"],
)
def test_killed_in_the_middle_of_the_work(stack: Stack, victims: tuple[str, ...]) -> None:
    planted, short = _plant(stack, "consultation"), _plant(stack, "praise")
    with Load(stack) as load:
        _until_begun(load, 4)
        stack.kill(*victims)
        if "up" in victims:
            stack.start()
        stack.wait_until_ready()
        _until_begun(load, len(load.tickets) + 4)
    assert load.refused == []
    with stack.client() as client:
        _check_every_ticket(client, load)
        _check_promises(client, planted)
        _check_one_breach(client, short)


def test_a_worker_that_is_killed_again_and_again_between_journal_and_engine_takes_no_step_twice(stack: Stack) -> None:
    with Load(stack, threads=8) as load:
        for kills in range(1, KILLS + 1):
            _until_begun(load, kills * 4)
            stack.kill("worker")
            stack.wait_until_ready()
        _until_begun(load, len(load.tickets) + 4)
    assert load.refused == []
    with stack.client() as client:
        _check_every_ticket(client, load)


def test_a_deleted_engine_store_is_rebuilt_from_postgresql(stack: Stack) -> None:
    planted, short = _plant(stack, "consultation"), _plant(stack, "praise")
    stack.kill(*EVERYTHING)
    for file in stack.home.glob("temporal.db*"):
        file.unlink()
    stack.start()
    with stack.client() as client:
        _check_promises(client, planted)
        _check_one_breach(client, short)
        number = planted["ticket_no"]
        wait_until(lambda: client.post(f"/v1/tickets/{number}/accept").is_success, 60)
        assert _ticket(client, number)["phase"] == "processing.assigned"


def _until_begun(load: Load, count: int) -> None:
    wait_until(lambda: len(load.tickets) >= count, 60)


def _plant(stack: Stack, kind: str) -> dict[str, Any]:
    """A ticket that nobody touches, as it is shown before the fault."""
    body = {**FEEDBACK, "kind": kind, "customer": {"name": "韩梅梅", "email": "h@example.com"}, "description": "请问"}
    with stack.client() as client:
        number = client.post("/v1/feedback", json=body).raise_for_status().json()["ticket_no"]
        return _ticket(client, number)


def _ticket(client: httpx.Client, number: str) -> dict[str, Any]:
    view: dict[str, Any] = client.get(f"/v1/tickets/{number}").raise_for_status().json()
    return view


def _check_every_ticket(client: httpx.Client, load: Load) -> None:
    numbers = [written.registered["ticket_no"] for written in load.tickets]
    assert len(set(numbers)) == len(numbers)
    listed = [view["ticket_no"] for view in _all(client, "/v1/tickets", kind="fault")]
    assert len(set(listed)) == len(listed)
    assert set(numbers) <= set(listed)
    for written in load.tickets:
        _check_ticket(client, written)


def _check_ticket(client: httpx.Client, written: Written) -> None:
    number = written.registered["ticket_no"]
    assert client.get(f"/v1/feedback/{number}").raise_for_status().json()["description"] == written.description
    events = list(_all(client, f"/v1/tickets/{number}/timeline"))
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert written.steps == [name for name, _ in STEPS]
    types = [event["type"] for event in events if event["type"].startswith("ticket.")]
    assert types == [
        "ticket.received",
        "ticket.accepted",
        "ticket.responded",
        "ticket.planned",
        "ticket.resolved",
        "ticket.callback_recorded",
        "ticket.closed",
    ]


def _check_promises(client: httpx.Client, before: dict[str, Any]) -> None:
    after = _ticket(client, before["ticket_no"])
    assert after["clocks"] == before["clocks"]
    assert after["next_due_at"] == before["next_due_at"]


def _check_one_breach(client: httpx.Client, before: dict[str, Any]) -> None:
    """The promise of a few seconds fell due while something was dead, or right after."""
    number, due_at = before["ticket_no"], before["clocks"][0]["due_at"]

    def breaches() -> list[dict[str, Any]]:
        events = _all(client, f"/v1/tickets/{number}/timeline")
        return [event for event in events if event["type"] == "clock.breached"]

    wait_until(lambda: bool(breaches()), 90)
    assert [event["at"] for event in breaches()] == [due_at]
    detected = datetime.fromisoformat(breaches()[0]["data"]["detected_at"])
    assert detected > datetime.fromisoformat(due_at)


def _all(client: httpx.Client, path: str, **params: str) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        asked = {**params, "limit": "200", **({"cursor": cursor} if cursor else {})}
        page = client.get(path, params=asked).raise_for_status().json()
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return
