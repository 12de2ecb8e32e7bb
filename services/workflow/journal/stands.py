"""Rows of tickets as this process wrote them last, so that the next batch need not look first.

A guess that a statement checks: another process may have written since. Bounded; whoever is thrown out looks again.
"""

from services.workflow.journal.store import Stand

MOST_STANDS = 20_000


class Stands:
    """The stands of the tickets that were written last; each holds for one batch."""

    def __init__(self, most: int = MOST_STANDS) -> None:
        self._most = most
        self._stands: dict[str, Stand] = {}

    def of(self, ticket_no: str) -> Stand | None:
        """Take a ticket's stand out: whoever writes on keeps the next one."""
        return self._stands.pop(ticket_no, None)

    def keep(self, ticket_no: str, stand: Stand) -> None:
        """Remember how a ticket's row stands now; the oldest makes room."""
        self._stands.pop(ticket_no, None)
        if len(self._stands) >= self._most:
            del self._stands[next(iter(self._stands))]
        self._stands[ticket_no] = stand

    def forget(self, ticket_no: str) -> None:
        """Nothing is written to this ticket any more."""
        self._stands.pop(ticket_no, None)
