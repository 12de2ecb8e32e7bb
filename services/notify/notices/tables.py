"""Tables of notices and of their texts."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.notify.tables import metadata
from services.runtime.postgres.columns import instant, position
from services.runtime.temporal.startable import engine_columns

notices = Table(
    "notices",
    metadata,
    Column("id", Text, primary_key=True),
    position(),
    Column("key", Text, nullable=False, unique=True),
    Column("ticket_no", Text),
    Column("kind", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("language", Text),
    Column("urgent", Boolean, nullable=False),
    Column("precedence", SmallInteger, nullable=False, server_default=text("2")),
    instant("at", nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("facts", JSONB, nullable=False),
    Column("texts", JSONB, nullable=False),
    Column("links", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("held", Boolean, nullable=False, server_default=text("false")),
    instant("held_until"),
    Column("not_sent_reason", Text),
    Column("channel", Text),
    Column("template", Text),
    Column("subject", Text),
    Column("text", Text),
    instant("sent_at"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    Column("round", Integer, nullable=False, server_default=text("1")),
    instant("workflow_from"),
    *engine_columns(),
    CheckConstraint("state IN ('waiting', 'sent', 'failed', 'not_sent')", name="notices_state"),
    CheckConstraint("(state = 'not_sent') = (not_sent_reason IS NOT NULL)", name="notices_not_sent_says_why"),
    Index("notices_by_ticket", "ticket_no", "position"),
    Index("notices_by_recipient", "recipient", "position", postgresql_where=text("audience = 'staff'")),
    Index("notices_living", "engine_attempts", "id", postgresql_where=text("state = 'waiting' AND NOT held")),
    Index(
        "notices_untried",
        "precedence",
        "position",
        postgresql_where=text("state = 'waiting' AND NOT held AND workflow_from IS NULL"),
    ),
)
"""One row a notice. `subject` and `text` are written at the first try and then stay: every repeat says the same. There
a customer's name and their link are places to be filled (`{{customer}}`, `{{ticket_link}}`): no contact is kept here.
`round` counts how often somebody had it sent anew; `held` waits for leave to go: a plan for its approval. `held_until`
is the end of the quiet hours that it waits for, or waited for last. `precedence` is its turn among those that nobody
has tried: lower goes first.
`workflow_from` is when a workflow takes over what the first try has left; null until somebody has taken that up."""

templates = Table(
    "notice_templates",
    metadata,
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("updated_by", Text, nullable=False),
    PrimaryKeyConstraint("id", "version"),
)
"""What operations wrote in place of the built-in texts; every version is kept, the highest is in use."""

handlers = Table(
    "ticket_handlers",
    metadata,
    Column("ticket_no", Text, primary_key=True),
    Column("named", ARRAY(Text), nullable=False),
)
"""Who was told that a ticket is theirs, as `owner:<id>` and `co_owner:<id>`: only who is named anew is told again."""
