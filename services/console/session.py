"""The reader of a page: the sign-in cookie, the reader's zone, and where a POST may come from.

The cookie holds the staff token and is out of reach of scripts. A POST must come from the console's own pages, by
Fetch Metadata and by `Origin`; both are set by the browser, not by pages (architecture.md, "People and secrets").
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from fastapi import Request, Response

from services.console.public_api.client import ApiProblem, Desk
from services.runtime.errors import Unauthenticated
from services.runtime.security.auth import SESSION_COOKIE, Authenticator, Caller

ZONE_COOKIE = "bihuan_zone"
_KNOWN_SECONDS = 30.0
_REMEMBERED = 2_000
_UNAUTHENTICATED = 401


class SignInFirst(Exception):
    """Nobody is signed in, or the sign-in has ended."""


class CrossSite(Exception):
    """A POST that did not come from the console's own pages."""


@dataclass(frozen=True)
class Staff:
    """The person signed in, as `GET /v1/me` tells it."""

    id: str
    name: str
    username: str
    roles: tuple[str, ...]
    department: str | None
    language: str | None
    allowed: frozenset[str]


class Readers:
    """Readers by their tokens. The API is asked once in 30 s, so that a page costs no extra question; and at once when
    this process has heard that its person may do something else by now."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, Caller | None, Staff]] = OrderedDict()

    async def who(self, desk: Desk, authenticator: Authenticator) -> Staff:
        """The reader behind a desk's token; raise `SignInFirst` when it is not, or no longer, valid."""
        key, caller = hashlib.sha256(desk.token.encode()).hexdigest(), await _caller(desk.token, authenticator)
        until, known_as, staff = self._known.get(key, (0.0, None, None))
        if staff is not None and until > monotonic() and known_as == caller:
            return staff
        try:
            staff = _staff(await desk.get("/v1/me"))
        except ApiProblem as problem:
            if problem.status == _UNAUTHENTICATED:
                self._known.pop(key, None)
                raise SignInFirst from problem
            raise
        self._known[key] = (monotonic() + _KNOWN_SECONDS, caller, staff)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return staff

    def forget(self, token: str) -> None:
        """Ask again at the next page."""
        self._known.pop(hashlib.sha256(token.encode()).hexdigest(), None)


def zone_of(request: Request, business: str) -> ZoneInfo:
    """The zone that the reader's browser told, else the business's."""
    told = request.cookies.get(ZONE_COOKIE, "")
    return ZoneInfo(told if told in _ZONES else business)


def require_own_page(request: Request, public_url: str) -> None:
    """Raise `CrossSite` unless the browser says that the POST comes from a page of this origin.

    A request with neither header is no browser's that is still in use, and is refused too.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is None:
        raise CrossSite
    if site is not None and site != "same-origin":
        raise CrossSite
    if origin is not None and urlsplit(origin).netloc not in {
        request.headers.get("host", ""),
        urlsplit(public_url).netloc,
    }:
        raise CrossSite


def is_secure(request: Request, public_url: str) -> bool:
    """Whether cookies may be bound to HTTPS."""
    return request.url.scheme == "https" or public_url.startswith("https:")


def keep_token(response: Response, token: str, seconds: int, *, secure: bool) -> None:
    """Sign the browser in."""
    response.set_cookie(SESSION_COOKIE, token, max_age=seconds, path="/", httponly=True, samesite="lax", secure=secure)


def drop_token(response: Response, *, secure: bool) -> None:
    """Sign the browser out."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=secure)


async def _caller(token: str, authenticator: Authenticator) -> Caller | None:
    """The caller whom a token speaks for, by what this process knows; None where it checks no tokens itself."""
    if not authenticator.checks_staff:
        return None
    try:
        return await authenticator.authenticate(f"Bearer {token}")
    except Unauthenticated as refusal:
        raise SignInFirst from refusal


def _staff(me: Mapping[str, Any]) -> Staff:
    return Staff(
        id=me["id"],
        name=me["name"],
        username=me["username"] or "",
        roles=tuple(me["roles"]),
        department=me["department"],
        language=me.get("language"),
        allowed=frozenset(me["allowed"]),
    )


_ZONES = frozenset(available_timezones())
