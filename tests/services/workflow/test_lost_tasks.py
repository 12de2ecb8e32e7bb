"""A task that is lost after its step was written to the journal: one effect, and an answer to the command (I1, I4)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from services.contracts.recording import Schedule
from services.workflow.lifecycle.life import Life
from tests.services.system import System

Lose = Callable[[str, int], list[int]]


@pytest.fixture
def lose(monkeypatch: pytest.MonkeyPatch) -> Lose:
    """Lets tasks of a ticket fail after their batch is in the journal, where a worker would die before it could tell
    the engine; answers the versions that the failed tasks had reached."""
    enter, lost = Life.enter, list[int]()

    def begin(ticket_no: str, times: int) -> list[int]:
        def fail(life: Life, schedule: Schedule) -> None:
            if life.state.ticket_no == ticket_no and len(lost) < times:
                lost.append(life.state.version)
                raise RuntimeError("this task is lost")
            enter(life, schedule)

        monkeypatch.setattr(Life, "enter", fail)
        return lost

    return begin


async def events(system: System, ticket_no: str) -> list[dict[str, Any]]:
    """The ticket's journal, as an auditor reads it."""
    items: list[dict[str, Any]] = (await system.get(f"/v1/tickets/{ticket_no}/timeline", by="郑洁"))["items"]
    return items


async def test_a_step_whose_task_is_lost_has_one_effect_and_its_command_an_answer(system: System, lose: Lose) -> None:
    ticket_no = await system.accepted()
    before = await events(system, ticket_no)
    lost = lose(ticket_no, 1)
    answer = await system.insist(
        f"/v1/tickets/{ticket_no}/respond", {"message": "您好"}, by="林涛", Idempotency_Key="r"
    )
    assert answer.status_code == 200
    after = await events(system, ticket_no)
    assert lost == [answer.json()["version"]]
    assert [event["type"] for event in after[len(before) :]] == ["ticket.responded"]
    assert [event["seq"] for event in after] == list(range(1, len(after) + 1))
    view = await system.do(ticket_no, "progress", {"message": "配件已订购", "visible": False}, by="林涛")
    assert view["version"] == len(after) + 1


async def test_commands_that_share_a_lost_task_take_effect_once_each(system: System, lose: Lose) -> None:
    ticket_no = await system.accepted()
    lost = lose(ticket_no, 2)
    answers = await asyncio.gather(
        *(
            system.insist(
                f"/v1/tickets/{ticket_no}/progress", {"message": key, "visible": False}, by="林涛", Idempotency_Key=key
            )
            for key in ("p-1", "p-2", "p-3")
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len(lost) == 2
    after = await events(system, ticket_no)
    assert [event["type"] for event in after].count("ticket.progressed") == 3
    assert [event["seq"] for event in after] == list(range(1, len(after) + 1))
    assert {answer.json()["version"] for answer in answers} <= {event["seq"] for event in after}
