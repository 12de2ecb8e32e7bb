"""A feedback is filed: classified, promised, numbered and durable, together with others or, where needed, alone."""

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
from services.intake.feedback.batch_insert import BatchInsert, InsertResult
from services.intake.feedback.classify import propose
from services.intake.feedback.completeness import missing_from
from services.intake.feedback.insert_statement import Reason
from services.intake.feedback.numbering import business_date, open_day
from services.intake.feedback.origins import Origin
from services.intake.feedback.promises_copy import PromisesCopy
from services.runtime.errors import Unavailable
from services.runtime.postgres.database import Database

# Every repeat mends one thing that the statement missed; more of them means that something else is wrong.
_ATTEMPTS = 8
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
    """A feedback that would be filed for a customer of `assumed_tier`, and its values by the statement's columns."""

    proposed: Proposed
    promises: tuple[FirstPromise, ...]
    missing: tuple[str, ...]
    unusable: tuple[str, ...]
    values: Mapping[str, Any]

    def filed(self, ticket_no: str) -> Filed:
        """The draft, once it has its number."""
        received_at = self.values["received_at"]
        return Filed(ticket_no, received_at, self.proposed, self.promises, self.missing, self.unusable)


class FeedbackWriter:
    """Files feedback. `secret` keys the customers' identities."""

    def __init__(self, database: Database, promises: PromisesCopy, *, zone: ZoneInfo, secret: bytes) -> None:
        self._database = database
        self._promises = promises
        self._batches = BatchInsert(database)
        self._zone = zone
        self._secret = secret

    async def file(self, feedback: Feedback, origin: Origin, received_at: datetime) -> Filed:
        """File as one ticket.

        Raises:
            KeyTaken: the key has registered something; nothing was written.
            Unavailable: whether the ticket exists is unknown.
        """
        fixed = self._values(feedback, origin, received_at)
        draft = await self._draft(feedback, fixed, feedback.customer.tier or Tier.STANDARD)
        result = await self._batches.file(draft.values)
        for _ in range(_ATTEMPTS):
            if result.ticket_no is not None:
                return draft.filed(result.ticket_no)
            draft = await self._mended(feedback, fixed, draft, result)
            result = await self._file_alone(draft)
        raise Unavailable

    async def _mended(
        self, feedback: Feedback, fixed: Mapping[str, Any], draft: _Draft, result: InsertResult
    ) -> _Draft:
        """The draft for the next attempt, once what kept this one from being filed is out of the way."""
        match result.reason:
            case Reason.KEY_TAKEN:
                raise KeyTaken
            case Reason.DAY_CLOSED:
                await open_day(self._database, fixed["day"])
            case Reason.POLICY_UNKNOWN:
                await self._promises.refresh()
        tier = draft.values["assumed_tier"] if result.tier is None else Tier(result.tier)
        return await self._draft(feedback, fixed, tier)

    async def _file_alone(self, draft: _Draft) -> InsertResult:
        try:
            return await self._batches.file_alone(draft.values)
        except DBAPIError as error:
            # In between another session gave the customer's number to somebody.
            if isinstance(error.orig, asyncpg.UniqueViolationError):
                return InsertResult()
            raise

    async def _draft(self, feedback: Feedback, fixed: Mapping[str, Any], tier: Tier) -> _Draft:
        proposed = propose(feedback, tier)
        missing = missing_from(proposed.kind, feedback.customer, feedback.product)
        in_force = await self._promises.current()
        promised = in_force.promise(feedback, proposed, tier, fixed["received_at"], complete=not missing)
        values = {
            **fixed,
            **vars(proposed),
            "assumed_tier": tier,
            "missing": json.dumps(missing),
            "policy": promised.policy,
            "promises": PROMISES.dump_json(promised.promises).decode(),
        }
        return _Draft(proposed, promised.promises, missing, unusable(feedback.customer), values)

    def _values(self, feedback: Feedback, origin: Origin, received_at: datetime) -> dict[str, Any]:
        customer = usable(feedback.customer)
        # A stranger's word gives no record of a contact the number that is stated with it.
        overruled = customer.customer_no is not None and not origin.vouches
        return {
            **vars(customer),
            "day": business_date(received_at, self._zone),
            "received_at": received_at,
            "customer_id": f"cus_{secrets.token_hex(10)}",
            "identity": identity_of(customer, self._secret),
            "found_by": None if origin.customer_id or overruled else strongest_contact(customer),
            "person": person_behind(customer),
            "content": feedback.model_dump_json(exclude={"customer"}, exclude_none=True),
            "contact": feedback.customer.model_dump_json(exclude_none=True),
            "vouched": origin.vouches,
            "own_ticket": origin.own_ticket,
            "known_id": origin.customer_id,
            "caller": origin.asked.caller,
            "idempotency_key": origin.asked.key,
            "body_hash": origin.asked.body_hash,
        }
