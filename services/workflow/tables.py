"""Schema `workflow`: tickets as shown, their journal and clocks, stored commands, policies and calendars."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.runtime.postgres.columns import created_at, instant
from services.runtime.postgres.commit_order import transaction_column
from services.runtime.postgres.idempotency import idempotency_table
from services.runtime.temporal.startable import engine_columns

metadata = MetaData(schema="workflow")
idempotency = idempotency_table(metadata)
"""Answers of the POSTs that are no commands: those are kept with the commands."""


tickets = Table(
    "tickets",
    metadata,
    Column("ticket_no", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("subcategory", Text),
    Column("urgency", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("service_stage", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("department", Text),
    Column("owner", Text),
    Column("co_owners", ARRAY(Text), nullable=False),
    Column("accepted_by", Text),
    Column("customer_id", Text, nullable=False),
    Column("complaint_about", Text),
    Column("product", JSONB, nullable=False),
    Column("product_model", Text),
    Column("serial_no", Text),
    Column("incident_id", Text),
    Column("tags", ARRAY(Text), nullable=False),
    Column("cause", Text),
    instant("opened_at", nullable=False),
    instant("accepted_at"),
    instant("assigned_at"),
    instant("responded_at"),
    instant("resolved_at"),
    instant("confirmed_at"),
    instant("closed_at"),
    Column("resolution", Text),
    Column("resolution_reason", Text),
    Column("confirmation", Text),
    Column("close_reason", Text),
    Column("close_note", Text),
    Column("close_evidence", Text),
    Column("merged_into", Text),
    Column("join_pending", Boolean, nullable=False, server_default=text("false")),
    instant("next_due_at"),
    Column("policy", JSONB),
    Column("state", JSONB, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("journal_hash", LargeBinary, nullable=False),
    Column("engine_id", Text),
    Column("engine_attempts", Integer, nullable=False, server_default=text("0")),
    CheckConstraint(
        "(status = 'closed') = (close_reason IS NOT NULL) AND (status = 'closed') = (closed_at IS NOT NULL)",
        name="closed_says_why",
    ),
    CheckConstraint(
        "close_reason IS NULL"
        " OR (close_reason = 'confirmed' AND confirmed_at IS NOT NULL AND close_evidence IS NOT NULL)"
        " OR (close_reason IN ('unresolved', 'information_not_supplied', 'not_reached', 'callback_refused',"
        " 'withdrawn', 'merged') AND close_note IS NOT NULL AND length(btrim(close_note)) > 0)",
        name="closed_is_confirmed_or_filed",
    ),
    CheckConstraint("close_reason <> 'merged' OR merged_into IS NOT NULL", name="merged_into_a_ticket"),
    Index("tickets_by_next_due", text("next_due_at NULLS LAST"), "ticket_no", postgresql_include=["status"]),
    Index("tickets_by_opening", text("opened_at DESC"), text("ticket_no DESC")),
    Index("tickets_by_department", "department", "status"),
    Index("tickets_by_phase", "phase"),
    Index("tickets_by_owner", "owner", postgresql_where=text("status <> 'closed'")),
    Index("tickets_shared", "ticket_no", postgresql_where=text("status <> 'closed' AND co_owners <> '{}'")),
    Index("tickets_by_customer", "customer_id"),
    Index("tickets_by_serial", "serial_no", postgresql_where=text("serial_no IS NOT NULL")),
    Index("tickets_living", "engine_id", postgresql_where=text("NOT ended")),
    Index("tickets_to_join", "ticket_no", postgresql_where=text("join_pending")),
    Index("tickets_open", "ticket_no", postgresql_where=text("status <> 'closed'")),
)

journal = Table(
    "journal",
    metadata,
    Column("ticket_no", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("type", Text, nullable=False),
    instant("at", nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("from_phase", Text),
    Column("to_phase", Text, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("command_id", Text),
    Column("data", JSONB, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    transaction_column(),
    PrimaryKeyConstraint("ticket_no", "seq"),
    CheckConstraint("seq >= 1", name="seq_from_one"),
    Index("journal_feed", "tx", "ticket_no", "seq"),
    Index("journal_by_command", "command_id", postgresql_where=text("command_id IS NOT NULL")),
)

clocks = Table(
    "clocks",
    metadata,
    Column("ticket_no", Text, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("state", Text, nullable=False),
    instant("started_at", nullable=False),
    instant("due_at"),
    instant("met_at"),
    instant("breached_at"),
    instant("ended_at"),
    Column("elapsed_seconds", BigInteger),
    Column("overdue_seconds", BigInteger),
    Column("priority", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("policy_version", Integer, nullable=False),
    instant("excused_at"),
    Column("ledger", JSONB, nullable=False),
    PrimaryKeyConstraint("ticket_no", "cycle", "name", "round"),
    Index("clocks_running_by_due", "due_at", postgresql_where=text("state = 'running'")),
    Index("clocks_breached", "ticket_no", postgresql_where=text("state = 'breached'")),
)

IS_RUNNING = clocks.c.state == literal_column("'running'")
IS_BREACHED = clocks.c.state == literal_column("'breached'")
IS_SHARED = tickets.c.co_owners != literal_column("'{}'")
"""Written out: with a parameter, a statement that is prepared once for all its values cannot use the indexes above."""

commands = Table(
    "commands",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ticket_no", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("key", Text),
    Column("body_hash", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("command", JSONB, nullable=False),
    created_at(),
    Column("answer", JSONB),
    Index(
        "commands_by_key", "caller", "ticket_no", "name", "key", unique=True, postgresql_where=text("key IS NOT NULL")
    ),
    Index("commands_of_ticket", "ticket_no", "created_at"),
)


def _versions_of(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("id", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("body", JSONB, nullable=False),
        instant("created_at", nullable=False),
        Column("created_by", Text),
        instant("published_at"),
        PrimaryKeyConstraint("id", "version"),
    )


policies = _versions_of("policies")
calendars = _versions_of("calendars")

policy_order = Table(
    "policy_order",
    metadata,
    Column("id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    instant("retired_at"),
)
"""The order in which policies are tried; a retired one keeps its place and is passed over."""

promises_in_force = Table(
    "promises_in_force",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    CheckConstraint("one = 1", name="one_row"),
)
"""Counts publications, so that every cache knows whether it is current."""

publications = Table(
    "publications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("recalculate", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("run", Integer, nullable=False, server_default=text("1")),
    Column("requested_by", Text, nullable=False),
    instant("requested_at", nullable=False),
    instant("finished_at"),
    Column("walked_to", Text, nullable=False, server_default=""),
    Column("total", Integer, nullable=False, server_default=text("0")),
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("changed", Integer, nullable=False, server_default=text("0")),
    Column("excused", Integer, nullable=False, server_default=text("0")),
    *engine_columns(),
    CheckConstraint("state IN ('running', 'done')", name="publications_state"),
    CheckConstraint("(state = 'done') = (finished_at IS NOT NULL)", name="publications_done_says_when"),
    Index("publications_newest", text("requested_at DESC"), text("id DESC")),
    Index("publications_running", "engine_attempts", "id", postgresql_where=text("state = 'running'")),
)
"""What was published, and how far open tickets are recalculated: `walked_to` is the last ticket that was taken."""

publication_failures = Table(
    "publication_failures",
    metadata,
    Column("publication_id", Text, nullable=False),
    Column("ticket_no", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    instant("failed_at", nullable=False),
    PrimaryKeyConstraint("publication_id", "ticket_no"),
    ForeignKeyConstraint(["publication_id"], ["workflow.publications.id"]),
)
"""Tickets that could not be recalculated yet; one that could at last leaves the table."""
