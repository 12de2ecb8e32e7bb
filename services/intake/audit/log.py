"""The audit log: who was shown which contact in full, and was given which customer's link (invariants I13, I15)."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Text, bindparam, func, insert, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.address import ContactReader, Revealed
from services.intake.schemas import ContactReading, Reader
from services.intake.tables import contact_readings
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement
from services.runtime.security.auth import Caller
from services.runtime.telemetry import request_id


@dataclass(frozen=True)
class Filters:
    """Filters of a list of readings."""

    ticket_no: str | None = None
    customer_id: str | None = None
    reader_id: str | None = None


def reader_of(caller: Caller) -> ContactReader:
    """The caller, in the request that is under way, as the audit log names them."""
    return ContactReader(kind=caller.kind, id=caller.id, request_id=request_id.get())


def line_of(reader: ContactReader, what: Revealed, customer_id: str | None, ticket_no: str | None) -> dict[str, Any]:
    """The columns of one line."""
    return {
        "reader_kind": reader.kind,
        "reader_id": reader.id,
        "request_id": reader.request_id,
        "what": what,
        "customer_id": customer_id,
        "ticket_no": ticket_no,
    }


def logged(found: CTE) -> CTE:
    """The part of a statement that writes one line for each of `shown`, in their order, where `found` knows the ticket:
    with the line comes what is read, or neither. The reader is told by `reader_kind`, `reader_id` and `request_id`."""
    named = func.unnest(bindparam("shown", type_=ARRAY(Text))).table_valued("ticket_no", with_ordinality="place")
    shown = named.render_derived(name="shown")
    line: dict[str, ColumnElement[Any]] = {
        **{name: bindparam(name, type_=Text) for name in ("reader_kind", "reader_id", "request_id")},
        "what": literal(Revealed.CONTACT),
        "customer_id": found.c.id,
        "ticket_no": shown.c.ticket_no,
    }
    lines = select(*line.values()).join_from(shown, found, found.c.ticket_no == shown.c.ticket_no)
    return insert(contact_readings).from_select(list(line), lines.order_by(shown.c.place)).cte("logged")


_LINE = RawStatement.of(
    insert(contact_readings).values(
        {
            name: bindparam(name, type_=Text)
            for name in ("reader_kind", "reader_id", "request_id", "what", "customer_id", "ticket_no")
        }
    )
)


async def record(
    connection: AsyncConnection,
    reader: ContactReader,
    shown: Iterable[tuple[str, str | None]],
) -> None:
    """Write one line for each (customer, ticket) shown in full, in the transaction that reads them."""
    rows = [line_of(reader, Revealed.CONTACT, customer_id, ticket_no) for customer_id, ticket_no in shown]
    if rows:
        await connection.execute(insert(contact_readings), rows)


async def record_reading(database: Database, reader: ContactReader, customer_id: str | None, ticket_no: str) -> None:
    """Write the line of one contact, durably: whoever is shown it gets it after that."""
    await _LINE.all(database, line_of(reader, Revealed.CONTACT, customer_id, ticket_no))


async def readings(
    connection: AsyncConnection, filters: Filters, *, limit: int, before: int | None
) -> list[ContactReading]:
    """The newest lines first, those older than line `before` where given."""
    log = contact_readings.c
    lines = select(contact_readings).order_by(log.id.desc()).limit(limit)
    lines = lines.where(*[log[name] == value for name, value in asdict(filters).items() if value is not None])
    if before is not None:
        lines = lines.where(log.id < before)
    return [
        ContactReading(
            id=str(row.id),
            at=row.read_at,
            reader=Reader(kind=row.reader_kind, id=row.reader_id),
            **{name: getattr(row, name) for name in ("what", "customer_id", "ticket_no", "request_id")},
        )
        for row in await connection.execute(lines)
    ]
