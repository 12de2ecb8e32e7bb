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
from services.workflow.commands.delivery import PAUSE_SECONDS, SHORTEST_SECONDS, Door, Ended
from services.workflow.settings import WorkflowSettings

SETTINGS = WorkflowSettings()
UNSTARTED: Any = SimpleNamespace(
    row={"ticket_no": "1", "engine_id": None, "ended": False, "state": "new", "policy": {}}
)
STARTED: Any = SimpleNamespace(row={**UNSTARTED.row, "engine_id": "e"})
OVER: Any = SimpleNamespace(row={**UNSTARTED.row, "ended": True})


class Clock:
    """A clock that moves by what is waited, and by what each attempt `takes`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.stored: Any = UNSTARTED
        monkeypatch.setattr(delivery, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(delivery, "asyncio", SimpleNamespace(sleep=self.sleep))
        monkeypatch.setattr(TicketStart, "stored", lambda state, _: state)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def require(self, _ticket_no: str) -> Any:
        return self.stored

    async def entered(self, _ticket_no: str, id_: str) -> int | None:
        return 7 if id_ == "entered" else None

    def door(self) -> Door:
        stands_for_all: Any = self
        return Door(queries=stands_for_all, engine=stands_for_all, reconciler=stands_for_all, settings=SETTINGS)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Attempts:
    """A way to give a command, with these outcomes, the last for ever; `given` are the seconds that each attempt got,
    `starts` the states that it was to start a workflow from."""

    def __init__(self, clock: Clock, outcomes: Sequence[Any], *, takes: float = 0.0) -> None:
        self.clock, self.outcomes, self.takes = clock, outcomes, takes
        self.given: list[float] = []
        self.starts: list[object] = []

    async def send(self, left: timedelta, start: object) -> UpdateOutcome:
        self.given.append(left.total_seconds())
        self.starts.append(start)
        self.clock.now += self.takes
        outcome = self.outcomes[min(len(self.given), len(self.outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("ticket", "seconds", "start"),
    [(UNSTARTED, 5.0, "new"), (STARTED, 8.0, None), (OVER, 8.0, None)],
    ids=["unstarted", "started", "ended"],
)
async def test_an_engine_that_does_not_answer_is_given_the_set_time_once(
    clock: Clock, ticket: Any, seconds: float, start: str | None
) -> None:
    attempts = Attempts(clock, [EngineUnavailable()])
    with pytest.raises(Unavailable) as refused:
        await clock.door().give(ticket, "c-1", attempts.send)
    assert (refused.value.code, refused.value.headers["Retry-After"]) == ("engine_unavailable", "2")
    assert (attempts.given, attempts.starts) == ([seconds], [start])


async def test_a_workflow_that_is_lost_is_started_from_the_row_of_then_and_gets_the_time_that_is_left(
    clock: Clock,
) -> None:
    done = object()
    attempts = Attempts(clock, [NoWorkflow(), done], takes=1.0)
    clock.stored = SimpleNamespace(row={**STARTED.row, "state": "newer"})
    assert await clock.door().give(STARTED, "c-1", attempts.send) is done
    assert attempts.starts == [None, "newer"]
    assert attempts.given == [8.0, pytest.approx(8.0 - 1.0 - PAUSE_SECONDS)]


async def test_what_the_workflow_of_an_ended_ticket_did_not_get_is_not_given_to_another(clock: Clock) -> None:
    attempts = Attempts(clock, [NoWorkflow()])
    clock.stored = OVER
    with pytest.raises(Ended) as ended:
        await clock.door().give(STARTED, "c-1", attempts.send)
    assert ended.value.ticket is OVER
    assert attempts.starts == [None]


async def test_a_missing_workflow_whose_journal_holds_the_step_is_neither_started_nor_asked_again(clock: Clock) -> None:
    attempts = Attempts(clock, [NoWorkflow()])
    assert (await clock.door().give(STARTED, "entered", attempts.send)).version == 7
    assert (attempts.given, attempts.starts) == ([8.0], [None])


@pytest.mark.parametrize(("gone", "starts"), [(4.9, 1), (5.0, 1), (5.1, 0)])
async def test_after_the_set_time_a_missing_workflow_is_started_no_more(clock: Clock, gone: float, starts: int) -> None:
    attempts = Attempts(clock, [NoWorkflow()], takes=gone)
    with pytest.raises(Unavailable) as refused:
        await clock.door().give(UNSTARTED, "c-1", attempts.send)
    assert refused.value.code == "engine_unavailable"
    assert attempts.given == [5.0, SHORTEST_SECONDS][: starts + 1]
