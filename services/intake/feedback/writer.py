"""Filing a feedback: classified, promised, numbered and durable, together with others or, where needed, with care."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
from pydantic import TypeAdapter
from sqlalchemy.exc import DBAPIError

from services.contracts.feedback import Feedback, FirstPromise, Proposed
from services.contracts.vocabulary import Tier
from services.intake.customers.identity import identity_of, person_behind, strongest_contact, unusable, usable
from services.intake.feedback.batch_insert import Gathering
from services.intake.feedback.classify import propose
from services.intake.feedback.completeness import missing_from
from services.intake.feedback.numbering import business_date, open_day
from services.intake.feedback.origins import Origin
from services.intake.feedback.promises_copy import PromisesCopy
from services.intake.feedback.statement import register_statement
from services.runtime.errors import Unavailable
from services.runtime.postgres.database import Database

# Every repeat mends one thing that the statement missed; more of them means that something else is wrong.
_ATTEMPTS = 8
_KEY_INDEX = "feedback_by_key"
PROMISES = TypeAdapter(tuple[FirstPromise, ...])


class KeyTaken(Exception):
    """The `Idempotency-Key` has registered a feedback before."""


@dataclass(frozen=True)
class Filed:
    """A ticket that exists, and what its customer is told of it."""

    ticket_no: str
    received_at: datetime
    proposed: Proposed
    promises: tuple[FirstPromise, ...]
    missing: tuple[str, ...]
    unusable: tuple[str, ...] = ()
    link_generation: int = 1


@dataclass(frozen=True)
class _Draft:
    """A feedback that would be filed for a customer of `assumed_tier`, and its values by the names of both
    statements."""

    proposed: Proposed
    promises: tuple[FirstPromise, ...]
    missing: tuple[str, ...]
    unusable: tuple[str, ...]
    values: Mapping[str, Any]

    def filed(self, ticket_no: str) -> Filed:
        """The draft, once it has its number."""
        received_at = self.values["received_at"]
        return Filed(ticket_no, received_at, self.proposed, self.promises, self.missing, self.unusable)


class Filing:
    """Files feedback. `secret` keys the customers' identities."""

    def __init__(self, database: Database, promises: PromisesCopy, *, zone: ZoneInfo, secret: bytes) -> None:
        self._database = database
        self._promises = promises
        self._gathering = Gathering(database)
        self._zone = zone
        self._secret = secret

    async def file(self, feedback: Feedback, origin: Origin, received_at: datetime) -> Filed:
        """File as one ticket.

        Raises:
            KeyTaken: the key has registered something; nothing was written.
            Unavailable: whether the ticket exists is unknown.
        """
        fixed = self._values(feedback, origin, received_at)
        tier = feedback.customer.tier or Tier.STANDARD
        draft = await self._draft(feedback, fixed, tier)
        if fixed["identity"] is not None and not (origin.own_ticket or origin.customer_id):
            ticket_no = await self._gathering.file(draft.values)
            if ticket_no is not None:
                return draft.filed(ticket_no)
        return await self._file_with_care(feedback, draft, fixed)

    async def _file_with_care(self, feedback: Feedback, draft: _Draft, fixed: Mapping[str, Any]) -> Filed:
        tier: Tier = draft.values["assumed_tier"]
        for _ in range(_ATTEMPTS):
            row = await self._attempt(feedback, draft.values)
            if row is None:
                continue
            if row["ticket_no"] is not None:
                return draft.filed(row["ticket_no"])
            if not row["day_is_open"]:
                await open_day(self._database, fixed["day"])
            if not row["policy_is_kept"]:
                await self._promises.refresh()
            tier = tier if row["tier"] is None else Tier(row["tier"])
            draft = await self._draft(feedback, fixed, tier)
        raise Unavailable

    async def _attempt(self, feedback: Feedback, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Run the statement; None when another session gave the customer's number to somebody in between."""
        customer = usable(feedback.customer)
        statement = register_statement(
            known_already=values["known_id"] is not None,
            by_number=customer.customer_no is not None,
            contact=strongest_contact(customer),
            takes_over=values["vouched"],
        )
        try:
            return await statement.one(self._database, values)
        except DBAPIError as error:
            taken = error.orig.constraint_name if isinstance(error.orig, asyncpg.UniqueViolationError) else None
            if taken == _KEY_INDEX:
                raise KeyTaken from error
            if taken is None:
                raise
            return None

    async def _draft(self, feedback: Feedback, fixed: Mapping[str, Any], tier: Tier) -> _Draft:
        proposed = propose(feedback, tier)
        missing = missing_from(proposed.kind, feedback.customer, feedback.product)
        in_force = await self._promises.current()
        promised = in_force.promise(feedback, proposed, tier, fixed["received_at"], complete=not missing)
        values = {
            **fixed,
            "assumed_tier": tier,
            "kind": proposed.kind,
            "category": proposed.category,
            "urgency": proposed.urgency,
            "priority": proposed.priority,
            "rule": proposed.rule,
            "missing": json.dumps(missing),
            "policy": promised.policy,
            "promises": PROMISES.dump_json(promised.promises).decode(),
        }
        return _Draft(proposed, promised.promises, missing, unusable(feedback.customer), values)

    def _values(self, feedback: Feedback, origin: Origin, received_at: datetime) -> dict[str, Any]:
        customer = usable(feedback.customer)
        return {
            "day": business_date(received_at, self._zone),
            "received_at": received_at,
            "customer_id": f"cus_{secrets.token_hex(10)}",
            "identity": identity_of(customer, self._secret),
            "strongest_contact": strongest_contact(customer),
            "person": person_behind(customer),
            "name": customer.name,
            "phone": customer.phone,
            "email": customer.email,
            "wechat_open_id": customer.wechat_open_id,
            "customer_no": customer.customer_no,
            "tier": customer.tier,
            "content": feedback.model_dump_json(exclude={"customer"}, exclude_none=True),
            "contact": feedback.customer.model_dump_json(exclude_none=True),
            "vouched": origin.vouches,
            "own_ticket": origin.own_ticket,
            "known_id": origin.customer_id,
            "caller": origin.caller,
            "idempotency_key": origin.key,
            "body_hash": origin.body_hash,
        }
