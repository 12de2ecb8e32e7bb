"""The schema `directory`. No other service touches it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.runtime.postgres.columns import created_at, instant, position
from services.runtime.postgres.idempotency import idempotency_table

metadata = MetaData(
    schema="directory",
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    },
)


def _active() -> Column[bool]:
    return Column("active", Boolean, nullable=False, server_default=text("true"))


departments = Table(
    "departments",
    metadata,
    Column("id", Text, primary_key=True),
    position(),
    Column("name", Text, nullable=False),
    Column("categories", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("default", Boolean, nullable=False, server_default=text("false")),
    Column("on_call_fallback", Text, nullable=True),
    Column("calendar", Text, nullable=True),
    _active(),
    created_at(),
    CheckConstraint('active OR NOT "default"', name="default_is_active"),
)
Index("uq_departments_default", departments.c.default, unique=True, postgresql_where=departments.c.default)

staff = Table(
    "staff",
    metadata,
    Column("id", Text, primary_key=True),
    position(),
    Column("username", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("department", ForeignKey(departments.c.id), nullable=True),
    Column("password_hash", Text, nullable=True),
    Column("email", Text, nullable=True),
    Column("language", Text, nullable=True),
    Column("hours", JSONB(none_as_null=True), nullable=True),
    Column("time_zone", Text, nullable=True),
    Column("session_generation", Integer, nullable=False, server_default=text("0")),
    Column("kept_session", Text, nullable=True),
    _active(),
    created_at(),
)
Index("uq_staff_username", func.lower(staff.c.username), unique=True)

ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    position(),
    Column("staff", ForeignKey(staff.c.id), nullable=False),
    instant("expires_at", nullable=False),
)
"""Sessions that were signed out before their tokens expired."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    position(),
    Column("name", Text, nullable=False),
    Column("key_hash", Text, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("department", ForeignKey(departments.c.id), nullable=True),
    _active(),
    created_at(),
    instant("last_used_at"),
    CheckConstraint("cardinality(scopes) > 0", name="scopes_not_empty"),
)

on_call = Table(
    "on_call",
    metadata,
    Column("id", Text, primary_key=True),
    position(),
    Column("staff", ForeignKey(staff.c.id), nullable=False),
    Column("department", ForeignKey(departments.c.id), nullable=True),
    instant("from_at", nullable=False),
    instant("to_at", nullable=False),
    created_at(),
    CheckConstraint("from_at < to_at", name="ends_after_it_begins"),
)
Index("on_call_by_time", on_call.c.from_at, on_call.c.id)
Index("on_call_by_end", on_call.c.to_at)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("fields", JSONB, nullable=False),
)

idempotency = idempotency_table(metadata, "directory")
