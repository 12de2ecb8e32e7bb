"""The table of alert ladders."""

from sqlalchemy import Column, DateTime, Integer, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from services.notify.tables import metadata

ladders = Table(
    "ladders",
    metadata,
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("ladders", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("created_by", Text, nullable=False),
    PrimaryKeyConstraint("id", "version"),
)
"""Ladders that operations wrote, every version; the highest is in use. Version 0 is the built-in one."""
