"""Supplements of customers after their feedback was registered (product.md 3, step 2)."""

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, RowMapping, Text, case, cast, func, insert, or_, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.feedback import Product, Supplement, Supplemented, stored_customer
from services.contracts.vocabulary import Kind
from services.intake.customers.identity import CONTACTS, normalised
from services.intake.feedback.completeness import impossible_dates, missing_from
from services.intake.feedback.queries import arrival, supplied_to
from services.intake.tables import customers, feedback, supplements
from services.runtime.errors import NotFound, ValidationFailed
from services.runtime.postgres.database import Database


async def supply(database: Database, ticket_no: str, command_id: str, supplement: Supplement) -> Supplemented:
    """Keep the supplement beside the feedback and say what is still missing; a repeat gets the first answer.

    Raises:
        NotFound: no such feedback.
        ValidationFailed: an impossible phone or date.
    """
    if supplement.customer:
        supplement = supplement.model_copy(update={"customer": normalised(supplement.customer)})
    async with database.begin() as connection:
        await _wait_for_others(connection, ticket_no)
        known = select(supplements.c.answer).where(supplements.c.command_id == command_id)
        if answer := (await connection.execute(known)).scalar_one_or_none():
            return Supplemented.model_validate(answer)
        if errors := impossible_dates(supplement, datetime.now(UTC)):
            raise ValidationFailed(errors)
        return await _keep(connection, ticket_no, command_id, supplement)


async def _wait_for_others(connection: AsyncConnection, ticket_no: str) -> None:
    locked = select(feedback.c.ticket_no).where(feedback.c.ticket_no == ticket_no).with_for_update(key_share=True)
    if (await connection.execute(locked)).scalar_one_or_none() is None:
        raise NotFound


async def _keep(connection: AsyncConnection, ticket_no: str, command_id: str, supplement: Supplement) -> Supplemented:
    row = await arrival(connection, ticket_no)
    earlier = await supplied_to(connection, ticket_no)
    content = supplement.model_dump(mode="json", exclude={"customer"}, exclude_none=True)
    contact = supplement.customer.model_dump(mode="json", exclude_none=True) if supplement.customer else {}
    told = [row["content"], *[each["content"] for each in earlier], content]
    sender = [row["contact"], *[each["contact"] for each in earlier], contact]
    product = Product.model_validate(_merged(each.get("product", {}) for each in told))
    missing = missing_from(Kind(row["kind"]), stored_customer(_merged(sender)), product)
    answer = Supplemented(
        complete=not missing,
        missing=missing,
        product=product,
        complaint_about=_merged(told).get("complaint_about"),
        changed=tuple(_named(supplement)),
    )
    await connection.execute(
        insert(supplements).values(
            command_id=command_id,
            ticket_no=ticket_no,
            supplied_at=datetime.now(UTC),
            content=content,
            contact=contact,
            answer=answer.model_dump(mode="json"),
        )
    )
    await _complete_the_record(connection, row, contact)
    return answer


async def _complete_the_record(connection: AsyncConnection, row: RowMapping, contact: dict[str, Any]) -> None:
    """Fill the blanks of the customer's record; what it knows already stays. Nobody's word fills the record of a
    customer for whom somebody vouched."""
    blanks = {name: contact[name] for name in ("name", *CONTACTS) if name in contact}
    if not blanks:
        return
    record = customers.c
    await connection.execute(
        update(customers)
        .where(
            record.id == row["customer_id"],
            or_(*[record[name].is_(None) for name in blanks]),
            true() if row["vouched"] else func.cardinality(record.vouched) == 0,
        )
        .values(
            updated_at=func.clock_timestamp(),
            vouched=_vouched_with(blanks) if row["vouched"] else record.vouched,
            **{name: func.coalesce(record[name], value) for name, value in blanks.items()},
        )
    )


def _vouched_with(blanks: dict[str, Any]) -> ColumnElement[Any]:
    """The contacts vouched for, with those that fill a blank now."""
    record = customers.c
    filled = [case((record[name].is_(None), name)) for name in blanks if name != "name"]
    return func.array_cat(record.vouched, func.array_remove(cast(array(filled), ARRAY(Text)), None))


def _merged(parts: Any) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= {name: value for name, value in part.items() if value is not None}
    return merged


def _named(supplement: Supplement) -> list[str]:
    names = []
    for name in supplement.model_fields_set:
        value = getattr(supplement, name)
        if isinstance(value, BaseModel):
            names += [f"{name}.{inner}" for inner in value.model_fields_set if getattr(value, inner) is not None]
        elif value is not None:
            names.append(name)
    return sorted(names)
