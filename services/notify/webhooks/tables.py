"""Tables of webhooks, of what they deliver, and of the department that a ticket has in the feed."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.notify.tables import metadata
from services.runtime.postgres.columns import created_at, instant, position
from services.runtime.temporal.startable import engine_columns


def _of_webhook(*, primary_key: bool = False) -> Column[str]:
    owner = ForeignKey("notify.webhooks.id", ondelete="CASCADE")
    return Column("webhook_id", Text, owner, primary_key=primary_key, nullable=False)


webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Text, primary_key=True),
    position(),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("types", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("department", Text),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("disabled_reason", Text),
    Column("live_from", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("secret", Text, nullable=False),
    Column("older_secrets", JSONB, nullable=False, server_default=text("'[]'")),
    instant("rests_until"),
    Column("silent", Boolean, nullable=False, server_default=text("false")),
    Column("given_up", Integer, nullable=False, server_default=text("0")),
    instant("told_at"),
    created_at(),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    instant("deleted_at"),
    Column("wake_key", Text, nullable=False, unique=True),
    *engine_columns(),
    CheckConstraint("active = (disabled_reason IS NULL)", name="webhooks_inactive_says_why"),
)
"""One row a webhook; secrets are sealed. `live_from`: events recorded since then are its. `wake_key` changes whenever
its workflow has something new to look at, so that a wake is not taken for the one before it. `given_up` counts the
deliveries that administrators were not told of yet."""

deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    position(),
    _of_webhook(),
    Column("lane", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("ticket_no", Text),
    Column("seq", Integer),
    instant("occurred_at", nullable=False),
    Column("data", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default="pending"),
    Column("attempts", JSONB, nullable=False, server_default=text("'[]'")),
    created_at(),
    instant("delivered_at"),
    UniqueConstraint("webhook_id", "event_id", name="webhook_deliveries_once"),
    CheckConstraint("state IN ('pending', 'delivered', 'exhausted', 'cancelled')", name="webhook_deliveries_state"),
    Index("webhook_deliveries_waiting", "webhook_id", "lane", "seq", postgresql_where=text("state = 'pending'")),
    Index("webhook_deliveries_exhausted", "webhook_id", postgresql_where=text("state = 'exhausted'")),
    Index("webhook_deliveries_by_webhook", "webhook_id", "position"),
    Index("webhook_deliveries_by_age", "created_at"),
)
"""One row an event and webhook: what is sent, and each try with its outcome. Codes only, as in the journal."""

lanes = Table(
    "webhook_lanes",
    metadata,
    _of_webhook(primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    instant("failing_since"),
    instant("next_try_at"),
    Index("webhook_lanes_due", "webhook_id", "next_try_at"),
)
"""What waits of one ticket for one webhook goes one after another; a lane without anything waiting has no row.
`version` changes with every delivery that enters, so that a lane is not closed behind its back."""

departments = Table(
    "webhook_departments",
    metadata,
    Column("ticket_no", Text, primary_key=True),
    Column("department", Text),
)
"""The department that a ticket had at its last event that was followed: where its next events may go (I16)."""
