"""Tables of quiet hours and of the calendars that people are reached by."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.notify.tables import metadata
from services.runtime.postgres.columns import created_at

quiet_hours = Table(
    "quiet_hours",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("hours", JSONB, nullable=False),
    created_at(),
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
