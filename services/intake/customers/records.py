"""Customers: one record per contact or customer number, with tags, preferences and the history of their tickets."""

from typing import Any

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.feedback import Customer, stored_customer
from services.contracts.vocabulary import Tier
from services.intake.customers.identity import CONTACTS, identity_of, normalised
from services.intake.customers.masking import masked_customer
from services.intake.schemas import CustomerChange, CustomerProfile, CustomerSummary, PastTicket, PreferredHours
from services.intake.tables import customers, feedback
from services.runtime.errors import Conflict, NotFound

_STATED = ("name", *CONTACTS, "customer_no", "tier")
_IDENTIFYING = frozenset({"name", *CONTACTS, "customer_no"})
_CLEARED: dict[str, Any] = {"tier": Tier.STANDARD, "tags": [], "do_not_call": False}


async def customer(connection: AsyncConnection, customer_id: str, *, locked: bool = False) -> RowMapping:
    """The stored record, kept from others until the transaction ends if `locked`; `NotFound` without one."""
    wanted = select(customers).where(customers.c.id == customer_id)
    found = await connection.execute(wanted.with_for_update() if locked else wanted)
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    return row


async def history(connection: AsyncConnection, customer_id: str, limit: int) -> list[PastTicket]:
    """The customer's latest feedback, newest first."""
    past = (
        select(feedback)
        .where(feedback.c.customer_id == customer_id)
        .order_by(feedback.c.received_at.desc(), feedback.c.ticket_no.desc())
        .limit(limit)
    )
    return [
        PastTicket(
            **{name: row[name] for name in ("ticket_no", "received_at", "kind", "category")},
            channel=row["content"]["channel"],
            product=row["content"].get("product", {}),
        )
        for row in (await connection.execute(past)).mappings()
    ]


async def answers_to_a_contact(
    connection: AsyncConnection, customer_id: str, wanted: CustomerChange, secret: bytes
) -> list[str] | None:
    """Read whose record a correction names: whether it collides with another one tells if that is somebody's contact.

    Returns:
        The other customer of that contact, if any; None where a correction tells of no contact.
    """
    row = await customer(connection, customer_id)
    stated = _corrected(row, wanted)
    identity = identity_of(stated, secret)
    if not wanted.model_fields_set & _IDENTIFYING or stated.customer_no or identity in {None, row["identity"]}:
        return None
    others = select(customers.c.id).where(customers.c.identity == identity, customers.c.id != customer_id)
    return list((await connection.execute(others)).scalars())


async def change(connection: AsyncConnection, customer_id: str, wanted: CustomerChange, secret: bytes) -> RowMapping:
    """Correct a record; what `wanted` leaves out stays, null clears. `secret` keys identities.

    Raises:
        Conflict: `already_exists`, another customer has that number or contact for identity.
        ValidationFailed: an impossible phone.
    """
    row = await customer(connection, customer_id, locked=True)
    values = _values(wanted)
    stated = _corrected(row, wanted)
    values |= {name: getattr(stated, name) for name in values if name in _STATED}
    if values.keys() & _IDENTIFYING:
        values["identity"] = identity_of(stated, secret)
    if values.keys() & set(CONTACTS):
        values["corrected_at"] = func.clock_timestamp()
        values["vouched"] = sorted({*row["vouched"], *(values.keys() & set(CONTACTS))})
    correction = update(customers).where(customers.c.id == customer_id).returning(customers)
    try:
        result = await connection.execute(correction.values(updated_at=func.clock_timestamp(), **values))
    except IntegrityError as error:
        raise Conflict(code="already_exists") from error
    corrected: RowMapping = result.mappings().one()
    return corrected


def _values(wanted: CustomerChange) -> dict[str, Any]:
    """Values of a correction, by column; null clears."""
    values = {name: getattr(wanted, name) for name in wanted.model_fields_set}
    hours = values.pop("preferred_hours", None)
    if "preferred_hours" in wanted.model_fields_set:
        values |= {"preferred_from": hours and hours.from_, "preferred_until": hours and hours.until}
    return {name: _CLEARED.get(name) if value is None else value for name, value in values.items()}


def _corrected(row: RowMapping, wanted: CustomerChange) -> Customer:
    return normalised(_stated(row, _values(wanted)), "")


def summary(row: RowMapping) -> CustomerSummary:
    """A customer in a list, always shortened."""
    masked = masked_customer(_stated(row, {}))
    return CustomerSummary(id=row["id"], **masked.model_dump())


def profile(row: RowMapping, tickets: tuple[PastTicket, ...], *, in_full: bool) -> CustomerProfile:
    """A customer's page; `tickets` are those that the reader may see."""
    stated = _stated(row, {})
    hours = None
    if row["preferred_from"]:
        hours = PreferredHours(from_=row["preferred_from"], until=row["preferred_until"])
    return CustomerProfile(
        id=row["id"],
        **(stated if in_full else masked_customer(stated)).model_dump(),
        masked=not in_full,
        preferred_hours=hours,
        **{name: row[name] for name in ("tags", "preferred_channel", "do_not_call", "created_at", "updated_at")},
        tickets=tickets,
    )


def _stated(row: RowMapping, values: dict[str, Any]) -> Customer:
    return stored_customer({name: values.get(name, row[name]) for name in _STATED})
