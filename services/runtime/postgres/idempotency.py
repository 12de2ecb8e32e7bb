"""Repeats of a POST with the same `Idempotency-Key` get the first answer again (api.md, "Rules for every endpoint").

The work and the record of its answer are one transaction: whoever comes second waits on the unique index until the
first has committed (and is replayed) or failed (and does the work).
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from sqlalchemy import Column, Index, MetaData, Row, SmallInteger, Table, Text, delete, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.errors import Conflict, IdempotencyKeyReused, ValidationFailed
from services.runtime.postgres.columns import created_at
from services.runtime.postgres.database import Database
from services.runtime.security.auth import Caller

KEPT = timedelta(days=40)
"""How long an answer can be replayed; api.md promises 30 days."""
_REPLAY_HEADER = "Idempotent-Replay"
_HEADER = "idempotency-key"
_LONGEST = 255
_WAIT_MILLISECONDS = 4500
_LOCK_NOT_AVAILABLE = "55P03"
_MARKS_OF_FLOATS = (".0", "e+")
"""What is written with neither holds no float that is a whole number; most bodies hold no float at all."""
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


Shown = Callable[[Any], Any]


def _as_it_is(body: Any) -> Any:
    return body


class RepeatableResponse(JSONResponse):
    """JSON with sorted keys: PostgreSQL keeps an answer without their order, and a repeat equals the first to the
    byte."""

    def render(self, content: Any) -> bytes:
        """Write the content; raise `ValueError` for what JSON has no number for."""
        return _canonical(content).encode()


@dataclass(frozen=True)
class HttpAnswer:
    """An answer of the work. `stored`, where given, is what a replay shows instead of `body`: a secret is told once."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stored: Any = None

    def response(self, shown: Shown = _as_it_is, *, repeated: bool = False) -> RepeatableResponse:
        """Render as JSON what `shown` makes of the body."""
        headers = {**self.headers, **replay_headers(repeated=repeated)}
        return RepeatableResponse(shown(self.body), status_code=self.status, headers=headers)


Work = Callable[[AsyncConnection], Awaitable[HttpAnswer]]


def idempotency_table(metadata: MetaData, schema: str | None = None) -> Table:
    """Declare the table of remembered answers in a service's own schema."""
    table = Table(
        "idempotency",
        metadata,
        Column("caller", Text, primary_key=True),
        Column("path", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("body_hash", Text, nullable=False),
        Column("status", SmallInteger),
        Column("answer", JSONB),
        Column("headers", JSONB),
        created_at(),
        schema=schema or metadata.schema,
    )
    Index("ix_idempotency_created_at", table.c.created_at)
    return table


class KeyedRequest:
    """A request, as its repeats are told from it: by its caller, their key if they gave one, and what was asked.

    Tables that carry keys of their own, because what they keep must be written once, hold these three and keep them as
    long as the row.
    """

    def __init__(self, caller: str, key: str | None, fingerprint: Callable[[], str]) -> None:
        self.caller = caller
        self.key = key
        self._fingerprint = fingerprint

    @cached_property
    def body_hash(self) -> str | None:
        """A fingerprint of what was asked; None where no repeat will ever be compared with it."""
        return None if self.key is None else self._fingerprint()

    def require_same(self, body_hash: str | None) -> None:
        """Check that this repeats what was stored with `body_hash` under the key.

        Raises:
            IdempotencyKeyReused: the key came with another body.
        """
        if not hmac.compare_digest(body_hash or "", self.body_hash or ""):
            raise IdempotencyKeyReused


def replay_headers(*, repeated: bool) -> dict[str, str]:
    """Headers that tell a first answer given again from a new one."""
    return {_REPLAY_HEADER: "true"} if repeated else {}


class Idempotency:
    """Remembers answers of one service in its own table. `secret` keys fingerprints, so that the stored one of a short
    body cannot be guessed back to a contact."""

    def __init__(self, database: Database, table: Table, secret: str) -> None:
        self._database = database
        self._table = table
        self._secret = secret

    def keyed(self, request: Request, caller: Caller | None) -> KeyedRequest:
        """The request by its `Idempotency-Key`.

        Raises:
            ValidationFailed: the key is empty or longer than 255 characters.
        """
        return self._under(caller, _key_of(request), lambda: getattr(request.state, "json", {}))

    def under(self, caller: Caller | None, key: str | None, asked: Any) -> KeyedRequest:
        """The same for a key that came in another way; `asked` is parsed JSON."""
        return self._under(caller, key, lambda: asked)

    def _under(self, caller: Caller | None, key: str | None, asked: Callable[[], Any]) -> KeyedRequest:
        scope = f"{caller.kind}:{caller.id}" if caller else "anonymous"
        return KeyedRequest(scope, key, lambda: _body_hash(asked(), self._secret))

    async def once(self, request: Request, caller: Caller | None, work: Work, shown: Shown = _as_it_is) -> JSONResponse:
        """Do `work` in one transaction, or replay what it answered before under the same key.

        A refusal raised by `work` is not remembered: nothing happened, and the repeat asks again. `shown` makes the
        body from what is stored, at the first time and at every other: a secret that the table must not hold.
        """
        asked = self.keyed(request, caller)
        if asked.key is None:
            async with self._database.begin() as connection:
                answer = await work(connection)
            return answer.response(shown)
        scope = {"caller": asked.caller, "path": request.url.path, "key": asked.key}
        async with self._database.begin() as connection:
            if not await self._claim(connection, scope, asked):
                return _replay(await self._first(connection, scope), asked, shown)
            answer = await work(connection)
            await self._remember(connection, scope, answer)
        return answer.response(shown)

    async def once_computed(
        self, request: Request, caller: Caller | None, compute: Callable[[], Awaitable[Any]]
    ) -> JSONResponse:
        """The same for what changes nothing and may take its time: no transaction is open while it is computed, which
        would hold up whoever follows the feed. Of two at once both compute, and both answer what the first one stored.
        """
        asked = self.keyed(request, caller)
        if asked.key is None:
            return HttpAnswer(await compute()).response()
        scope = {"caller": asked.caller, "path": request.url.path, "key": asked.key}
        async with self._database.read() as connection:
            known = (await connection.execute(select(self._table).filter_by(**scope))).first()
        if known is not None:
            return _replay(known, asked)
        answer = HttpAnswer(await compute())

        async def remember(_: AsyncConnection) -> HttpAnswer:
            return answer

        return await self.once(request, caller, remember)

    async def sweep(self) -> int:
        """Forget answers older than `KEPT`; return how many."""
        async with self._database.begin() as connection:
            gone = await connection.execute(delete(self._table).where(self._table.c.created_at < func.now() - KEPT))
            return gone.rowcount

    async def _claim(self, connection: AsyncConnection, scope: dict[str, str], asked: KeyedRequest) -> bool:
        await connection.execute(text(f"SET LOCAL lock_timeout = {_WAIT_MILLISECONDS}"))
        claim = insert(self._table).values(**scope, body_hash=asked.body_hash).on_conflict_do_nothing()
        try:
            claimed = await connection.execute(claim.returning(self._table.c.key))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise Conflict(code="idempotency_in_flight", headers={"Retry-After": "1"}) from error
        return claimed.first() is not None

    async def _first(self, connection: AsyncConnection, scope: dict[str, str]) -> Row[Any]:
        found = await connection.execute(select(self._table).filter_by(**scope))
        return found.one()

    async def _remember(self, connection: AsyncConnection, scope: dict[str, str], answer: HttpAnswer) -> None:
        stored = answer.body if answer.stored is None else answer.stored
        values = {"status": answer.status, "answer": stored, "headers": dict(answer.headers)}
        await connection.execute(self._table.update().filter_by(**scope).values(**values))


def _replay(row: Row[Any], asked: KeyedRequest, shown: Shown = _as_it_is) -> JSONResponse:
    asked.require_same(row.body_hash)
    return HttpAnswer(row.answer, row.status, row.headers).response(shown, repeated=True)


def _key_of(request: Request) -> str | None:
    key = request.headers.get(_HEADER)
    if key is None:
        return None
    if not 0 < len(key.strip()) <= _LONGEST:
        raise ValidationFailed.at(
            "/Idempotency-Key",
            "invalid_key",
            {"en": f"give 1 to {_LONGEST} characters", "zh": f"请填写 1 至 {_LONGEST} 个字符"},
        )
    return key.strip()


def _body_hash(parsed_json: Any, secret: str) -> str:
    """Equal JSON has an equal fingerprint, whatever its order, spacing and spelling of numbers."""
    canonical = _canonical(parsed_json)
    if any(mark in canonical for mark in _MARKS_OF_FLOATS):
        canonical = _canonical(_plain_numbers(parsed_json))
    return hmac.digest(secret.encode(), canonical.encode(), "sha256").hex()


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
