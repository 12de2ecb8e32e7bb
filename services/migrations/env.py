"""Alembic's script for every command; the connection comes from `services.migrations`."""

from typing import Any

from alembic import context
from sqlalchemy.dialects.postgresql.base import ischema_names

import services.notify.alerts.tables
import services.notify.hours.tables
import services.notify.ladders.tables
import services.notify.notices.tables
import services.notify.webhooks.tables  # noqa: F401 - its tables belong to the metadata of notify
from services.directory.tables import metadata as directory
from services.intake.tables import metadata as intake
from services.notify.tables import metadata as notify
from services.runtime.postgres.commit_order import Xid8
from services.survey.tables import metadata as survey
from services.workflow.tables import metadata as workflow

METADATA = [intake, workflow, directory, notify, survey]
ischema_names["xid8"] = Xid8  # SQLAlchemy does not know the type when it reads a table back
SCHEMAS = {metadata.schema for metadata in METADATA}


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether Alembic looks at this schema; what else lives in the database is none of its business."""
    return kind != "schema" or name in SCHEMAS


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    include_schemas=True,
    include_name=is_ours,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
