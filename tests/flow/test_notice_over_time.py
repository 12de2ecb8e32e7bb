"""A notice's delivery over hours: tried patiently, then failed with a record; nothing is lost (I5)."""

import os
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, update
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from services.contracts.names import QUEUE_NOTIFY, notice_workflow_id
from services.contracts.notice import NoticeOrder
from services.notify.notices.activities import NoticeActivities
from services.notify.notices.channels.base import DeliveryDeferred, Undeliverable
from services.notify.notices.tables import notices
from services.notify.notices.worker import start_workflow, startable
from services.notify.notices.workflow import NoticeWorkflow
from services.notify.settings import NotifySettings
from services.notify.wake_channels import STARTER_CHANNEL
from services.runtime.postgres.database import Database
from services.runtime.temporal.client import engine_identity, worker
from services.runtime.temporal.workflow_starter import Starter
from tests.replay.recordings import record, replay, strings
from tests.services.notify.notice_harness import NoticeHarness, request
from tests.services.system import until

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HALF_AN_HOUR = HOUR / 2
RECORDING = "BIHUAN_RECORD" in os.environ


class NoticeFlow(NoticeHarness):
    """Notices with their workflows."""

    def __init__(self, env: WorkflowEnvironment, database: Database) -> None:
        super().__init__(database)
        self.env = env

    def order(self, row: dict[str, Any]) -> NoticeOrder:
        return NoticeOrder(id=row["id"], round=row["round"], retry_first=SECOND / 10, retry_longest=10 * MINUTE,
                           give_up_after=HOUR)  # fmt: skip

    async def leave_over(self) -> None:
        """The first tries have left everything to workflows."""
        async with self.database.begin() as connection:
            await connection.execute(update(notices).values(workflow_from=func.now()))

    async def start(self, row: dict[str, Any]) -> WorkflowHandle[Any, Any]:
        await start_workflow(self.env.client, self.order(row))
        return self.env.client.get_workflow_handle(notice_workflow_id(row["id"], row["round"]))

    async def passes(self, handle: WorkflowHandle[Any, Any], length: timedelta) -> None:
        """Let time pass for a delivery that is being retried; one that has ended is left alone."""
        await until(partial(self._is_patient, handle), 30)
        with suppress(RPCError):
            await self.env.fast_forward(handle, length)

    async def _is_patient(self, handle: WorkflowHandle[Any, Any]) -> bool:
        description = await handle.describe()
        pending = description.raw_description.pending_activities
        ended = description.status is not WorkflowExecutionStatus.RUNNING
        return ended or any(each.attempt > 1 for each in pending)

    def starter(self) -> Starter:
        kinds = [startable(self.env.client, NotifySettings())]
        identity = partial(engine_identity, self.env.client)
        return Starter(self.database, identity, kinds, channel=STARTER_CHANNEL, probe_seconds=60, name="test_notices")


@pytest.fixture
async def flow(env: WorkflowEnvironment, database: Database) -> AsyncIterator[NoticeFlow]:
    flow = NoticeFlow(env, database)
    activities = NoticeActivities(flow.delivery)
    async with worker(
        env.client,
        QUEUE_NOTIFY,
        workflows=[NoticeWorkflow],
        activities=[activities.deliver, activities.give_up],
    ):
        yield flow


async def keep(handle: WorkflowHandle[Any, Any], name: str) -> None:
    """Replay what the engine stored; with BIHUAN_RECORD=1 it becomes the path's recording."""
    history = await handle.fetch_history()
    await replay(history)
    if RECORDING:
        record(name, history)


async def test_a_notice_that_goes_at_its_first_try_costs_the_engine_eleven_events(flow: NoticeFlow) -> None:
    handle = await flow.start(await flow.submit(request()))
    assert await handle.result() == "sent"
    history = await handle.fetch_history()
    assert len(history.events) <= 11
    await keep(handle, "notice_sent_at_once")


async def test_a_history_holds_neither_name_nor_address_nor_words(flow: NoticeFlow) -> None:
    flow.carrier.answers = [ValueError("韩梅梅 <han@customer.example> 配件已到货"), DeliveryDeferred("smtp_451")]
    handle = await flow.start(await flow.submit(request()))
    assert await handle.result() == "sent"
    told = " ".join(strings((await handle.fetch_history()).to_json_dict()))
    for secret in ("韩梅梅", "han@customer", "配件", "service.example/t/"):
        assert secret not in told


async def test_a_mail_server_that_is_down_for_half_an_hour_gets_the_notice_when_it_is_back(flow: NoticeFlow) -> None:
    row = await flow.submit(request())
    flow.carrier.answers = [DeliveryDeferred("smtp_ConnectError")] * 1000
    handle = await flow.start(row)
    await flow.passes(handle, HALF_AN_HOUR)
    assert (await flow.row(row["key"]))["state"] == "waiting"
    assert not flow.carrier.letters
    flow.carrier.answers = []
    await flow.passes(handle, 10 * MINUTE)
    assert await handle.result() == "sent"
    assert len(flow.carrier.letters) == 1
    await keep(handle, "notice_sent_later")


async def test_a_notice_fails_when_its_time_is_over_and_not_before(flow: NoticeFlow) -> None:
    row = await flow.submit(request())
    flow.carrier.answers = [DeliveryDeferred("smtp_451")] * 10_000
    handle = await flow.start(row)
    await flow.passes(handle, HALF_AN_HOUR)
    assert (await flow.row(row["key"]))["state"] == "waiting"
    await flow.passes(handle, HALF_AN_HOUR + MINUTE)
    assert await handle.result() == "failed"
    row = await flow.row(row["key"])
    assert (row["state"], row["last_error"]) == ("failed", "smtp_451")
    await keep(handle, "notice_given_up")


async def test_a_lasting_refusal_ends_the_delivery(flow: NoticeFlow) -> None:
    flow.carrier.answers = [Undeliverable("smtp_550")]
    handle = await flow.start(await flow.submit(request()))
    assert await handle.result() == "failed"


async def test_intake_that_is_down_delays_the_notice_and_no_more(flow: NoticeFlow) -> None:
    row = await flow.submit(request())
    flow.recipients.down = True
    handle = await flow.start(row)
    await flow.passes(handle, 5 * MINUTE)
    flow.recipients.down = False
    await flow.passes(handle, 10 * MINUTE)
    assert await handle.result() == "sent"


async def test_a_notice_that_was_taken_back_ends_its_delivery(flow: NoticeFlow) -> None:
    row = await flow.submit(request())
    flow.carrier.answers = [DeliveryDeferred("smtp_451")] * 1000
    handle = await flow.start(row)
    await flow.passes(handle, MINUTE)
    async with flow.database.begin() as connection:
        taken_back = update(notices).where(notices.c.id == row["id"])
        await connection.execute(taken_back.values(state="not_sent", not_sent_reason="cancelled"))
    await flow.passes(handle, 10 * MINUTE)
    assert await handle.result() == "not_sent"
    assert not flow.carrier.letters


async def test_what_its_first_try_left_while_the_engine_is_down_goes_when_it_is_back(flow: NoticeFlow) -> None:
    rows = [await flow.submit(request()) for _ in range(5)]
    assert await flow.starter().reconcile() == 0
    await flow.leave_over()
    assert await flow.starter().reconcile() == 5
    for row in rows:
        handle = flow.env.client.get_workflow_handle(notice_workflow_id(row["id"], 1))
        assert await handle.result() == "sent"
    assert len(flow.carrier.letters) == 5
    assert await flow.starter().reconcile() == 0


async def test_an_engine_whose_store_is_gone_gets_what_waits_again_and_nothing_that_was_sent(flow: NoticeFlow) -> None:
    waiting, sent = await flow.submit(request()), await flow.submit(request())
    await flow.deliver(sent)
    await flow.leave_over()
    async with flow.database.begin() as connection:
        await connection.execute(update(notices).values(engine_id="another engine"))
    assert await flow.starter().reconcile() == 1
    handle = flow.env.client.get_workflow_handle(notice_workflow_id(waiting["id"], 1))
    assert await handle.result() == "sent"
    assert len(flow.carrier.letters) == 2
