"""Repeats of a POST with the same `Idempotency-Key` get the first answer again (api.md, "Rules for every endpoint").

The work and the record of its answer are one transaction: whoever comes second waits on the unique index until the
first has committed (and is replayed) or failed (and does the work).
"""

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from sqlalchemy import Column, DateTime, Index, MetaData, Row, SmallInteger, Table, Text, delete, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.errors import Conflict, IdempotencyKeyReused, ValidationFailed
from services.runtime.postgres.database import Database
from services.runtime.security.auth import Caller

KEPT = timedelta(days=40)
"""How long an answer can be replayed; api.md promises 30 days."""
REPLAY_HEADER = "Idempotent-Replay"
_HEADER = "idempotency-key"
_LONGEST = 255
_WAIT_MILLISECONDS = 4500
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True)
class HttpAnswer:
    """An answer of the work. `stored`, where given, is what a replay shows instead of `body`: a secret is told once."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stored: Any = None

    def response(self, extra: Mapping[str, str] | None = None) -> JSONResponse:
        """Render as JSON."""
        return JSONResponse(self.body, status_code=self.status, headers={**self.headers, **(extra or {})})


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
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        schema=schema or metadata.schema,
    )
    Index("ix_idempotency_created_at", table.c.created_at)
    return table


def idempotency_key(request: Request) -> str | None:
    """Return the request's key; refuse one that is empty or longer than 255 characters."""
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


def body_hash(parsed_json: Any, secret: str) -> str:
    """Fingerprint a parsed body: equal JSON has an equal one, whatever its order, spacing and spelling of numbers.

    Keyed, so that the stored fingerprint of a short body cannot be guessed back to a contact.
    """
    canonical = json.dumps(_plain_numbers(parsed_json), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(secret.encode(), canonical.encode(), hashlib.sha256).hexdigest()


def caller_scope(caller: Caller | None) -> str:
    """Name the caller as keys are scoped to it."""
    return f"{caller.kind}:{caller.id}" if caller else "anonymous"


class Idempotency:
    """Remembers answers of one service in its own table."""

    def __init__(self, database: Database, table: Table, secret: str) -> None:
        self._database = database
        self._table = table
        self._secret = secret

    async def once(self, request: Request, caller: Caller | None, work: Work) -> JSONResponse:
        """Do `work` in one transaction, or replay what it answered before under the same key.

        A refusal raised by `work` is not remembered: nothing happened, and the repeat asks again.
        """
        key = idempotency_key(request)
        if key is None:
            async with self._database.begin() as connection:
                answer = await work(connection)
            return answer.response()
        scope = {"caller": caller_scope(caller), "path": request.url.path, "key": key}
        fingerprint = body_hash(getattr(request.state, "json", {}), self._secret)
        async with self._database.begin() as connection:
            if not await self._claim(connection, scope, fingerprint):
                return self._replay(await self._first(connection, scope), fingerprint)
            answer = await work(connection)
            await self._remember(connection, scope, answer)
        return answer.response()

    async def once_computed(
        self, request: Request, caller: Caller | None, compute: Callable[[], Awaitable[Any]]
    ) -> JSONResponse:
        """The same for what changes nothing and may take its time: no transaction is open while it is computed, which
        would hold up whoever follows the feed. Of two at once both compute, and both answer what the first one stored.
        """
        key = idempotency_key(request)
        if key is None:
            return HttpAnswer(await compute()).response()
        scope = {"caller": caller_scope(caller), "path": request.url.path, "key": key}
        async with self._database.read() as connection:
            known = (await connection.execute(select(self._table).filter_by(**scope))).first()
        if known is not None:
            return self._replay(known, body_hash(getattr(request.state, "json", {}), self._secret))
        answer = HttpAnswer(await compute())

        async def remember(_: AsyncConnection) -> HttpAnswer:
            return answer

        return await self.once(request, caller, remember)

    async def sweep(self) -> int:
        """Forget answers older than `KEPT`; return how many."""
        async with self._database.begin() as connection:
            gone = await connection.execute(delete(self._table).where(self._table.c.created_at < func.now() - KEPT))
            return gone.rowcount

    async def _claim(self, connection: AsyncConnection, scope: dict[str, str], fingerprint: str) -> bool:
        await connection.execute(text(f"SET LOCAL lock_timeout = {_WAIT_MILLISECONDS}"))
        claim = insert(self._table).values(**scope, body_hash=fingerprint).on_conflict_do_nothing()
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

    def _replay(self, row: Row[Any], fingerprint: str) -> JSONResponse:
        if not hmac.compare_digest(row.body_hash, fingerprint):
            raise IdempotencyKeyReused
        return HttpAnswer(row.answer, row.status, row.headers).response({REPLAY_HEADER: "true"})

    async def _remember(self, connection: AsyncConnection, scope: dict[str, str], answer: HttpAnswer) -> None:
        stored = answer.body if answer.stored is None else answer.stored
        values = {"status": answer.status, "answer": stored, "headers": dict(answer.headers)}
        await connection.execute(self._table.update().filter_by(**scope).values(**values))


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
