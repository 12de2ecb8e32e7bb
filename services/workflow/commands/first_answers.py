"""First answers to commands, kept for repeats: written behind the response, many in one statement.

Until it is written an answer is told from memory. A repeat that another process gets in that tenth of a second waits
for it. Any after a crash in it finds the command done and no answer: it is answered from the ticket, and that is kept
at once (decision 0111).
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic_core import from_json
from sqlalchemy.exc import DBAPIError

from services.runtime.errors import Refusal
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement, json_text
from services.runtime.telemetry import log

GATHERED_SECONDS = 0.1
AGAIN_SECONDS = 1.0
LOOKS = 5
"""Times that a repeat looks for the first answer, a gathering apart, before it takes its writer for gone."""
MOST_TOGETHER = 200
MOST_WAITING = 2_000
"""Answers hold some kilobytes each; while PostgreSQL does not take these, the next ones wait for it again."""
MOST_REPEATED = 1_000
_KEEP = RawStatement("""
UPDATE workflow.commands SET answer = given.value
FROM jsonb_each(CAST(:answers AS jsonb)) AS given
WHERE commands.id = given.key AND commands.answer IS NULL""")
_KEEP_AT_ONCE = RawStatement(
    "UPDATE workflow.commands SET answer = coalesce(answer, CAST(:answer AS jsonb)) WHERE id = :id RETURNING answer"
)
_KEPT = RawStatement("SELECT answer FROM workflow.commands WHERE id = :id")


class FirstAnswers:
    """Keeps answers; one per process, and `run` writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, str] = {}
        self._repeated: dict[str, None] = {}
        self._added = asyncio.Event()

    def waiting(self, command_id: str) -> Mapping[str, Any] | None:
        """The first answer to a command that is still to be written."""
        written = self._waiting.get(command_id)
        return None if written is None else from_json(written)

    async def keep(self, command_id: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep the answer to a command that has just been given, and answer the one that is kept: a repeat that came
        meanwhile may have been answered sooner. It holds no contact."""
        if command_id in self._repeated or len(self._waiting) >= MOST_WAITING:
            return await self.keep_at_once(command_id, answer)
        self._waiting[command_id] = json_text(answer)
        self._added.set()
        return answer

    async def keep_of_repeat(self, command_id: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The first answer, which another request, here or in another process, may be about to tell; where none comes
        within a moment, its process is gone, and `answer` is kept."""
        for _ in range(LOOKS):
            await asyncio.sleep(GATHERED_SECONDS)
            first: Mapping[str, Any] | None = self.waiting(command_id)
            first = first or (await _KEPT.one(self._database, {"id": command_id}))["answer"]
            if first is not None:
                return first
        return await self.keep_at_once(command_id, answer)

    async def keep_at_once(self, command_id: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep the answer to a repeat, unless there is one; answers the one that is kept."""
        if (waiting := self.waiting(command_id)) is not None:
            return waiting
        if len(self._repeated) >= MOST_REPEATED:
            self._repeated.pop(next(iter(self._repeated)))
        self._repeated[command_id] = None
        row = await _KEEP_AT_ONCE.one(self._database, {"id": command_id, "answer": json_text(answer)})
        first: Mapping[str, Any] = row["answer"]
        return first

    async def run(self) -> None:
        """Write what waits, until cancelled; what is left then is written too."""
        try:
            while True:
                await self._added.wait()
                await asyncio.sleep(GATHERED_SECONDS)
                await self._write_again()
        finally:
            await self.write()

    async def write(self) -> None:
        """Write what waits now. An answer that PostgreSQL refuses is left out: its repeats are answered as after a
        crash.

        Raises:
            Unavailable: the rest still waits.
        """
        self._added.clear()
        while self._waiting:
            together = list(islice(self._waiting, MOST_TOGETHER))
            try:
                await self._write(together)
            except DBAPIError:
                for id_ in together:
                    await self._write_or_drop(id_)

    async def _write(self, ids: Sequence[str]) -> None:
        body = ",".join(f'"{id_}":{self._waiting[id_]}' for id_ in ids)
        await _KEEP.all(self._database, {"answers": f"{{{body}}}"})
        for id_ in ids:
            del self._waiting[id_]

    async def _write_or_drop(self, id_: str) -> None:
        try:
            await self._write([id_])
        except DBAPIError as error:
            del self._waiting[id_]
            log().error("a first answer cannot be kept", command=id_, error=type(error.orig).__name__)

    async def _write_again(self) -> None:
        try:
            await self.write()
        except Refusal as refusal:
            log().warning("first answers are still to be written", error=type(refusal).__name__)
            self._added.set()
            await asyncio.sleep(AGAIN_SECONDS)
