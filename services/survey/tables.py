"""Schema `survey`: questionnaires, invitations and answers. It holds no contact: customers are ids here."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.runtime.feed.consumer import consumer_tables
from services.runtime.postgres.columns import NAMES, created_at, instant
from services.runtime.postgres.idempotency import idempotency_table
from services.runtime.temporal.startable import engine_columns

metadata = MetaData(schema="survey", naming_convention=NAMES)


questionnaires = Table(
    "questionnaires",
    metadata,
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", JSONB, nullable=False),
    created_at(),
    PrimaryKeyConstraint("id", "version"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ticket_no", Text, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("not_sent_reason", Text),
    Column("language", Text, nullable=False),
    Column("questionnaire", Text, nullable=False),
    Column("questionnaire_version", Integer, nullable=False),
    Column("department", Text),
    Column("owner", Text),
    Column("co_owners", ARRAY(Text), nullable=False),
    Column("complaint_about", Text),
    Column("kind", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("product_model", Text),
    Column("policy", Text),
    Column("close_reason", Text, nullable=False),
    instant("resolved_at"),
    instant("closed_at", nullable=False),
    instant("reopened_at"),
    Column("remind_after", Text, nullable=False),
    Column("expires_after", Text, nullable=False),
    instant("created_at", nullable=False),
    instant("sent_at"),
    instant("remind_at"),
    instant("reminded_at"),
    instant("expires_at"),
    instant("answered_at"),
    instant("expired_at"),
    instant("withdrawn_at"),
    Column("nonce", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("revision", Integer, nullable=False, server_default=text("0")),
    Column("done", Boolean, nullable=False, server_default=text("false")),
    instant("workflow_from"),
    *engine_columns(),
    UniqueConstraint("ticket_no", "cycle"),
    UniqueConstraint("token_hash"),
    CheckConstraint("(state = 'not_sent') = (not_sent_reason IS NOT NULL)", name="not_sent_says_why"),
    CheckConstraint("(state = 'answered') = (answered_at IS NOT NULL)", name="answered_says_when"),
    Index("invitations_newest", text("created_at DESC"), text("id DESC")),
    Index("invitations_by_customer", "customer_id", "closed_at"),
    Index("invitations_by_sending", "sent_at", postgresql_where=text("sent_at IS NOT NULL")),
    Index("invitations_by_closing", "closed_at"),
    Index("invitations_by_answer", "answered_at", postgresql_where=text("answered_at IS NOT NULL")),
    Index("invitations_living", "engine_attempts", "id", postgresql_where=text("NOT done")),
    Index("invitations_untried", "created_at", postgresql_where=text("state = 'scheduled' AND workflow_from IS NULL")),
)
"""One row a closing. Owner, department and the rest are what they were then (product.md 8). The link's token is made of
`nonce` and found by `token_hash`; another nonce revokes it. `revision` counts what the workflow must act on, and the
row is `done` when it has. Nobody has tried to send an invitation without `workflow_from`; one that is still on its way
then has a workflow that looks after it."""

answers = Table(
    "answers",
    metadata,
    Column("survey_id", Text, ForeignKey(invitations.c.id), primary_key=True),
    instant("changed_at", nullable=False),
    Column("scores", JSONB, nullable=False),
    Column("overall", SmallInteger),
    Column("recommend", SmallInteger),
    Column("solved_first_time", Boolean),
    Column("suggestion", Text),
    Column("other", JSONB, nullable=False),
    Column("low", Boolean, nullable=False),
    Column("recorded_by", Text),
    Column("recorded_by_kind", Text),
    CheckConstraint("(recorded_by IS NULL) = (recorded_by_kind IS NULL)", name="recorded_by_whom"),
)
"""The primary key is what lets an answer count once (invariant I13). `overall` is 5 for very satisfied to 1."""

feed_cursors, feed_failures = consumer_tables(metadata)
idempotency = idempotency_table(metadata)
