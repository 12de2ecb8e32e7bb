"""Gauges of tickets, told without asking the engine (architecture, "Never late, never silent")."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import insert, update

from services.contracts.journal import SYSTEM, Event, EventType
from services.contracts.names import Role
from services.contracts.vocabulary import ClockName, ClockState, Phase
from services.runtime.postgres.database import Database
from services.workflow import gauges
from services.workflow.journal.metrics import measure
from services.workflow.tables import clocks, journal
from tests.ports import free_port
from tests.services.system import System, running, until

WITHOUT_ENGINE = (Role.INTAKE, Role.RELAY, Role.TICKETS, Role.DIRECTORY)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture(scope="module")
async def alone(
    fresh_database: Callable[[], AbstractAsyncContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[System]:
    """A system whose engine is down: nobody but SQL notices that a clock is due."""
    folder = tmp_path_factory.mktemp("alone")
    async with (
        fresh_database() as url,
        running(url, f"127.0.0.1:{free_port()}", folder, roles=WITHOUT_ENGINE) as system,
    ):
        yield system


async def registered(system: System, **changes: Any) -> str:
    """A ticket that the relay has handed over."""
    ticket_no = await system.register(**changes)

    async def is_there() -> bool:
        return (await system.call("GET", f"/v1/tickets/{ticket_no}")).status_code == 200

    await until(is_there)
    return ticket_no


def figure(name: str, **labels: str) -> float:
    """The figure at this moment; nothing counts as none."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def overdue(database: Database, missing: str) -> float:
    """Count, and answer how many are overdue without a breach, or without an alert."""
    await gauges.count(database)
    return figure("bihuan_clocks_overdue_unalerted", missing=missing)


async def put(database: Database, ticket_no: str, **values: Any) -> None:
    """Change the acceptance clock of a ticket."""
    mine = (clocks.c.ticket_no == ticket_no) & (clocks.c.name == ClockName.ACCEPTANCE)
    async with database.begin() as connection:
        await connection.execute(update(clocks).where(mine).values(**values))


async def raise_alert(database: Database, ticket_no: str, seq: int, at: datetime, **data: str) -> None:
    """Enter what the alerts remark in the journal."""
    row = {
        "ticket_no": ticket_no,
        "seq": seq,
        "type": EventType.ALERT_RAISED,
        "at": at,
        "recorded_at": at,
        "actor_kind": SYSTEM.kind,
        "actor_id": SYSTEM.id,
        "to_phase": Phase.REVIEW,
        "cycle": 1,
        "data": data,
        "hash": secrets.token_bytes(32),
    }
    async with database.begin() as connection:
        await connection.execute(insert(journal), [row])


async def test_with_the_engine_down_a_clock_counts_as_overdue_from_its_due_instant_on(alone: System) -> None:
    ticket_no = await registered(alone)
    before = await overdue(alone.database, "breach")
    await put(alone.database, ticket_no, due_at=datetime.now(UTC) + HOUR)
    assert await overdue(alone.database, "breach") == before
    await put(alone.database, ticket_no, due_at=datetime.now(UTC) - SECOND)
    assert await overdue(alone.database, "breach") == before + 1
    await put(alone.database, ticket_no, state=ClockState.PAUSED, due_at=None)
    assert await overdue(alone.database, "breach") == before


async def test_an_excused_breach_and_one_that_a_promise_put_off_need_no_alert(alone: System) -> None:
    ticket_no, due_at = await registered(alone), datetime.now(UTC) - SECOND
    breaches, alerts = await overdue(alone.database, "breach"), await overdue(alone.database, "alert")
    await put(alone.database, ticket_no, state=ClockState.BREACHED, due_at=due_at, breached_at=due_at)
    assert await overdue(alone.database, "alert") == alerts + 1
    await put(alone.database, ticket_no, excused_at=due_at + SECOND)
    assert await overdue(alone.database, "alert") == alerts
    promised = await registered(alone)
    await put(alone.database, promised, due_at=due_at)
    assert await overdue(alone.database, "breach") == breaches + 1
    await put(alone.database, promised, due_at=due_at + HOUR)
    assert await overdue(alone.database, "breach") == breaches


async def test_a_breached_clock_counts_as_overdue_until_its_alert_is_raised(alone: System) -> None:
    ticket_no = await registered(alone)
    before = await overdue(alone.database, "alert")
    due_at = datetime.now(UTC) - SECOND
    await put(alone.database, ticket_no, state=ClockState.BREACHED, due_at=due_at, breached_at=due_at)
    assert await overdue(alone.database, "alert") == before + 1
    await raise_alert(alone.database, ticket_no, 2, due_at - HOUR, clock="acceptance", threshold="breach")
    await raise_alert(alone.database, ticket_no, 3, due_at + SECOND, clock="acceptance", threshold="warning")
    await raise_alert(alone.database, ticket_no, 4, due_at + SECOND, clock="response", threshold="breach")
    assert await overdue(alone.database, "alert") == before + 1, "those were other alerts"
    await raise_alert(alone.database, ticket_no, 5, due_at + SECOND, clock="acceptance", threshold="breach")
    assert await overdue(alone.database, "alert") == before


async def test_a_clock_met_late_is_not_overdue_any_more(alone: System) -> None:
    ticket_no = await registered(alone)
    before = await overdue(alone.database, "alert")
    await put(alone.database, ticket_no, state=ClockState.BREACHED, breached_at=datetime.now(UTC) - SECOND)
    assert await overdue(alone.database, "alert") == before + 1
    await put(alone.database, ticket_no, state=ClockState.MET_LATE)
    assert await overdue(alone.database, "alert") == before


async def test_an_outage_is_counted_up_to_a_bound(alone: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "MOST_OVERDUE", 1)
    for _ in range(2):
        await put(alone.database, await registered(alone), due_at=datetime.now(UTC) - SECOND)
    assert await overdue(alone.database, "breach") == 1


async def test_open_tickets_and_their_clocks_are_counted_by_what_they_are(alone: System) -> None:
    urgent = {"status": "pending", "phase": "pending.review", "urgency": "urgent"}
    await gauges.count(alone.database)
    tickets_before = figure("bihuan_tickets_open", **urgent)
    clocks_before = figure("bihuan_clocks_live", clock="acceptance", state="running")
    ticket_no = await registered(alone, urgency="urgent")
    await gauges.count(alone.database)
    assert figure("bihuan_tickets_open", **urgent) == tickets_before + 1
    assert figure("bihuan_clocks_live", clock="acceptance", state="running") == clocks_before + 1
    await put(alone.database, ticket_no, state=ClockState.MET)
    await gauges.count(alone.database)
    assert figure("bihuan_clocks_live", clock="acceptance", state="running") == clocks_before


async def test_the_running_service_counts_by_itself(alone: System) -> None:
    assert figure("bihuan_tickets_counted_timestamp_seconds") > 0
    metrics = (await alone.http.get(f"{alone.internal}/metrics")).text
    assert 'bihuan_clocks_overdue_unalerted{missing="breach"}' in metrics


def breach(**data: Any) -> Event:
    """A breach of the response clock, due an hour ago and detected at once unless told otherwise."""
    due_at = datetime.now(UTC) - HOUR
    detected_at = due_at + data.pop("late", timedelta())
    return Event(
        seq=2,
        type=EventType.CLOCK_BREACHED,
        at=due_at,
        actor=SYSTEM,
        from_phase=Phase.REVIEW,
        to_phase=Phase.REVIEW,
        cycle=1,
        data={"clock": "response", "detected_at": detected_at.isoformat(), **data},
    )


def test_the_platforms_own_delay_is_measured_from_the_due_instant_to_the_detection() -> None:
    before = {name: figure(f"bihuan_clock_detection_seconds_{name}") for name in ("count", "sum")}
    breaches = figure("bihuan_clock_breaches_total", clock="response")
    measure([breach(late=1.5 * SECOND), breach(late=0.5 * SECOND)])
    assert figure("bihuan_clock_detection_seconds_count") == before["count"] + 2
    assert figure("bihuan_clock_detection_seconds_sum") == pytest.approx(before["sum"] + 2.0)
    assert figure("bihuan_clock_breaches_total", clock="response") == breaches + 2
    assert figure("bihuan_ticket_events_total", type="clock.breached") >= 2


def test_a_due_time_moved_into_the_past_is_a_breach_but_no_delay_of_the_platform() -> None:
    before = figure("bihuan_clock_detection_seconds_count")
    breaches = figure("bihuan_clock_breaches_total", clock="response")
    measure([breach(late=HOUR, retargeted=True)])
    assert figure("bihuan_clock_detection_seconds_count") == before
    assert figure("bihuan_clock_breaches_total", clock="response") == breaches + 1


async def test_a_system_at_work_tells_its_figures_and_those_of_its_workers_and_names_no_ticket(system: System) -> None:
    ticket_no = await system.closed()
    metrics = (await system.http.get(f"{system.internal}/metrics")).text
    for name in (
        "bihuan_ticket_events_total",
        "bihuan_ticket_workflows_started_total",
        "bihuan_http_request_seconds_bucket",
        "temporal_num_pollers",
        "temporal_workflow_task_execution_latency_seconds_bucket",
    ):
        assert f"\n{name}{{" in metrics or f"\n{name} " in metrics, name
    assert ticket_no not in metrics


def test_a_callback_recorded_late_is_counted_and_one_in_time_is_not() -> None:
    before = figure("bihuan_callbacks_recorded_late_total")
    for late in (False, None, True):
        measure([_called(recorded_late=late)])
    assert figure("bihuan_callbacks_recorded_late_total") == before + 1


def _called(**data: bool | None) -> Event:
    return Event(
        seq=9, type=EventType.CALLBACK_RECORDED, at=datetime.now(UTC), actor=SYSTEM, from_phase=Phase.AWAITING_CALLBACK,
        to_phase=Phase.CLOSED, cycle=1, data={"outcome": "satisfied", **data},
    )  # fmt: skip
