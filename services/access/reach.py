"""The permission table over rows in SQL: tables that hold a ticket's `department`, `owner` and `co_owners`."""

from sqlalchemy import ColumnElement, FromClause, false, or_, true

from services.contracts.permissions import Action, Principal, Relation, reach


def within_reach(caller: Principal, action: Action, rows: FromClause) -> ColumnElement[bool]:
    """`permissions.reach` of a caller in SQL: the rows on which they may do `action`."""
    relation = reach(caller, action)
    if relation is None:
        return false()
    return true() if relation is Relation.ANY else in_queue(caller, rows)


def in_queue(caller: Principal, rows: FromClause) -> ColumnElement[bool]:
    """The queue of `permissions` in SQL: the caller's department, no department, or a ticket that they help with."""
    if caller.department is None:
        return true()
    return or_(rows.c.department == caller.department, rows.c.department.is_(None), is_owned(caller, rows))


def is_owned(caller: Principal, rows: FromClause) -> ColumnElement[bool]:
    """Whether the caller is owner or co-owner."""
    return or_(rows.c.owner == caller.id, rows.c.co_owners.contains([caller.id]))
