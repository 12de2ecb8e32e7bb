"""Ticket numbers: business date and serial, `20240520001` (product.md 4). Unique for ever; gaps are allowed.

One sequence counts every ticket. Each business date keeps where the sequence stood when its first ticket came, and
the serial is the distance from there. Nobody updates a row, so nobody waits for one.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from services.runtime.postgres.database import Database

TICKET_NO = (
    "to_char(numbered.day, 'YYYYMMDD') || lpad(numbered.serial::text, greatest(3, length(numbered.serial::text)), '0')"
)
"""SQL of a ticket number, from a row `numbered` that has its `day` and `serial`."""

# The base is read before any number of the day is taken, because numbers are only taken from the committed row;
# so serials begin at 1 or, when the day before was still numbering, a little above.
_OPEN_DAY = text(
    """
    INSERT INTO intake.number_days (day, base)
    SELECT CAST(:day AS date), CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM intake.ticket_serial
    ON CONFLICT (day) DO NOTHING
    """
)


def business_date(at: datetime, zone: ZoneInfo) -> date:
    """The date that a ticket received at `at` carries in its number."""
    return at.astimezone(zone).date()


async def open_day(database: Database, day: date) -> None:
    """Make numbers of `day` available; the second call changes nothing."""
    async with database.autocommit() as connection:
        await connection.execute(_OPEN_DAY, {"day": day})
