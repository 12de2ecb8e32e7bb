"""The outbox's notifier wakes the relay soon after a registration; a missed one costs the relay's poll interval."""

from services.runtime.postgres.commit_notifier import CommitNotifier
from services.runtime.postgres.database import Database

CHANNEL = "intake_outbox"
_GATHERED_SECONDS = 0.1


def outbox_notifier(database: Database) -> CommitNotifier:
    """Notifies once for all registrations of a moment."""
    return CommitNotifier(database, CHANNEL, gathered_seconds=_GATHERED_SECONDS)
