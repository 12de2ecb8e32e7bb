"""Schema `intake`: feedback as it arrived, customers, ticket numbers, the outbox, the audit log of contacts."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.runtime.postgres.columns import NAMES, instant
from services.runtime.postgres.idempotency import idempotency_table

metadata = MetaData(schema="intake", naming_convention=NAMES)

ticket_serial = Sequence("ticket_serial", metadata=metadata, schema="intake", start=1)
"""Counts every ticket; no row is locked to take the next number."""

number_days = Table(
    "number_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("base", BigInteger, nullable=False),
)
"""Where `ticket_serial` stood when a business date began: a ticket's serial is the distance from it."""

customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("identity", Text, unique=True),
    Column("name", Text),
    Column("phone", Text),
    Column("email", Text),
    Column("wechat_open_id", Text),
    Column("customer_no", Text, unique=True),
    Column("tier", Text, nullable=False, server_default="standard"),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("preferred_channel", Text),
    Column("preferred_from", Text),
    Column("preferred_until", Text),
    Column("do_not_call", Boolean, nullable=False, server_default=text("false")),
    instant("created_at", nullable=False),
    instant("updated_at", nullable=False),
    instant("corrected_at"),
    Column("vouched", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Index("customers_by_phone", "phone", postgresql_where=text("phone IS NOT NULL")),
    Index("customers_by_email", "email", postgresql_where=text("email IS NOT NULL")),
    Index("customers_by_wechat", "wechat_open_id", postgresql_where=text("wechat_open_id IS NOT NULL")),
)
"""`identity` is the keyed hash of the number or contact that made the record, so that PostgreSQL's messages about a
conflict quote no contact. `corrected_at`: since then the record's contact stands above what older feedback says.
`vouched`: the contacts for which somebody answered who knew the customer; the others are told to nobody else."""

policy_snapshots = Table(
    "policy_snapshots",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("snapshot", JSONB, nullable=False),
)
"""Policies as they were when they promised something, by content: a publication never rewrites one (invariant I11)."""

feedback = Table(
    "feedback",
    metadata,
    Column("ticket_no", Text, primary_key=True),
    instant("received_at", nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("contact", JSONB, nullable=False),
    Column("tier", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("missing", ARRAY(Text), nullable=False),
    Column("policy", Text),
    Column("promises", JSONB, nullable=False),
    Column("link_generation", Integer, nullable=False, server_default=text("1")),
    Column("caller", Text, nullable=False),
    Column("idempotency_key", Text),
    Column("body_hash", Text),
    Column("vouched", Boolean, nullable=False, server_default=text("false")),
    Index(
        "feedback_by_key",
        "caller",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
    Index("feedback_by_customer", "customer_id", "received_at"),
    Index(
        "feedback_by_serial",
        text("((content -> 'product') ->> 'serial_no')"),
        postgresql_where=text("content -> 'product' ->> 'serial_no' IS NOT NULL"),
    ),
    Index(
        "feedback_by_order",
        text("((content -> 'product') ->> 'order_no')"),
        postgresql_where=text("content -> 'product' ->> 'order_no' IS NOT NULL"),
    ),
)
"""One row a feedback, never changed by intake but for `link_generation`: `content` without the sender, `contact` the
sender as stated, `vouched` whether somebody answers for who that is, and what was answered. The row is its own
idempotency record: the first answer is made from it again. No foreign keys: checking one locks the row referred to, and
every registration refers to the same policy; the statement itself looks."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("ticket_no", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("last_error", Text),
)
"""Registrations that the workflow service has not confirmed yet; a row goes when it has."""

supplements = Table(
    "supplements",
    metadata,
    Column("command_id", Text, primary_key=True),
    Column("ticket_no", Text, ForeignKey(feedback.c.ticket_no), nullable=False),
    instant("supplied_at", nullable=False),
    Column("content", JSONB, nullable=False),
    Column("contact", JSONB, nullable=False),
    Column("answer", JSONB, nullable=False),
    Index("supplements_by_ticket", "ticket_no", "supplied_at"),
)
"""What customers supplied later, beside the feedback as it arrived."""

link_revocations = Table(
    "link_revocations",
    metadata,
    Column("ticket_no", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("revoked_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("revoker_kind", Text, nullable=False),
    Column("revoker_id", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    PrimaryKeyConstraint("ticket_no", "generation"),
)
"""Who ended which generation of a customer's link (invariant I13). Append-only."""

promises_in_force = Table(
    "promises_in_force",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("promises", JSONB, nullable=False),
    CheckConstraint("one = 1", name="one_row"),
)
"""Intake's copy of the published policies and calendars, so that it promises while their owner is away."""

contact_readings = Table(
    "contact_readings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("read_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("reader_kind", Text, nullable=False),
    Column("reader_id", Text, nullable=False),
    Column("customer_id", Text),
    Column("ticket_no", Text),
    Column("request_id", Text, nullable=False),
    Column("what", Text, nullable=False, server_default="contact"),
    CheckConstraint("what IN ('contact', 'ticket_link', 'survey_link', 'lookup')", name="what"),
    Index("contact_readings_by_customer", "customer_id", "id"),
    Index("contact_readings_by_ticket", "ticket_no", "id"),
    Index(
        "contact_lookups_by_reader",
        "reader_kind",
        "reader_id",
        "read_at",
        postgresql_where=text("what = 'lookup'"),
    ),
)
"""The audit log: one row for each time that somebody was shown a contact in full (invariant I15), was given a link of
the customer's, or looked a whole contact up; `what` says which. A lookup leaves a row for each customer whose contact
it was, or one without any. Append-only."""

idempotency = idempotency_table(metadata)
"""Answers of POSTs that keep nothing else; those on feedback are made again from the feedback's own row."""
