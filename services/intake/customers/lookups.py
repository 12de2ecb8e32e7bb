"""Lookups of whole contacts: counted for each reader, limited in an hour, and in the audit log.

Whoever may register calls must find a caller whose tickets they do not handle. That answers whether a number is a
customer's, so it is no search engine for numbers.
"""

import math
from collections.abc import Sequence
from datetime import timedelta

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.address import ContactReader, Revealed
from services.contracts.base import Email
from services.intake.audit.log import line_of
from services.intake.customers.phones import NoPhone, split, stored_phone
from services.intake.tables import contact_readings, customers
from services.intake.wording import WORDING
from services.runtime.errors import RateLimited

_WINDOW = timedelta(hours=1)
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


def whole_contact(q: str) -> ColumnElement[bool] | None:
    """The records that a whole phone or e-mail address stands for; None where `q` is neither."""
    record = customers.c
    if "@" in q or "＠" in q:
        try:
            return record.email == _EMAIL.validate_python(q.strip()).lower()
        except ValidationError:
            return None
    try:
        phone = stored_phone(q)
    except NoPhone:
        return None
    _, extension = split(phone)
    return record.phone == phone if extension else or_(record.phone == phone, record.phone.startswith(f"{phone};"))


async def log_lookup(connection: AsyncConnection, reader: ContactReader, found: Sequence[str], per_hour: int) -> None:
    """Write down who looked a whole contact up, and whose it was.

    Raises:
        RateLimited: they did so `per_hour` times within the last hour.
    """
    log = contact_readings.c
    name = f"{reader.kind}:{reader.id}"
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    now = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    mine = (log.what == Revealed.LOOKUP, log.reader_kind == reader.kind, log.reader_id == reader.id)
    recent = select(log.read_at).distinct().where(*mine, log.read_at > now - _WINDOW)
    earlier = list((await connection.execute(recent.order_by(log.read_at.desc()).limit(per_hour))).scalars())
    if len(earlier) >= per_hour:
        raise _too_many(math.ceil((earlier[-1] + _WINDOW - now).total_seconds()), per_hour)
    lines = [line_of(reader, Revealed.LOOKUP, each, None) for each in found or (None,)]
    await connection.execute(insert(contact_readings).values(read_at=now), lines)


def _too_many(seconds: int, per_hour: int) -> RateLimited:
    refusal = RateLimited(max(seconds, 1), WORDING.told("refused", "lookups", {"per_hour": per_hour}))
    refusal.extra["retry_after"] = refusal.retry_after
    return refusal
