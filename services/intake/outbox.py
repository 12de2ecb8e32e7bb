"""The outbox's bell: wakes the relay soon after a registration; a missed ring costs the relay's poll interval."""

from services.runtime.bell import Bell
from services.runtime.database import Database

CHANNEL = "intake_outbox"
_GATHERED_SECONDS = 0.1


def outbox_bell(database: Database) -> Bell:
    """Rings once for all registrations of a moment."""
    return Bell(database, CHANNEL, gathered_seconds=_GATHERED_SECONDS)
