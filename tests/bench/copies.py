"""Many tickets at once: copies, row by row in PostgreSQL, of a few that were really played.

Customer, feedback, ticket, clocks, journal and commands are copied, under numbers and customers of their own.
"""

from collections.abc import Mapping

import asyncpg

NUMBER = "'20200101' || lpad((n * 100 + place.at)::text, 7, '0')"
"""SQL of a copy's number: of a hundred tickets at most, `n` counts the copies of each."""
_CUSTOMER = "it.customer_id || '-' || n"
_COPIED: Mapping[str, Mapping[str, str]] = {
    "intake.feedback": {
        "ticket_no": NUMBER,
        "customer_id": _CUSTOMER,
        "idempotency_key": "NULL",
        "received_at": "it.received_at - n * interval '1 minute'",
    },
    "workflow.tickets": {
        "ticket_no": NUMBER,
        "customer_id": _CUSTOMER,
        "opened_at": "it.opened_at - n * interval '1 minute'",
    },
    "workflow.clocks": {"ticket_no": NUMBER},
    # The transaction's number is copied too: it lies behind the feed's readers, so nobody is told of copies.
    "workflow.journal": {"ticket_no": NUMBER, "command_id": "it.command_id || '-' || n"},
    "workflow.commands": {"ticket_no": NUMBER, "id": "it.id || '-' || n", "key": "NULL"},
}
"""The tables, and what is not taken over as it is."""
_CUSTOMERS = """
INSERT INTO intake.customers (id, name, phone, tier, created_at, updated_at)
SELECT it.id || '-' || n, it.name, it.phone, it.tier, it.created_at, it.updated_at
  FROM intake.customers AS it CROSS JOIN generate_series($1::int, $2::int) AS n
 WHERE it.id IN (SELECT customer_id FROM intake.feedback WHERE ticket_no = ANY($3::text[]))
"""
_COLUMNS = """
SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position
"""
_NUMBERS = "SELECT ticket_no FROM workflow.tickets WHERE ticket_no LIKE '20200101%' ORDER BY ticket_no"


async def copy(
    database: asyncpg.Connection, played: list[str], first: int, last: int, ticket: Mapping[str, str]
) -> list[str]:
    """Make the copies `first` to `last` of each ticket; `ticket` is SQL of what else differs in its row.

    Answers the numbers of all copies that there are.
    """
    async with database.transaction():
        await database.execute(_CUSTOMERS, first, last, played)
        for table, replaced in _COPIED.items():
            other = ticket if table == "workflow.tickets" else {}
            await database.execute(await _copying(database, table, {**replaced, **other}), first, last, played)
    await database.execute("VACUUM ANALYZE")
    return [row["ticket_no"] for row in await database.fetch(_NUMBERS)]


async def _copying(database: asyncpg.Connection, table: str, replaced: Mapping[str, str]) -> str:
    """The statement that copies the rows of the tickets `$3`."""
    columns = [row["column_name"] for row in await database.fetch(_COLUMNS, *table.split("."))]
    values = ", ".join(replaced.get(column, f'it."{column}"') for column in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values}"
        f" FROM {table} AS it JOIN unnest($3::text[]) WITH ORDINALITY AS place (no, at) ON place.no = it.ticket_no"
        " CROSS JOIN generate_series($1::int, $2::int) AS n"
    )
