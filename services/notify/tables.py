"""Schema `notify`: what its parts share. Notices, alerts and webhooks keep their tables beside their code."""

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from services.runtime.feed.consumer import consumer_tables
from services.runtime.postgres.columns import instant
from services.runtime.postgres.idempotency import idempotency_table

metadata = MetaData(schema="notify")
idempotency = idempotency_table(metadata)
"""Answers of POSTs."""

feed_tables = consumer_tables(metadata)
"""Where the followers of the journal's feed stand: notices, alerts and webhooks, each at its own place."""

tickets = Table(
    "tickets",
    metadata,
    Column("ticket_no", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("phase", Text, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("department", Text),
    Column("owner", Text),
    Column("co_owners", ARRAY(Text), nullable=False),
    Column("complaint_about", Text),
    Column("customer_id", Text, nullable=False),
    Column("product_model", Text),
    Column("calendar", Text),
    instant("opened_at", nullable=False),
    instant("closed_at"),
    Index("tickets_by_department", "department"),
)
"""What notify knows of tickets, as the feed told it last: who may see what, whom to tell, in which language."""
