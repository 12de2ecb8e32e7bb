"""Intake's copy of the promises in force: it promises while their owner, the workflow service, is away."""

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.contracts.feedback import Feedback, FirstPromise, Proposed
from services.contracts.policy import ClockRule, PackId, Policy, PolicySnapshot, Promises
from services.contracts.vocabulary import ClockName, Tier
from services.intake.schemas import FollowUp
from services.intake.tables import policy_snapshots, promises_in_force
from services.promises import policies
from services.promises.calendars import Calendar
from services.promises.receipts import ReceiptPromises
from services.runtime.errors import Refusal
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from services.runtime.telemetry import log

CHANNEL = "intake_promises"


@dataclass(frozen=True)
class FirstPromises:
    """First promises of one feedback, and the digest of the policy that makes them; none of both for no policy."""

    policy: str | None
    promises: tuple[FirstPromise, ...]


class PromisesInForce:
    """One generation of promises, compiled."""

    def __init__(self, promises: Promises) -> None:
        self.promises = promises
        self._calendars: Mapping[str, Calendar] = {each.id: Calendar.compile(each) for each in promises.calendars}
        taken = [policies.snapshot(each) for each in promises.policies]
        self.snapshots: Mapping[str, PolicySnapshot] = {_digest(each): each for each in taken}
        self._receipts = {(each.id, each.version): ReceiptPromises(each, self._calendars) for each in promises.policies}
        self._digests = {(each.id, each.version): _digest(each) for each in taken}

    def promise(
        self, feedback: Feedback, proposed: Proposed, tier: Tier, received_at: datetime, *, complete: bool
    ) -> FirstPromises:
        """Choose the policy and compute the instants that stand from now on (invariant I11)."""
        facts = policies.PolicyFacts(
            proposed.kind, proposed.category, proposed.urgency, proposed.priority, tier, feedback.channel
        )
        policy = policies.choose(self.promises.policies, facts)
        if policy is None:
            return FirstPromises(None, ())
        version = policy.id, policy.version
        if isinstance(feedback, FollowUp):
            answering = _answering(policy, feedback.response_target)
            due = policies.first_promises(answering, facts, received_at, complete, self._calendars)
        else:
            due = self._receipts[version].at(facts, received_at, complete)
        return FirstPromises(self._digests[version], due)


class PromisesCopy:
    """The generation in force: the published one that PostgreSQL keeps, else the built-in one."""

    def __init__(self, database: Database, pack: PackId = PackId.D0) -> None:
        self._database = database
        self._pack = pack
        self._current: PromisesInForce | None = None
        self._changed = asyncio.Event()
        self._loading = asyncio.Lock()

    async def current(self) -> PromisesInForce:
        """The promises to make now; reads PostgreSQL the first time only."""
        if self._current is None:
            async with self._loading:
                return self._current or await self.refresh()
        return self._current

    async def refresh(self) -> PromisesInForce:
        """Take over what PostgreSQL keeps, if it is newer, and see that its snapshots are kept there too."""
        async with self._database.read() as connection:
            kept = (await connection.execute(select(promises_in_force.c.promises))).scalar_one_or_none()
        promises = policies.built_in(self._pack) if kept is None else Promises.model_validate(kept)
        current = self._current
        if current is None or current.promises.generation < promises.generation:
            current = PromisesInForce(promises)
        await self._keep_snapshots(current)
        self._take_over(current)
        return current

    async def store(self, promises: Promises) -> bool:
        """Put a published generation in force, here at once and elsewhere on notice; an older one is ignored.

        Returns whether it was taken over.
        """
        in_force = PromisesInForce(promises)
        row = {"one": 1, "generation": promises.generation, "promises": promises.model_dump(mode="json")}
        upsert = insert(promises_in_force).values(row)
        newer = upsert.on_conflict_do_update(
            index_elements=["one"], set_=row, where=promises_in_force.c.generation <= promises.generation
        ).returning(promises_in_force.c.generation)
        await self._keep_snapshots(in_force)
        async with self._database.begin() as connection:
            taken = (await connection.execute(newer)).scalar_one_or_none() is not None
            await wake(connection, CHANNEL)
        if taken:
            self._take_over(in_force)
        return taken

    async def follow(self, poll_seconds: float) -> None:
        """Keep up with what other processes store, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._database.listen(CHANNEL, lambda _: self._changed.set()))
            tasks.create_task(self._refresh_on_change(poll_seconds))

    async def _refresh_on_change(self, poll_seconds: float) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(poll_seconds):
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self.refresh()
            except Refusal as refusal:
                log().warning("promises not refreshed", code=refusal.code)

    async def _keep_snapshots(self, in_force: PromisesInForce) -> None:
        if not in_force.snapshots:
            return
        rows = [
            {"digest": digest, "snapshot": each.model_dump(mode="json")} for digest, each in in_force.snapshots.items()
        ]
        async with self._database.autocommit() as connection:
            await connection.execute(insert(policy_snapshots).values(rows).on_conflict_do_nothing())

    def _take_over(self, in_force: PromisesInForce) -> None:
        if self._current is None or self._current.promises.generation <= in_force.promises.generation:
            self._current = in_force


def _answering(policy: Policy, response_target: str) -> Policy:
    """The policy, with what this response is promised in."""
    rule = policy.clocks.get(ClockName.RESPONSE) or ClockRule(target=response_target)
    answering = rule.model_copy(update={"target": response_target})
    return policy.model_copy(update={"clocks": {**policy.clocks, ClockName.RESPONSE: answering}})


def _digest(snapshot: PolicySnapshot) -> str:
    return hashlib.sha256(snapshot.model_dump_json().encode()).hexdigest()
