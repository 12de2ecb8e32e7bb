"""Schema `survey`."""

from sqlalchemy import MetaData

metadata = MetaData(schema="survey")
