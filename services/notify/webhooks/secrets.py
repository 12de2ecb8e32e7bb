"""A webhook's secrets at rest: sealed, the ones before a rotation with the instant until which they sign along."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from services.contracts.base import format_instant
from services.notify.settings import NotifySettings
from services.runtime.security.sealing import BrokenSeal, Seal

PURPOSE = "notify: secrets of webhooks"
REMEMBERED = 256
MOST = 4
"""Older secrets kept: each costs the receiver's header a signature."""


class Secrets:
    """Opens and rotates them."""

    def __init__(self, seal: Seal, overlap: timedelta) -> None:
        self.seal = seal
        self._overlap = overlap
        self._opened = lru_cache(REMEMBERED)(seal.open)

    def signing(self, sealed: str, older: Sequence[Mapping[str, str]]) -> list[str]:
        """The secrets to sign with at this moment, the newest first; empty when they cannot be read any more."""
        now = datetime.now(UTC)
        valid = [sealed, *(each["sealed"] for each in older if datetime.fromisoformat(each["until"]) > now)]
        try:
            return [self._opened(each) for each in valid]
        except BrokenSeal:
            return []

    def retire(self, sealed: str, older: Sequence[Mapping[str, str]], now: datetime) -> list[dict[str, Any]]:
        """The older secrets once `sealed` is one of them."""
        kept = [dict(each) for each in older if datetime.fromisoformat(each["until"]) > now]
        return [{"sealed": sealed, "until": format_instant(now + self._overlap)}, *kept][:MOST]


def secrets_of(settings: NotifySettings) -> Secrets:
    """Secrets sealed with the links' secret: like links that are out, they must stay readable for years."""
    return Secrets(Seal(settings.link_secret.get_secret_value(), PURPOSE), settings.webhook_secret_overlap)
