"""Tables of quiet hours and of the calendars that people are reached by."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from services.notify.tables import metadata

quiet_hours = Table(
    "quiet_hours",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("hours", JSONB, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("created_by", Text, nullable=False),
)
"""Every version that somebody set; the highest holds. Before the first there are none."""

calendars_in_force = Table(
    "calendars_in_force",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False),
    Column("calendars", JSONB, nullable=False),
    CheckConstraint("one = 1", name="calendars_in_force_one"),
)
"""The published calendars, copied from the workflow service: people are reached by them while it is away."""
