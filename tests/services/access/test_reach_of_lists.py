"""A list shows the rows that the permission table allows one by one (invariant I16)."""

from dataclasses import dataclass

import pytest
from sqlalchemy import Integer, Text, column, select, values
from sqlalchemy.dialects.postgresql import ARRAY

from services.access.reach import within_reach
from services.contracts.directory import Scope, StaffRole
from services.contracts.permissions import Action, may
from services.contracts.vocabulary import Phase
from services.runtime.postgres.database import Database
from services.runtime.security.auth import Caller

LISTED = (Action.READ_TICKET, Action.READ_ALERT, Action.READ_NOTICE, Action.READ_SURVEY, Action.READ_REPORT,
          Action.READ_NOTE)  # fmt: skip


@dataclass(frozen=True)
class Ticket:
    """A ticket as the table sees it."""

    department: str | None
    owner: str | None = None
    co_owners: tuple[str, ...] = ()
    phase: Phase = Phase.ASSIGNED


TICKETS = (
    Ticket(None),
    Ticket(None, "somebody"),
    Ticket("repairs"),
    Ticket("repairs", "me"),
    Ticket("logistics"),
    Ticket("logistics", "somebody", ("another",)),
    Ticket("logistics", "me"),
    Ticket("logistics", "somebody", ("another", "me")),
)
ROWS = values(
    column("number", Integer),
    column("department", Text),
    column("owner", Text),
    column("co_owners", ARRAY(Text)),
    name="rows",
).data([(number, it.department, it.owner, list(it.co_owners)) for number, it in enumerate(TICKETS)])
CALLERS = (
    *[
        Caller(kind="staff", id="me", name=role, roles=frozenset({role}), department=department)
        for role in StaffRole
        for department in ("repairs", None)
    ],
    Caller(kind="staff", id="me", name="nobody", department="repairs"),
    *[
        Caller(kind="api_key", id="k", name="key", scopes=frozenset(Scope), department=department)
        for department in ("repairs", None)
    ],
)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda it: f"{it.name}-{it.department}")
async def test_a_list_shows_what_may_be_read_one_by_one(shared_database: Database, caller: Caller) -> None:
    async with shared_database.read() as connection:
        for action in LISTED:
            shown = await connection.scalars(select(ROWS.c.number).where(within_reach(caller, action, ROWS)))
            allowed = {number for number, ticket in enumerate(TICKETS) if may(caller, action, ticket)}
            assert set(shown) == allowed, action
