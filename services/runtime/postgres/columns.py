"""Columns that the tables of several services share, and the names of their keys and checks."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, DateTime, Identity, func

NAMES: Mapping[str, str] = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s",
}
"""As PostgreSQL itself calls what was not named."""


def instant(name: str, *, nullable: bool = True) -> Column[object]:
    """An instant, kept in UTC."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def position() -> Column[int]:
    """The order in which rows were made, and with it the stable order of lists."""
    return Column("position", BigInteger, Identity(always=True), nullable=False, unique=True)


def created_at() -> Column[object]:
    """The beginning of the transaction that made the row."""
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())
