"""First answers to commands are written behind the response; whoever repeats in between is answered right (0111)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, null, select, update

from services.runtime.errors import Unavailable
from services.runtime.postgres.database import Database
from services.workflow.commands import first_answers
from services.workflow.commands.first_answers import FirstAnswers
from services.workflow.tables import commands
from tests.services.system import System, until


async def _store(database: Database, *ids: str) -> None:
    row = {"ticket_no": "20261122001", "name": "chase", "caller": "staff:1", "body_hash": "", "body": {}, "command": {}}
    async with database.autocommit() as connection:
        await connection.execute(insert(commands), [{"id": id_, "key": id_, **row} for id_ in ids])


async def _kept(database: Database, id_: str) -> Any:
    return await database.scalar(select(commands.c.answer).where(commands.c.id == id_))


@asynccontextmanager
async def _writing(answers: FirstAnswers) -> AsyncIterator[None]:
    task = asyncio.create_task(answers.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_answer_is_told_from_memory_until_it_is_written(database: Database) -> None:
    answers = FirstAnswers(database)
    await _store(database, "a", "b")
    assert await answers.keep("a", {"version": 1, "名": '"李雷"'}) == {"version": 1, "名": '"李雷"'}
    await answers.keep("b", {"version": 2})
    assert (answers.waiting("a"), answers.waiting("b")) == ({"version": 1, "名": '"李雷"'}, {"version": 2})
    assert await _kept(database, "a") is None
    await answers.write()
    assert (await _kept(database, "a"), await _kept(database, "b")) == ({"version": 1, "名": '"李雷"'}, {"version": 2})
    assert answers.waiting("a") is answers.waiting("b") is None


async def test_what_waits_is_written_soon_and_what_is_left_when_the_process_is_stopped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = FirstAnswers(database)
    await _store(database, "a", "b")
    async with _writing(answers):
        await answers.keep("a", {"version": 1})

        async def is_written() -> bool:
            return bool(await _kept(database, "a") == {"version": 1})

        await until(is_written)
        monkeypatch.setattr(first_answers, "GATHERED_SECONDS", 3600)
        await answers.keep("b", {"version": 2})
    assert await _kept(database, "b") == {"version": 2}


async def test_of_two_processes_the_answer_that_was_written_first_stays(database: Database) -> None:
    ours, others = FirstAnswers(database), FirstAnswers(database)
    await _store(database, "a")
    await ours.keep("a", {"version": 1})
    assert await others.keep_at_once("a", {"version": 2}) == {"version": 2}
    await ours.write()
    assert await _kept(database, "a") == {"version": 2}
    assert await others.keep_at_once("a", {"version": 3}) == {"version": 2}


async def test_in_one_process_a_repeat_and_the_first_get_one_answer_whichever_is_ready_sooner(
    database: Database,
) -> None:
    answers = FirstAnswers(database)
    await _store(database, "a", "b")
    await answers.keep("a", {"version": 1})
    assert await answers.keep_at_once("a", {"version": 2}) == {"version": 1}
    repeat = asyncio.create_task(answers.keep_at_once("b", {"version": 2}))
    await asyncio.sleep(0)
    assert await answers.keep("b", {"version": 1}) == await repeat == await _kept(database, "b")


async def test_an_answer_that_postgresql_refuses_keeps_no_other_from_being_written(database: Database) -> None:
    answers = FirstAnswers(database)
    await _store(database, "a", "b", "c")
    async with _writing(answers):
        for id_, text in (("a", "ok"), ("b", "\0"), ("c", "ok")):
            await answers.keep(id_, {"text": text})

        async def are_written() -> bool:
            return bool(await _kept(database, "c") == {"text": "ok"})

        await until(are_written)
        assert (await _kept(database, "a"), await _kept(database, "b")) == ({"text": "ok"}, None)
        assert answers.waiting("b") is None


async def test_answers_wait_for_postgresql_and_too_many_are_not_kept_in_memory(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_answers, "MOST_WAITING", 1)
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    answers = FirstAnswers(away)
    await answers.keep("a", {"version": 1})
    with pytest.raises(Unavailable):
        await answers.write()
    assert answers.waiting("a") == {"version": 1}
    with pytest.raises(Unavailable):
        await answers.keep("b", {"version": 2})
    await away.dispose()


async def test_a_repeat_equals_the_first_answer_to_the_byte_from_memory_and_from_postgresql(system: System) -> None:
    ticket_no = await system.accepted()
    respond = partial(system.give, ticket_no, "respond", {"message": "您好"}, by="林涛", Idempotency_Key="bytes-1")
    first, from_memory = await respond(), await respond()

    async def is_written() -> bool:
        kept = select(commands.c.answer).where(commands.c.ticket_no == ticket_no, commands.c.key == "bytes-1")
        return await system.database.scalar(kept) is not None

    await until(is_written)
    assert first.content == from_memory.content == (await respond()).content


async def test_after_a_crash_before_it_was_written_a_repeat_is_answered_once_from_the_ticket(system: System) -> None:
    ticket_no = await system.accepted()
    first = await system.do(ticket_no, "respond", {"message": "您好"}, by="林涛", Idempotency_Key="crash-1")
    lost = commands.c.ticket_no == ticket_no, commands.c.key == "crash-1"

    async def is_written() -> bool:
        return await system.database.scalar(select(commands.c.answer).where(*lost)) is not None

    await until(is_written)
    async with system.database.autocommit() as connection:
        await connection.execute(update(commands).where(*lost).values(answer=null()))
    await system.do(ticket_no, "chase", by="李雷")
    for _ in range(2):
        again = await system.give(ticket_no, "respond", {"message": "您好"}, by="林涛", Idempotency_Key="crash-1")
        assert again.headers["Idempotent-Replay"] == "true"
        assert (again.status_code, again.json()["version"]) == (200, first["version"] + 1)
        await system.do(ticket_no, "chase", by="李雷")
    events = (await system.get(f"/v1/tickets/{ticket_no}/timeline", limit=200))["items"]
    assert [event["type"] for event in events].count("ticket.responded") == 1
