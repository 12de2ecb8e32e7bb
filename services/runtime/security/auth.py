"""Authentication of callers: staff by a token checked in memory, integrators by a key, services by their secret."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import monotonic, time
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from services.runtime.errors import Forbidden, NotFound, Refusal, Unauthenticated
from services.runtime.security.sessions import Session, Sessions
from services.runtime.service_client import ServiceClient

ISSUER = "bihuan"
KEY_PREFIX = "bh_"
SESSION_COOKIE = "bihuan_session"
"""Holds the token of a member of staff in the pages made for them; the API itself takes no cookie for a sign-in."""
_ALGORITHM = "Ed25519"
_KNOWN_SECONDS = 10.0
_UNKNOWN_SECONDS = 2.0
_REMEMBERED = 10_000
_BELIEVED_SECONDS = 300.0
_LONGEST = 8192


@dataclass(frozen=True)
class Caller:
    """Somebody who asks. `id` is opaque; `department` bounds what they reach, None does not. `session` is a member of
    staff's sign-in; callers are equal whichever they come by."""

    kind: Literal["staff", "api_key", "customer", "service"]
    id: str
    name: str
    username: str | None = None
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    department: str | None = None
    session: Session | None = field(default=None, compare=False, repr=False)


SERVICE = Caller(kind="service", id="service", name="service")


def mint_token(
    private_key_pem: bytes,
    *,
    staff_id: str,
    name: str,
    username: str,
    roles: Collection[str],
    department: str | None,
    lifetime: timedelta = timedelta(hours=1),
    generation: int = 0,
) -> str:
    """Sign a staff token: a session of its own, which counts until it expires or the directory ends it (`sessions`).

    Roles and department in it are those of now; wherever the directory is known, its word of the moment counts.
    """
    now = int(time())
    claims = {
        "iss": ISSUER,
        "sub": staff_id,
        "name": name,
        "username": username,
        "roles": sorted(roles),
        "department": department,
        "jti": secrets.token_urlsafe(16),
        "gen": generation,
        "iat": now,
        "exp": now + int(lifetime.total_seconds()),
    }
    return jwt.encode({"alg": _ALGORITHM}, claims, OKPKey.import_key(private_key_pem), algorithms=[_ALGORITHM])


def key_hash(key: str) -> str:
    """Hash an API key as the directory stores it. Keys are random, so a fast hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


class Authenticator:
    """Answers who an `Authorization` header speaks for.

    A key's answer is remembered until the directory changes, 10 s at most; an unknown key for 2 s. Without a directory
    a token counts until it expires. `news` is set, and another event takes its place, when somebody's session or
    rights may have changed.
    """

    def __init__(
        self,
        *,
        verify_key_pem: bytes | None,
        internal_secret: str,
        directory: ServiceClient | None,
        believed_seconds: float = _BELIEVED_SECONDS,
    ) -> None:
        self._verify_key = OKPKey.import_key(verify_key_pem) if verify_key_pem else None
        self._secret = internal_secret.encode()
        self._directory = directory
        self._sessions = (
            Sessions(directory, believed_seconds=believed_seconds, changed=self._hear) if directory else None
        )
        self.news = asyncio.Event()
        self._keys: dict[str, tuple[float, Caller | None]] = {}
        self._tokens: dict[str, Caller] = {}
        self._asking: dict[str, asyncio.Task[Caller | None]] = {}

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return the caller, or raise `Unauthenticated`; `Unavailable` when the directory cannot be asked."""
        token = _bearer(authorization)
        if token.startswith(KEY_PREFIX):
            return await self._known_key(key_hash(token))
        if self.is_peer(token):
            return SERVICE
        return await self._as_of_now(self._staff(token))

    @property
    def checks_staff(self) -> bool:
        """Whether this process can tell by itself whose a staff token is."""
        return self._verify_key is not None

    def staff_behind(self, token: str) -> Caller | None:
        """The member of staff whom a token speaks for, by what is known without asking; None for any other."""
        try:
            found = self._staff(_bearer(f"Bearer {token}"))
        except Unauthenticated:
            return None
        has_ended = self._sessions and found.session and self._sessions.has_ended(found.id, found.session)
        return None if has_ended else found

    async def close(self) -> None:
        """Follow the directory no longer."""
        if self._sessions is not None:
            await self._sessions.close()

    def is_peer(self, token: str) -> bool:
        """Whether `token` is the services' own secret; an empty secret lets nobody in."""
        return bool(self._secret) and hmac.compare_digest(token.encode(), self._secret)

    def _staff(self, token: str) -> Caller:
        """The caller behind a token, whose signature is checked once: a page asks for its reader several times."""
        if self._verify_key is None:
            raise Unauthenticated
        found = self._tokens.get(token) or self._remember_token(token, self._verified(token, self._verify_key))
        if found.session is None or found.session.expires_at <= time():
            raise Unauthenticated
        return found

    @staticmethod
    def _verified(token: str, key: OKPKey) -> Caller:
        try:
            return _staff_from(jwt.decode(token, key, algorithms=[_ALGORITHM]).claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise Unauthenticated from error

    def _remember_token(self, token: str, caller: Caller) -> Caller:
        _make_room(self._tokens)
        self._tokens[token] = caller
        return caller

    async def _as_of_now(self, caller: Caller) -> Caller:
        """The caller with the rights of this moment.

        Raises:
            Unauthenticated: the session has ended.
            Unavailable: nobody can say so; see `Sessions.standing`.
        """
        if self._sessions is None or caller.session is None:
            return caller
        standing = await self._sessions.standing(caller.id, caller.session)
        if standing is None:
            return caller
        return replace(
            caller,
            name=standing.name,
            username=standing.username,
            roles=standing.roles,
            department=standing.department,
        )

    def _hear(self) -> None:
        # What a key may do can have changed as well. Whoever waits has an event of their own: none is missed.
        self._keys.clear()
        self.news.set()
        self.news = asyncio.Event()

    async def _known_key(self, hashed: str) -> Caller:
        until, caller = self._keys.get(hashed, (0.0, None))
        if until <= monotonic():
            caller = await self._ask_once(hashed)
        if caller is None:
            raise Unauthenticated
        return caller

    async def _ask_once(self, hashed: str) -> Caller | None:
        """Ask once for all the requests that bring a key at this moment; one that gives up ends nobody else's wait."""
        asking = self._asking.get(hashed)
        if asking is None:
            asking = self._asking[hashed] = asyncio.create_task(self._ask(hashed))
            asking.add_done_callback(lambda _: self._asking.pop(hashed, None))
        return await asyncio.shield(asking)

    async def _ask(self, hashed: str) -> Caller | None:
        now = monotonic()
        if self._sessions is not None:
            self._sessions.follow()
        caller = await self._introspect(hashed)
        self._remember(hashed, caller, now)
        return caller

    async def _introspect(self, hashed: str) -> Caller | None:
        if self._directory is None:
            return None
        try:
            found = await self._directory.post("/internal/keys/introspect", {"key_hash": hashed})
        except NotFound:
            return None
        return Caller(
            kind="api_key",
            id=found["id"],
            name=found["name"],
            scopes=frozenset(found["scopes"]),
            department=found["department"],
        )

    def _remember(self, hashed: str, caller: Caller | None, now: float) -> None:
        # Guessing keys must not grow the process.
        _make_room(self._keys)
        self._keys.pop(hashed, None)
        self._keys[hashed] = (now + (_UNKNOWN_SECONDS if caller is None else _KNOWN_SECONDS), caller)


async def caller(request: Request) -> Caller:
    """Return who is calling. The HTTP edge has asked already, to count the request, and left its answer."""
    known: Caller | Refusal | None = request.scope.get("state", {}).get("caller")
    if isinstance(known, Refusal):
        raise known
    if known is not None:
        return known
    authenticator: Authenticator = request.app.state.authenticator
    return await authenticator.authenticate(request.headers.get("authorization"))


async def peer(request: Request) -> Caller:
    """Let in another service, by the secret alone."""
    found = await caller(request)
    if found.kind != "service":
        raise Forbidden
    return found


CallerDep = Annotated[Caller, Depends(caller)]
PeerDep = Annotated[Caller, Depends(peer)]


def _make_room(known: dict[str, Any]) -> None:
    """Let the oldest go where there are as many as a process remembers."""
    if len(known) >= _REMEMBERED:
        known.pop(next(iter(known)))


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST or not token.isascii():
        raise Unauthenticated
    return token


def _staff_from(claims: dict[str, Any]) -> Caller:
    if claims["iss"] != ISSUER:
        raise Unauthenticated
    return Caller(
        kind="staff",
        id=claims["sub"],
        name=claims["name"],
        username=claims["username"],
        roles=frozenset(claims["roles"]),
        department=claims["department"],
        session=Session(claims["jti"], int(claims["gen"]), float(claims["exp"])),
    )
