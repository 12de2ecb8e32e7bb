"""Rows of notices as deliveries read and write them: many by one statement, each alone where that cannot be."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import DBAPIError

from services.notify.notices import statements
from services.notify.notices.outcomes import Outcome
from services.notify.notices.writer import NoticeText, Row
from services.runtime.errors import Refusal
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement, json_text
from services.runtime.telemetry import log


class NoticeRecords:
    """Reads one notice, keeps texts, writes down how tries went."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, notice_id: str) -> Row | None:
        """A notice as a try needs it, with the versions of quiet hours and texts."""
        return await statements.LOOK.first(self._database, {"id": notice_id})

    async def keep_all(self, texts: Sequence[tuple[Row, NoticeText]]) -> frozenset[str]:
        """Keep texts before they are sent. Answers the ids of those that were kept; the others go through `keep`."""
        if not texts:
            return frozenset()
        try:
            return frozenset(await self._ids(statements.KEEP_ALL, [_kept(*each) for each in texts]))
        except (Refusal, DBAPIError) as error:
            log().warning("texts of notices are kept one by one", error=type(error).__name__)
            return frozenset()

    async def keep(self, row: Row, text: NoticeText) -> bool:
        """Keep one text before it is sent; answers whether the notice still waited, and had none until now.

        Raises:
            Unavailable, DBAPIError: it could not be kept.
        """
        return bool(await self._ids(statements.KEEP_ONE, [_kept(row, text)]))

    async def end(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Write down how tries went; answers those of notices that had waited until now.

        Raises:
            Unavailable, DBAPIError: not all could be written down.
        """
        left_over = [each.row["id"] for each in outcomes if each.is_left_over]
        ended = await self._end_all(outcomes, left_over)
        failure: Exception | None = None
        for each in outcomes:
            if each.row["id"] not in ended:
                try:
                    ended |= await self._ids(statements.END_ONE, [each.columns], left_over=left_over)
                except (Refusal, DBAPIError) as error:
                    failure = error
        if failure is not None:
            raise failure
        return [each for each in outcomes if each.row["id"] in ended]

    async def _end_all(self, outcomes: Sequence[Outcome], left_over: Sequence[str]) -> set[str]:
        """End what nobody holds; what is missing in the answer goes one by one, and so does what spoils it for all."""
        if len(outcomes) <= 1:
            return set()
        try:
            return await self._ids(statements.END_ALL, [each.columns for each in outcomes], left_over=left_over)
        except DBAPIError:
            log().exception("notices are ended one by one")
            return set()

    async def _ids(self, statement: RawStatement, rows: Sequence[Mapping[str, Any]], **values: Any) -> set[str]:
        found = await statement.all(self._database, {**values, "notices": json_text(rows)})
        return {row["id"] for row in found}


def _kept(row: Row, text: NoticeText) -> Mapping[str, Any]:
    return {"id": row["id"], "round": row["round"], **text.columns}
