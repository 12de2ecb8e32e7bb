"""Searches in addresses. Words that are looked for may be a phone number, which no address may hold (invariant I14):
an address carries them sealed, for the person who typed them and for a shift."""

import json
from datetime import UTC, datetime, timedelta

from services.runtime.security.sealing import BrokenSeal, Seal

PURPOSE = "console: searches"
LIFETIME = timedelta(hours=12)
LONGEST = 200
"""The longest search that the API takes, in characters."""


class Searches:
    """Seals searches and opens them again."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def close(self, q: str, reader: str, now: datetime) -> str:
        """Seal what a reader looks for."""
        return self._seal.close(json.dumps([q, reader, int(now.timestamp())]))

    def open(self, sealed: str, reader: str, now: datetime) -> str | None:
        """The words that were sealed; None where this reader did not seal them, or did so too long ago."""
        try:
            q, its_reader, since = json.loads(self._seal.open(sealed))
        except (BrokenSeal, ValueError):
            return None
        is_fresh = now - datetime.fromtimestamp(since, UTC) <= LIFETIME
        return str(q) if its_reader == reader and is_fresh else None
