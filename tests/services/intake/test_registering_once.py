"""Same feedback sent twice, one ticket (product.md 4, invariant I1, api.md on `Idempotency-Key`)."""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any

import httpx
from sqlalchemy import text

from tests.services.intake.harness import IntakeHarness, feedback
from tests.services.repeats import until_known


async def _tickets(harness: IntakeHarness) -> int:
    async with harness.intake.database.read() as connection:
        count: int = (await connection.execute(text("SELECT count(*) FROM intake.feedback"))).scalar_one()
    return count


async def _send(harness: IntakeHarness, key: str, **changes: Any) -> httpx.Response:
    return await harness.call("POST", "/v1/feedback", feedback(**changes), Idempotency_Key=key)


def _bodies(answers: Iterable[httpx.Response]) -> set[str]:
    return {answer.text for answer in answers}


async def test_a_repeat_gets_the_first_answer_again(harness: IntakeHarness) -> None:
    first = await _send(harness, "k1")
    repeat = await _send(harness, "k1")
    assert first.status_code == repeat.status_code == 201
    assert "Idempotent-Replay" not in first.headers
    assert repeat.headers["Idempotent-Replay"] == "true"
    assert repeat.json() == first.json()
    assert await _tickets(harness) == 1


async def test_bodies_are_compared_as_parsed_json(harness: IntakeHarness) -> None:
    first = await _send(harness, "k1")
    body = dict(reversed(feedback().items()))
    repeat = await harness.call("POST", "/v1/feedback", body, Idempotency_Key="k1")
    assert repeat.json() == first.json()


async def test_the_same_key_with_another_body_is_refused_and_leaves_nothing(harness: IntakeHarness) -> None:
    await _send(harness, "k1")
    other = await _send(harness, "k1", customer={"name": "李四", "phone": "13900139000"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await _tickets(harness) == 1
    found = await harness.call("POST", "/v1/customers/search", {"q": "13900139000"})
    assert found.json()["items"] == []


async def test_keys_belong_to_their_caller(harness: IntakeHarness) -> None:
    first = await _send(harness, "k1")
    other = await harness.call("POST", "/v1/feedback", feedback(), by="王芳", Idempotency_Key="k1")
    assert other.status_code == 201
    assert other.json()["ticket_no"] != first.json()["ticket_no"]


async def test_a_refused_feedback_can_be_mended_under_the_same_key(harness: IntakeHarness) -> None:
    assert (await _send(harness, "k1", customer={})).status_code == 422
    assert (await _send(harness, "k1")).status_code == 201


async def test_the_first_answer_stays_after_the_ticket_was_completed(harness: IntakeHarness) -> None:
    first = await _send(harness, "k1", product={})
    number = first.json()["ticket_no"]
    supplement = {"command_id": "c1", "supplement": {"product": {"order_no": "ORD2023901"}}}
    assert (await harness.ask("POST", f"/internal/feedback/{number}/supplement", supplement)).json()["complete"]
    assert (await _send(harness, "k1", product={})).json() == first.json()


async def test_two_hundred_parallel_repeats_are_one_ticket(harness: IntakeHarness) -> None:
    answers = await asyncio.gather(*(until_known(partial(_send, harness, "k1")) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {201}
    assert len(_bodies(answers)) == 1
    assert sum("Idempotent-Replay" not in answer.headers for answer in answers) <= 1
    assert await _tickets(harness) == 1


async def test_a_sender_who_never_heard_the_answer_and_tries_again_has_one_ticket(harness: IntakeHarness) -> None:
    for attempt in range(20):
        sending = asyncio.create_task(_send(harness, "k1"))
        await asyncio.sleep(attempt / 2000)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    assert (await _send(harness, "k1")).status_code == 201
    assert await _tickets(harness) == 1


async def test_without_a_key_every_feedback_is_a_ticket_of_its_own(harness: IntakeHarness) -> None:
    await harness.register()
    await harness.register()
    assert await _tickets(harness) == 2


async def test_what_is_stored_of_an_answer_holds_no_link(harness: IntakeHarness) -> None:
    first = await _send(harness, "k1")
    signature = first.json()["links"]["ticket"].rpartition(".")[2]
    async with harness.intake.database.read() as connection:
        rows = await connection.execute(text("SELECT row_to_json(f)::text FROM intake.feedback f"))
        assert all(signature not in row for row in rows.scalars())
