"""Feedback that arrives together is filed together: one statement and one commit for all of a moment.

While a few statements are under way, what arrives waits and becomes the next one; alone, a feedback goes at once. A row
that cannot be filed as it is comes back with the reason, and its sender's caller mends that and files it alone.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy.exc import DBAPIError

from services.contracts.vocabulary import Tier
from services.intake.feedback.insert_statement import COLUMNS, FILE, Reason
from services.runtime.errors import Unavailable
from services.runtime.postgres.database import Database

_MOST = 64
_LANES = 2

Draft = Mapping[str, Any]
"""What a feedback brings into the statement, by the names of its columns."""


@dataclass(frozen=True)
class InsertResult:
    """The ticket number of a row that was filed; else the reason, and the tier that its customer has, if any."""

    ticket_no: str | None = None
    reason: Reason = Reason.RACE
    tier: Tier | None = None


Batch = list[tuple[Draft, asyncio.Future[InsertResult]]]
"""Drafts of one statement, each with what its sender waits for."""


class BatchInsert:
    """Files drafts; each caller waits for its own number alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: Batch = []
        self._lanes: set[asyncio.Task[None]] = set()

    async def file(self, draft: Draft) -> InsertResult:
        """File together with what else arrives; returns once the ticket is durable, or why there is none.

        Raises:
            Unavailable: whether the ticket exists is unknown.
        """
        filed: asyncio.Future[InsertResult] = asyncio.get_running_loop().create_future()
        self._waiting.append((draft, filed))
        if len(self._lanes) < _LANES:
            self._lanes.add(asyncio.create_task(self._work()))
        return await filed

    async def file_alone(self, draft: Draft) -> InsertResult:
        """The same, at once and in a statement of its own, which may change the customer's record."""
        return (await self._send([draft], alone=True))[0]

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._file_batch(batch)
        finally:
            # Not when the loop comes to it: whoever arrives until then would count on a lane that has ended.
            self._lanes.remove(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _file_batch(self, batch: Batch) -> None:
        try:
            results = await self._send([draft for draft, _ in batch])
        except DBAPIError:
            # Whoever is to blame for it finds out alone.
            results = [InsertResult()] * len(batch)
        except Unavailable:
            _tell_unknown(batch)
            return
        except BaseException:
            _tell_unknown(batch)
            raise
        for (_, filed), result in zip(batch, results, strict=True):
            if not filed.done():
                filed.set_result(result)

    async def _send(self, drafts: Sequence[Draft], *, alone: bool = False) -> Sequence[InsertResult]:
        columns = {name: [draft[name] for draft in drafts] for name in COLUMNS}
        rows = await FILE.all(self._database, {**columns, "alone": alone})
        results = {row["n"]: InsertResult(row["ticket_no"], Reason(row["reason"]), row["tier"]) for row in rows}
        return [results[n] for n in range(1, len(drafts) + 1)]


def _tell_unknown(batch: Batch) -> None:
    for _, filed in batch:
        if not filed.done():
            filed.set_exception(Unavailable())
