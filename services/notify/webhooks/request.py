"""One request to a receiver: bounded in time and size, to allowed addresses only, following nobody elsewhere."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from time import monotonic

import aiohttp
from yarl import URL

from services.notify.networks import Network
from services.notify.webhooks.addresses import GuardedResolver, RefusedAddress, literal

LONGEST_ANSWER = 65_536
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 2.0
_KEPT_SECONDS = 4.0
_CONNECTIONS = 100
_AGENT = "Bihuan-Webhooks/1"
_LONGEST_ASKED = 10**9
GONE = 410
"""The receiver wants nothing any more."""


class SendError(StrEnum):
    """The reason that there was no usable answer, or what was wrong with it."""

    TIMEOUT = "timeout"
    REFUSED_ADDRESS = "refused_address"
    UNKNOWN_HOST = "unknown_host"
    NOT_CONNECTED = "not_connected"
    TLS = "tls"
    BROKEN_ANSWER = "broken_answer"
    REDIRECT = "redirect"
    STATUS = "status"
    SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - a code, not a secret


SILENT = frozenset({SendError.TIMEOUT, SendError.UNKNOWN_HOST, SendError.NOT_CONNECTED, SendError.TLS})
"""Nobody answered: what the next delivery would meet too."""


@dataclass(frozen=True)
class Reply:
    """The outcome of a try. `error` is None for a 2xx alone."""

    status: int | None
    error: SendError | None
    duration: timedelta
    retry_after: timedelta | None = None


class WebhookSender:
    """Sends; one per process."""

    def __init__(self, networks: Sequence[Network], seconds: float) -> None:
        self._networks = networks
        self._seconds = seconds
        self._resolver: GuardedResolver | None = None
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, body: str, headers: Mapping[str, str]) -> Reply:
        """POST `body` to `url` and tell how it went; raises nothing that the receiver could cause."""
        started = monotonic()
        status, retry_after = None, None
        try:
            status, retry_after = await self._post(url, body, headers)
            error = _error_of(status)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as refusal:
            error = _error_in(refusal)
        return Reply(status, error, timedelta(seconds=monotonic() - started), retry_after)

    async def close(self) -> None:
        """Close the connections."""
        if self._session and self._resolver:
            await self._session.close()
            await self._resolver.close()

    async def _post(self, url: str, body: str, headers: Mapping[str, str]) -> tuple[int, timedelta | None]:
        session, resolver = self._opened()
        target = URL(url)
        if target.raw_host and literal(target.raw_host):
            # The connector does not look a written address up, so nobody else would check it.
            await resolver.check(target.raw_host)
        given = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": _AGENT, **headers}
        async with session.post(target, data=body.encode(), headers=given, allow_redirects=False) as answer:
            await _drain(answer)
            return answer.status, _retry_after(answer.headers.get("Retry-After"))

    def _opened(self) -> tuple[aiohttp.ClientSession, GuardedResolver]:
        if self._session is None or self._resolver is None:
            self._resolver = GuardedResolver(self._networks)
            connector = aiohttp.TCPConnector(
                resolver=self._resolver, use_dns_cache=False, limit=_CONNECTIONS, keepalive_timeout=_KEPT_SECONDS
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=self._seconds, sock_connect=min(_CONNECT_SECONDS, self._seconds)),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session, self._resolver


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Read a short answer so that the connection can be used again; a long or slow one costs the connection, and the
    status holds all the same."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            read = 0
            async for chunk in answer.content.iter_any():
                read += len(chunk)
                if read > LONGEST_ANSWER:
                    answer.close()
                    return
    except (aiohttp.ClientError, OSError, TimeoutError):
        answer.close()


def _error_of(status: int) -> SendError | None:
    if 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls success
        return None
    return SendError.REDIRECT if 300 <= status < 400 else SendError.STATUS  # noqa: PLR2004 - what it calls redirection


def _error_in(error: Exception) -> SendError:
    if isinstance(error, TimeoutError):
        return SendError.TIMEOUT
    if isinstance(error, RefusedAddress):
        return SendError.REFUSED_ADDRESS
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        refused = isinstance(error.os_error, RefusedAddress)
        return SendError.REFUSED_ADDRESS if refused else SendError.UNKNOWN_HOST
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return SendError.TLS
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return SendError.UNKNOWN_HOST
    if isinstance(error, aiohttp.ClientConnectorError):
        return SendError.NOT_CONNECTED
    return SendError.BROKEN_ANSWER


def _retry_after(given: str | None) -> timedelta | None:
    """Read `Retry-After`, seconds or a date; what is neither is ignored."""
    if given is None:
        return None
    if given.isascii() and given.isdigit():
        return timedelta(seconds=min(int(given[:12]), _LONGEST_ASKED))
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, TypeError):
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(aware - datetime.now(UTC), timedelta(0))
