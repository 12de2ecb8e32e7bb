"""Registering a feedback: everything that the answer promises is durable, and nothing else has been waited for."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from services.contracts.feedback import Feedback, FirstPromise, Proposed
from services.contracts.words import ClockName, Tier
from services.intake.classify import propose
from services.intake.completeness import missing_from, refuse_reasons
from services.intake.identity import identity_of, normalised, strongest_contact
from services.intake.links import TicketLinks
from services.intake.models import Links, Promised, Registered
from services.intake.numbering import business_date, open_day
from services.intake.promises_copy import PromisesCopy
from services.intake.statement import register_statement
from services.intake.tables import feedback as feedback_table
from services.runtime.database import Database
from services.runtime.direct import DirectStatement
from services.runtime.errors import IdempotencyKeyReused, Unavailable, ValidationFailed

# Every repeat mends one thing that the statement missed; more of them means that something else is wrong.
_ATTEMPTS = 8
_KEY_INDEX = "feedback_by_key"
_PROMISES = TypeAdapter(tuple[FirstPromise, ...])


@dataclass(frozen=True)
class Origin:
    """Who registers, under which `Idempotency-Key` if any, with a fingerprint of the body."""

    caller: str
    key: str | None
    body_hash: str | None


@dataclass(frozen=True)
class Receipt:
    """The answer, and whether it was given before."""

    registered: Registered
    replayed: bool


@dataclass(frozen=True)
class _Draft:
    """What one attempt would file, resting on a customer of `tier`."""

    proposed: Proposed
    promises: tuple[FirstPromise, ...]
    missing: tuple[str, ...]
    policy: str | None


class Registrar:
    """Registers feedback; answers with the ticket number once it is durable."""

    def __init__(
        self,
        database: Database,
        promises: PromisesCopy,
        links: TicketLinks,
        *,
        zone: ZoneInfo,
        secret: bytes,
        filed: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`filed` is called after each registration; `secret` keys the customers' identities."""
        self._database = database
        self._promises = promises
        self._links = links
        self._zone = zone
        self._secret = secret
        self._filed = filed
        self._now = now

    async def register(self, feedback: Feedback, origin: Origin) -> Receipt:
        """File the feedback as one ticket, or replay the answer that the request's key was given before.

        One round trip as a rule. A repeat under a key that is being registered waits for the first.

        Raises:
            ValidationFailed: it says too little, or something impossible.
            IdempotencyKeyReused: the key came with another body.
            Unavailable: PostgreSQL did not answer; whether the ticket exists is unknown.
        """
        received_at = self._now()
        feedback = feedback.model_copy(update={"customer": normalised(feedback.customer)})
        if errors := refuse_reasons(feedback, received_at):
            raise ValidationFailed(errors)
        try:
            registered = await self._file(feedback, origin, received_at)
        except DBAPIError as error:
            if _taken_key(error) != _KEY_INDEX:
                raise
            return Receipt(await self._first_answer(origin), replayed=True)
        self._filed()
        return Receipt(registered, replayed=False)

    async def _file(self, feedback: Feedback, origin: Origin, received_at: datetime) -> Registered:
        tier = feedback.customer.tier or Tier.STANDARD
        fixed = self._parameters(feedback, origin, received_at)
        statement = register_statement(
            by_number=feedback.customer.customer_no is not None, contact=strongest_contact(feedback.customer)
        )
        for _ in range(_ATTEMPTS):
            draft = await self._draft(feedback, tier, received_at)
            row = await self._attempt(statement, fixed | _drafted(draft, tier))
            if row is not None and row["ticket_no"] is not None:
                return self._answer(row["ticket_no"], received_at, draft.missing, draft.proposed, draft.promises, 1)
            if row is not None:
                tier = await self._mend(row, fixed["day"], tier)
        raise Unavailable

    async def _draft(self, feedback: Feedback, tier: Tier, received_at: datetime) -> _Draft:
        proposed = propose(feedback, tier)
        missing = missing_from(proposed.kind, feedback.customer, feedback.product)
        in_force = await self._promises.current()
        promised = in_force.promise(feedback, proposed, tier, received_at, complete=not missing)
        return _Draft(proposed, promised.promises, missing, promised.policy)

    async def _attempt(self, statement: DirectStatement, parameters: dict[str, Any]) -> Mapping[str, Any] | None:
        """Run the statement; None when another session gave the customer's number to somebody in between."""
        try:
            return await statement.one(self._database, parameters)
        except DBAPIError as error:
            if _taken_key(error) in {None, _KEY_INDEX}:
                raise
            return None

    async def _mend(self, row: Mapping[str, Any], day: Any, tier: Tier) -> Tier:
        if not row["day_is_open"]:
            await open_day(self._database, day)
        if not row["policy_is_kept"]:
            await self._promises.refresh()
        return tier if row["tier"] is None else Tier(row["tier"])

    def _parameters(self, feedback: Feedback, origin: Origin, received_at: datetime) -> dict[str, Any]:
        customer = feedback.customer
        return {
            "day": business_date(received_at, self._zone),
            "received_at": received_at,
            "customer_id": f"cus_{secrets.token_hex(10)}",
            "identity": identity_of(customer, self._secret),
            "name": customer.name,
            "phone": customer.phone,
            "email": customer.email,
            "wechat_open_id": customer.wechat_open_id,
            "customer_no": customer.customer_no,
            "tier": customer.tier,
            "content": feedback.model_dump_json(exclude={"customer"}, exclude_none=True),
            "contact": customer.model_dump_json(exclude_none=True),
            "caller": origin.caller,
            "idempotency_key": origin.key,
            "body_hash": origin.body_hash,
        }

    async def _first_answer(self, origin: Origin) -> Registered:
        table = feedback_table.c
        first = select(feedback_table).where(table.caller == origin.caller, table.idempotency_key == origin.key)
        async with self._database.read() as connection:
            row = (await connection.execute(first)).one()
        if row.body_hash != origin.body_hash:
            raise IdempotencyKeyReused
        proposed = Proposed(
            kind=row.kind, category=row.category, urgency=row.urgency, priority=row.priority, rule=row.rule
        )
        promises = _PROMISES.validate_python(row.promises)
        return self._answer(row.ticket_no, row.received_at, tuple(row.missing), proposed, promises, row.link_generation)

    def _answer(
        self,
        ticket_no: str,
        received_at: datetime,
        missing: tuple[str, ...],
        proposed: Proposed,
        promises: tuple[FirstPromise, ...],
        generation: int,
    ) -> Registered:
        due = {promise.clock: promise.due_at for promise in promises}
        return Registered(
            ticket_no=ticket_no,
            received_at=received_at,
            complete=not missing,
            missing=missing,
            proposed=proposed,
            promised=Promised(accept_by=due.get(ClockName.ACCEPTANCE), respond_by=due.get(ClockName.RESPONSE)),
            links=Links(ticket=self._links.to(ticket_no, generation)),
        )


def _drafted(draft: _Draft, tier: Tier) -> dict[str, Any]:
    proposed = draft.proposed
    return {
        "assumed_tier": tier,
        "kind": proposed.kind,
        "category": proposed.category,
        "urgency": proposed.urgency,
        "priority": proposed.priority,
        "rule": proposed.rule,
        "complete": not draft.missing,
        "missing": list(draft.missing),
        "policy": draft.policy,
        "promises": _PROMISES.dump_json(draft.promises).decode(),
    }


def _taken_key(error: DBAPIError) -> str | None:
    """The unique index that the statement ran into; None when it failed for something else."""
    return error.orig.constraint_name if isinstance(error.orig, asyncpg.UniqueViolationError) else None
