"""The table of alert ladders."""

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.notify.tables import metadata
from services.runtime.postgres.columns import created_at

ladders = Table(
    "ladders",
    metadata,
    Column("id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("ladders", JSONB, nullable=False),
    created_at(),
    Column("created_by", Text, nullable=False),
    PrimaryKeyConstraint("id", "version"),
)
"""Ladders that operations wrote, every version; the highest is in use. Version 0 is the built-in one."""
