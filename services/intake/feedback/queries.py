"""Feedback as it arrived: for those who read it, and for the workflow service, which gets no contact."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, Table, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.base import format_instant
from services.contracts.feedback import Product, Proposed, Registration, stored_customer
from services.intake.customers.identity import unusable
from services.intake.customers.masking import masked_customer
from services.intake.schemas import FeedbackView, LinkRevocation, Reader, Sender, Supplied
from services.intake.tables import feedback, link_revocations, policy_snapshots, supplements
from services.runtime.errors import NotFound
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement

Row = Mapping[Any, Any]

REGISTRATION = (*feedback.c, policy_snapshots.c.snapshot)
"""Columns that a registration is made of."""
_REGISTRATIONS = select(*REGISTRATION).join_from(
    feedback, policy_snapshots, policy_snapshots.c.digest == feedback.c.policy, isouter=True
)
WRITTEN = frozenset({"description", "situation", "already_tried", "complaint_about"})
"""What customers write as they like: it may hold anything, contacts too."""
_COPIED = ("kind", "category", "urgency", "priority")


def _beside(table: Table, names: Sequence[str], *order: Any) -> Any:
    """Rows of a table about the same ticket, in an order, as one column of JSON."""
    row = func.jsonb_build_object(*(part for name in names for part in (name, table.c[name])))
    rows = select(func.jsonb_agg(aggregate_order_by(row, *order))).where(table.c.ticket_no == feedback.c.ticket_no)
    return rows.scalar_subquery()


_SUPPLIED = ("supplied_at", "content", "contact", "answer")
_REVOKED = ("revoked_at", "revoker_kind", "revoker_id")
_STORED = RawStatement.of(
    select(
        feedback,
        _beside(supplements, _SUPPLIED, supplements.c.supplied_at, supplements.c.command_id).label("supplied"),
        _beside(link_revocations, _REVOKED, link_revocations.c.generation.desc()).label("revoked"),
    ).where(feedback.c.ticket_no == bindparam("ticket_no", type_=Text))
)


async def registrations(connection: AsyncConnection, ticket_nos: list[str]) -> list[Registration]:
    """Registrations of these tickets, in the order of their numbers; unknown ones are left out."""
    rows = await connection.execute(
        _REGISTRATIONS.where(feedback.c.ticket_no.in_(ticket_nos)).order_by(feedback.c.ticket_no)
    )
    return [Registration.model_validate(registration_json(row)) for row in rows.mappings()]


def registration_json(row: RowMapping) -> dict[str, Any]:
    """The JSON of a `Registration`, made of `REGISTRATION`; what was stored is read by whoever gets it."""
    content = row["content"]
    impact = content.get("impact", {})
    return {
        **{name: row[name] for name in (*_COPIED, "ticket_no", "customer_id", "tier", "complete")},
        **{name: content[name] for name in ("channel", "language", "product", "service_stage")},
        "received_at": format_instant(row["received_at"]),
        "missing": row["missing"],
        "promises": row["promises"],
        "complaint_about": content.get("complaint_about"),
        "affected_count": impact.get("affected_count", 1),
        "safety_risk": impact.get("safety_risk", False),
        "policy": row["snapshot"],
        "follows": content.get("follows"),
        "response_target": content.get("response_target"),
    }


async def arrival(connection: AsyncConnection, ticket_no: str) -> RowMapping:
    """The stored feedback; `NotFound` without one."""
    found = await connection.execute(select(feedback).where(feedback.c.ticket_no == ticket_no))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    return row


async def supplied_to(connection: AsyncConnection, ticket_no: str) -> list[RowMapping]:
    """Read what was supplied later, oldest first."""
    rows = await connection.execute(
        select(supplements)
        .where(supplements.c.ticket_no == ticket_no)
        .order_by(supplements.c.supplied_at, supplements.c.command_id)
    )
    return list(rows.mappings())


async def stored(database: Database, ticket_no: str) -> Row:
    """The stored feedback with everything that its view tells, in one statement; `NotFound` without one."""
    row = await _STORED.first(database, {"ticket_no": ticket_no})
    if row is None:
        raise NotFound
    return row


def view(row: Row, *, in_full: bool, with_texts: bool) -> FeedbackView:
    """The feedback as it arrived; what was supplied later stands beside it and decides what is still missing."""
    supplied, revoked = row["supplied"] or (), row["revoked"] or ()
    standing = supplied[-1]["answer"] if supplied else row
    return FeedbackView(
        ticket_no=row["ticket_no"],
        received_at=row["received_at"],
        **{"product": Product(), "impact": {}, **_shown(row["content"], with_texts=with_texts)},
        customer=_sender(row, row["contact"], in_full=in_full),
        complete=standing["complete"],
        missing=tuple(standing["missing"]),
        proposed=Proposed(rule=row["rule"], **{name: row[name] for name in _COPIED}),
        supplements=tuple(
            Supplied(
                supplied_at=each["supplied_at"],
                **_shown(each["content"], with_texts=with_texts),
                customer=_sender(row, each["contact"], in_full=in_full) if each["contact"] else None,
            )
            for each in supplied
        ),
        link_revocations=tuple(
            LinkRevocation(at=each["revoked_at"], by=Reader(kind=each["revoker_kind"], id=each["revoker_id"]))
            for each in revoked
        ),
    )


def _shown(content: dict[str, Any], *, with_texts: bool) -> dict[str, Any]:
    hidden = frozenset() if with_texts else WRITTEN
    known = {name: value for name, value in content.items() if name in FeedbackView.model_fields}
    return {name: None if name in hidden else value for name, value in known.items()}


def _sender(row: Row, contact: dict[str, Any], *, in_full: bool) -> Sender:
    stated = stored_customer(contact)
    shown = stated if in_full else masked_customer(stated)
    told = {"id": row["customer_id"], "masked": not in_full, "unusable": unusable(stated)}
    return Sender.model_validate({**shown.model_dump(), **told})
