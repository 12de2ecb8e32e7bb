"""Schema `notify`."""

from sqlalchemy import MetaData

metadata = MetaData(schema="notify")
