"""Tables of alerts: where each stands, who was told, what the ticket's journal is still to be told."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.notify.tables import metadata
from services.runtime.postgres.columns import instant
from services.runtime.postgres.commit_order import transaction_column
from services.runtime.temporal.startable import engine_columns

alerts = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("ticket_no", ForeignKey("tickets.ticket_no"), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("clock", Text),
    Column("clock_round", Integer),
    Column("threshold", Text, nullable=False),
    instant("due_at", nullable=False),
    instant("raised_at", nullable=False),
    Column("state", Text, nullable=False),
    Column("ladder", JSONB, nullable=False),
    Column("ladder_id", Text),
    Column("ladder_version", Integer),
    Column("ladder_missing", Text),
    Column("round", Integer, nullable=False, server_default=text("1")),
    Column("level", Integer, nullable=False, server_default=text("0")),
    Column("last_round", Integer, nullable=False),
    Column("next_round", Integer),
    Column("next_level", Integer),
    instant("next_at"),
    instant("waits_from"),
    Column("waits_by", Text),
    instant("exhausted_at"),
    Column("acknowledged_by", Text),
    instant("acknowledged_at"),
    instant("expires_at"),
    instant("snoozed_until"),
    Column("handed_to", Text),
    Column("resolution", Text),
    Column("resolution_note", Text),
    Column("resolved_by", Text),
    instant("resolved_at"),
    Column("remarks", Integer, nullable=False, server_default=text("0")),
    transaction_column(),
    *engine_columns(),
    CheckConstraint("state IN ('open', 'acknowledged', 'snoozed', 'resolved')", name="alerts_state"),
    CheckConstraint(
        "(state = 'resolved') = (resolved_at IS NOT NULL AND resolution IS NOT NULL)", name="alerts_resolved_says_why"
    ),
    CheckConstraint("(clock IS NULL) = (threshold = 'low_rating')", name="alerts_of_clocks_and_ratings"),
    CheckConstraint("(next_round IS NULL) = (next_level IS NULL)", name="alerts_next_place"),
    Index(
        "alerts_once",
        "ticket_no",
        "cycle",
        text("coalesce(clock, '')"),
        text("coalesce(clock_round, 0)"),
        "threshold",
        unique=True,
    ),
    Index("alerts_by_raising", text("raised_at DESC"), text("id DESC")),
    Index("alerts_unresolved", "ticket_no", postgresql_where=text("state <> 'resolved'")),
    Index("alerts_untold_to_engine", "engine_attempts", "next_at", "id", postgresql_where=text("engine_id IS NULL")),
    Index("alerts_by_next_step", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    Index("alerts_by_change", "tx", "id"),
    Index("alerts_that_wait", "waits_by", postgresql_where=text("waits_from IS NOT NULL")),
)
"""One row an alert. `round` and `level` are the place on the ladder that was told last, `next_round` and `next_level`
the one that comes next, at `next_at`; while it is acknowledged or snoozed, `next_at` is when that ends. `last_round`
bounds the climb. `ladder` is as it was when the alert was raised, that of `ladder_id` and `ladder_version`;
`ladder_missing` is one that the policy names and that there is not. `waits_from` is since when the next step waits for
the hours of those whom it would tell, and `waits_by` what those hours were read from. `remarks` counts what the journal
is told. `engine_id` is null while its workflow has not been told how the row stands."""

tellings = Table(
    "alert_tellings",
    metadata,
    Column("alert_id", ForeignKey(alerts.c.id), nullable=False),
    Column("round", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("staff", Text, nullable=False),
    Column("rung", Text),
    instant("at", nullable=False),
    Column("notice_key", Text, nullable=False, unique=True),
    PrimaryKeyConstraint("alert_id", "round", "level", "staff"),
    Index("alert_tellings_by_staff", "staff", "alert_id"),
)
"""Who was told, on which rung; level 0 is a hand-over, which no ladder knows."""

remarks = Table(
    "alert_remarks",
    metadata,
    Column("key", Text, primary_key=True),
    Column("alert_id", ForeignKey(alerts.c.id), nullable=False),
    Column("number", Integer, nullable=False),
    Column("remark", JSONB, nullable=False),
    instant("entered_at"),
    Column("refused", Text),
    Index("alert_remarks_of_alert", "alert_id", "number", unique=True),
    Index("alert_remarks_unentered", "alert_id", postgresql_where=text("entered_at IS NULL")),
)
"""What the journal of the ticket is told of an alert, in order."""
