"""A webhook over days, crashes and lost engines: everything arrives or ends as exhausted, under one id (I5, I6)."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from services.contracts.names import SIGNAL_MORE, WORKFLOW_WEBHOOK, webhook_workflow_id
from services.contracts.webhook import WebhookStart
from services.notify.settings import NotifySettings
from services.notify.wake_channels import STARTER_CHANNEL
from services.notify.webhooks.activities import WebhookActivities
from services.notify.webhooks.states import DeliveryState
from services.notify.webhooks.worker import startable
from services.notify.webhooks.workflow import WebhookWorkflow
from services.runtime.postgres.database import Database
from services.runtime.temporal import client as engine_clients
from services.runtime.temporal.client import engine_identity, worker
from services.runtime.temporal.workflow_starter import Starter
from tests.flow.timers import pass_time, settled
from tests.replay.recordings import record, replay, strings
from tests.services.notify.webhook_harness import LOOPBACK, WebhookHarness, event
from tests.services.notify.webhook_receiver import Received, Receiver, never, receiving
from tests.services.system import until

S = DeliveryState
SETTINGS: dict[str, Any] = {"webhook_networks": LOOPBACK, "webhook_seconds": 20.0, "link_secret": "links"}
ONE = "20261123001"
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class WebhookFlow:
    """Webhooks with an engine, whose worker a test may stop and start."""

    env: WorkflowEnvironment
    harness: WebhookHarness
    queue: str = field(default_factory=lambda: f"webhooks-{uuid4()}")
    identity: str | None = None
    running: Worker | None = None

    async def start(self, harness: WebhookHarness | None = None) -> None:
        """Start a worker."""
        self.running = worker(
            self.env.client,
            self.queue,
            workflows=[WebhookWorkflow],
            activities=[WebhookActivities((harness or self.harness).dispatcher).carry],
        )
        await self.running.__aenter__()

    @asynccontextmanager
    async def hasty(self) -> AsyncIterator[None]:
        """A worker that gives receivers one second, for a while."""
        await self.stop()
        harness = WebhookHarness(self.harness.database, NotifySettings(**SETTINGS | {"webhook_seconds": 1.0}))
        await self.start(harness)
        try:
            yield
        finally:
            await self.stop()
            await harness.close()
            await self.start()

    async def stop(self) -> None:
        """Stop the worker as SIGTERM does."""
        if self.running:
            await self.running.shutdown()
            self.running = None

    async def reconcile(self) -> int:
        """Reconcile, as the starter does when it is woken."""
        starter = Starter(
            self.harness.database,
            self._engine,
            [startable(self.env.client, self.queue)],
            channel=STARTER_CHANNEL,
            probe_seconds=60,
            name="webhooks_under_test",
        )
        return await starter.reconcile()

    async def run(self, webhook_id: str, **how: Any) -> None:
        """Start the workflow of a webhook."""
        await self.env.client.start_workflow(
            WORKFLOW_WEBHOOK,
            WebhookStart(webhook_id=webhook_id, **how),
            id=webhook_workflow_id(webhook_id),
            task_queue=self.queue,
        )

    async def _engine(self) -> str:
        return self.identity or await engine_identity(self.env.client)

    def handle(self, webhook_id: str) -> WorkflowHandle[Any, Any]:
        """The workflow of a webhook."""
        return self.env.client.get_workflow_handle(webhook_workflow_id(webhook_id))

    async def passes(self, webhook_id: str, length: timedelta) -> None:
        """Let time pass for a webhook."""
        handle = self.handle(webhook_id)
        until_then = (await self.env.get_current_time(handle)).astimezone(UTC) + length
        await pass_time(self.env, handle, until_then, partial(settled, handle))

    async def delivered(self, webhook_id: str, count: int, seconds: float = 30) -> None:
        """Wait until so many deliveries have arrived."""

        async def arrived() -> bool:
            return await self.harness.how_many(webhook_id, S.DELIVERED) >= count

        await until(arrived, seconds)

    async def history(self, webhook_id: str) -> WorkflowHistory:
        """The history that the engine has stored, once the workflow has nothing to do at its present time."""
        handle = self.handle(webhook_id)
        await settled(handle)
        return await handle.fetch_history()

    async def is_over(self, webhook_id: str) -> bool:
        """Whether the workflow has ended."""
        return (await self.handle(webhook_id).describe()).status is not WorkflowExecutionStatus.RUNNING


@pytest.fixture
async def flow(env: WorkflowEnvironment, database: Database) -> AsyncIterator[WebhookFlow]:
    """A database of its own, and a worker."""
    harness = WebhookHarness(database, NotifySettings(**SETTINGS))
    flow = WebhookFlow(env, harness)
    await flow.start()
    yield flow
    await flow.stop()
    await harness.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somebody else's machine."""
    async with receiving() as receiver:
        yield receiver


def keep(name: str, history: WorkflowHistory) -> None:
    """Make it the path's recording when recordings are made."""
    if os.environ.get("BIHUAN_RECORD"):
        record(name, history)


async def test_what_waits_is_carried_and_the_engine_learns_nothing_of_it(flow: WebhookFlow, receiver: Receiver) -> None:
    webhook = await flow.harness.add(receiver.url)
    await flow.reconcile()
    await flow.harness.follow(event(ONE, 1), event(ONE, 2, body={"message": "冰箱不制冷"}))
    await flow.reconcile()
    await flow.delivered(webhook, 2)
    assert receiver.ids == [f"{ONE}-1", f"{ONE}-2"]
    history = await flow.history(webhook)
    await replay(history)
    keep("webhook_delivered", history)
    told = "\n".join(strings(history.to_json_dict()))
    assert ONE not in told
    assert receiver.url not in told


async def test_a_receiver_that_fails_for_three_days_is_tried_with_growing_pauses_and_given_up(
    flow: WebhookFlow, receiver: Receiver
) -> None:
    receiver.answers(500)
    webhook = await flow.harness.add(receiver.url)
    await flow.harness.follow(event(ONE, 1))
    await flow.reconcile()
    await flow.passes(webhook, 3 * DAY - HOUR)
    assert await flow.harness.states(webhook) == [S.PENDING]
    tried = len(receiver.received)
    await flow.passes(webhook, 2 * HOUR)

    async def is_given_up() -> bool:
        return await flow.harness.states(webhook) == [S.EXHAUSTED]

    await until(is_given_up)
    assert 12 <= tried < len(receiver.received) <= 30
    assert set(receiver.ids) == {f"{ONE}-1"}
    history = await flow.history(webhook)
    await replay(history)
    keep("webhook_exhausted", history)


async def test_a_receiver_that_comes_back_after_a_day_gets_everything_in_order(
    flow: WebhookFlow, receiver: Receiver
) -> None:
    receiver.answers(503)
    webhook = await flow.harness.add(receiver.url)
    await flow.harness.follow(*(event(ONE, seq) for seq in range(1, 6)))
    await flow.reconcile()
    await flow.passes(webhook, DAY)
    receiver.answers(200)
    receiver.received.clear()
    await flow.passes(webhook, 8 * HOUR)
    await flow.delivered(webhook, 5)
    assert receiver.seqs(ONE) == [1, 2, 3, 4, 5]


async def test_a_worker_that_dies_in_the_middle_is_followed_by_another_under_the_same_id(
    flow: WebhookFlow, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = asyncio.Event()

    async def hangs(received: Received) -> Any:
        arrived.set()
        return await never(received)

    receiver.answer = hangs
    webhook = await flow.harness.add(receiver.url)
    monkeypatch.setattr(engine_clients, "GRACE", timedelta(0))
    async with flow.hasty():
        await flow.harness.follow(event(ONE, 1), event(ONE, 2))
        await flow.reconcile()
        async with asyncio.timeout(30):
            await arrived.wait()
    receiver.answers(200)
    await flow.passes(webhook, HOUR)
    await flow.delivered(webhook, 2)
    assert receiver.ids == [f"{ONE}-1", f"{ONE}-1", f"{ONE}-2"]


async def test_a_worker_that_is_told_to_stop_lets_a_slow_answer_come(flow: WebhookFlow, receiver: Receiver) -> None:
    arrived, may_answer = asyncio.Event(), asyncio.Event()

    async def slowly(_: Received) -> Any:
        arrived.set()
        await may_answer.wait()
        return web.Response()

    receiver.answer = slowly
    webhook = await flow.harness.add(receiver.url)
    await flow.harness.follow(event(ONE, 1), event(ONE, 2))
    await flow.reconcile()
    async with asyncio.timeout(30):
        await arrived.wait()
    stopping = asyncio.create_task(flow.stop())
    await asyncio.sleep(0)
    may_answer.set()
    await stopping
    assert receiver.ids[0] == f"{ONE}-1"
    assert (await flow.harness.states(webhook))[0] == S.DELIVERED
    await flow.start()
    await flow.delivered(webhook, 2, seconds=40)
    assert receiver.ids == [f"{ONE}-1", f"{ONE}-2"]


async def test_deliveries_wait_for_an_engine_that_is_down(flow: WebhookFlow, receiver: Receiver) -> None:
    webhook = await flow.harness.add(receiver.url)
    await flow.harness.follow(event(ONE, 1))
    assert await flow.harness.states(webhook) == [S.PENDING]
    await flow.reconcile()
    await flow.delivered(webhook, 1)


async def test_an_engine_that_has_lost_its_store_gets_the_workflows_again(
    flow: WebhookFlow, receiver: Receiver
) -> None:
    receiver.answers(500)
    webhook = await flow.harness.add(receiver.url)
    await flow.harness.follow(event(ONE, 1))
    await flow.reconcile()
    await until(lambda: _tried(receiver))
    await flow.handle(webhook).terminate("the store is gone")
    receiver.answers(200)
    assert await flow.reconcile() == 0
    flow.identity = "another engine"
    assert await flow.reconcile() == 1
    await flow.passes(webhook, HOUR)
    await flow.delivered(webhook, 1)
    assert set(receiver.ids) == {f"{ONE}-1"}


async def _tried(receiver: Receiver) -> bool:
    return bool(receiver.received)


async def test_a_wake_during_the_start_is_not_taken_for_the_one_before(flow: WebhookFlow, receiver: Receiver) -> None:
    webhook = await flow.harness.add(receiver.url)
    client = flow.env.client
    kind = startable(client, flow.queue)

    async def start_and_follow(row: Any) -> None:
        await kind.start(row)
        if len(await flow.harness.deliveries(webhook)) < 3:
            await flow.harness.follow(event(ONE, len(await flow.harness.deliveries(webhook)) + 1))

    racing = Starter(
        flow.harness.database,
        flow._engine,
        [type(kind)(**{**kind.__dict__, "start": start_and_follow})],
        channel=STARTER_CHANNEL,
        probe_seconds=60,
        name="webhooks_racing",
    )
    assert await racing.reconcile() == 4
    await flow.delivered(webhook, 3)


async def test_a_webhook_that_is_switched_off_or_deleted_has_no_workflow_any_more(
    flow: WebhookFlow, receiver: Receiver
) -> None:
    off, deleted, kept = [await flow.harness.add(receiver.url) for _ in range(3)]
    await flow.reconcile()
    await flow.harness.change(off, active=False)
    await flow.harness.delete(deleted)
    await flow.reconcile()
    for webhook in (off, deleted):
        await until(partial(flow.is_over, webhook))
    assert not await flow.is_over(kept)
    assert await flow.harness.row(deleted) is None
    await flow.harness.change(off, active=True)
    await flow.harness.follow(event(ONE, 1))
    await flow.reconcile()
    await flow.delivered(off, 1)


async def test_a_long_history_is_cut_and_nothing_is_lost(flow: WebhookFlow, receiver: Receiver) -> None:
    webhook = await flow.harness.add(receiver.url)
    await flow.run(webhook, events_before_continuing=20)
    for seq in range(1, 13):
        await flow.harness.follow(event(ONE, seq))
        await flow.handle(webhook).signal(SIGNAL_MORE)
        await flow.delivered(webhook, seq)
    assert receiver.seqs(ONE) == list(range(1, 13))
    history = await flow.history(webhook)
    assert len(history.events) < 40
    first = history.events[0].workflow_execution_started_event_attributes
    assert first.continued_execution_run_id


@pytest.mark.parametrize("count", [20, pytest.param(100, marks=pytest.mark.slow)])
async def test_ten_events_of_every_ticket_reach_two_webhooks_in_order_while_a_third_is_dead(
    flow: WebhookFlow, receiver: Receiver, count: int
) -> None:
    async with receiving() as dead, receiving() as other, flow.hasty():
        dead.answer = never
        hooks = [await flow.harness.add(each.url) for each in (receiver, other, dead)]
        tickets = [f"2026112{number:04}" for number in range(count)]
        for seq in range(1, 11):
            await flow.harness.follow(*(event(number, seq) for number in tickets))
            await flow.reconcile()
        for hook in hooks[:2]:
            await flow.delivered(hook, 10 * count, seconds=60)
        for each in (receiver, other):
            # Once, or more often under the same id when a pass was broken off: a receiver tells by the id.
            assert len(set(each.ids)) == 10 * count
            for number in tickets:
                assert list(dict.fromkeys(each.seqs(number))) == list(range(1, 11))
        assert await flow.harness.how_many(hooks[2], S.PENDING) == 10 * count
        assert dead.most_under_way <= flow.harness.settings.webhook_parallel
        # What so many deliveries cost the engine.
        assert len((await flow.history(hooks[0])).events) <= 200
        await flow.harness.change(hooks[2], active=False)
