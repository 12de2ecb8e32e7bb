"""A command waits for its ticket's workflow (api.md, I17), by a clock that the test moves."""

from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from services.contracts.commands.update import UpdateOutcome
from services.contracts.ticket import TicketStart
from services.runtime.errors import Unavailable
from services.workflow.client import EngineUnavailable, NoWorkflow
from services.workflow.commands import delivery
from services.workflow.commands.delivery import PAUSE_SECONDS, SHORTEST_SECONDS, Door
from services.workflow.settings import WorkflowSettings

SETTINGS = WorkflowSettings()
UNSTARTED: Any = SimpleNamespace(row={"ticket_no": "1", "engine_id": None, "ended": False, "state": {}, "policy": {}})
STARTED: Any = SimpleNamespace(row={**UNSTARTED.row, "engine_id": "e"})


class Clock:
    """A clock that moves by what is waited, and by what each attempt `takes`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.starts: list[float] = []
        monkeypatch.setattr(delivery, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(delivery, "asyncio", SimpleNamespace(sleep=self.sleep))
        monkeypatch.setattr(TicketStart, "stored", lambda *_: None)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def require(self, _ticket_no: str) -> Any:
        return UNSTARTED

    async def entered(self, _ticket_no: str, id_: str) -> int | None:
        return 7 if id_ == "entered" else None

    async def start(self, _start: object) -> None:
        self.starts.append(self.now)

    def door(self) -> Door:
        stands_for_all: Any = self
        return Door(queries=stands_for_all, engine=stands_for_all, reconciler=stands_for_all, settings=SETTINGS)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def attempts(clock: Clock, outcomes: Sequence[Any], *, takes: float = 0.0) -> tuple[Any, list[float]]:
    """A way to give a command, with these outcomes, the last for ever; and the seconds that each attempt is given."""
    given: list[float] = []

    async def send(left: timedelta) -> UpdateOutcome:
        given.append(left.total_seconds())
        clock.now += takes
        outcome = outcomes[min(len(given), len(outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    return send, given


@pytest.mark.parametrize(("ticket", "seconds"), [(UNSTARTED, 5.0), (STARTED, 8.0)], ids=["unstarted", "started"])
async def test_an_engine_that_does_not_answer_is_given_the_set_time_once(
    clock: Clock, ticket: Any, seconds: float
) -> None:
    send, given = attempts(clock, [EngineUnavailable()])
    with pytest.raises(Unavailable) as refused:
        await clock.door().give(ticket, "c-1", send)
    assert (refused.value.code, refused.value.headers["Retry-After"]) == ("engine_unavailable", "2")
    assert (given, clock.starts) == ([seconds], [])


async def test_a_workflow_that_is_missing_is_started_and_gets_the_time_that_is_left(clock: Clock) -> None:
    done = object()
    send, given = attempts(clock, [NoWorkflow(), done], takes=1.0)
    assert await clock.door().give(UNSTARTED, "c-1", send) is done
    assert clock.starts == [1.0]
    assert given == [5.0, pytest.approx(5.0 - 1.0 - PAUSE_SECONDS)]


async def test_a_missing_workflow_whose_journal_holds_the_step_is_neither_started_nor_asked_again(clock: Clock) -> None:
    send, given = attempts(clock, [NoWorkflow()])
    assert (await clock.door().give(UNSTARTED, "entered", send)).version == 7
    assert (given, clock.starts) == ([5.0], [])


@pytest.mark.parametrize(("gone", "starts"), [(4.9, 1), (5.0, 1), (5.1, 0)])
async def test_after_the_set_time_a_missing_workflow_is_started_no_more(clock: Clock, gone: float, starts: int) -> None:
    send, given = attempts(clock, [NoWorkflow()], takes=gone)
    with pytest.raises(Unavailable) as refused:
        await clock.door().give(UNSTARTED, "c-1", send)
    assert refused.value.code == "engine_unavailable"
    assert len(clock.starts) == starts
    assert given == [5.0, SHORTEST_SECONDS][: starts + 1]
