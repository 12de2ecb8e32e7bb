"""The ladders that are in use: what operations wrote, else what is built in."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.base import Instant, Titles
from services.notify.ladders.ladders import DEFAULT, LadderDraft, Ladders
from services.notify.ladders.tables import ladders
from services.runtime.errors import NotFound
from services.runtime.http.conditions import IfMatch, require_version


class StoredLadder(Ladders):
    """One version. Version 0 is built in; nobody wrote it."""

    id: str
    version: int
    title: Titles
    created_at: Instant | None = None
    created_by: str | None = None


class LadderBook:
    """The built-in ladders, and what was written since."""

    def __init__(self, built_in: Mapping[str, LadderDraft]) -> None:
        self._built_in = {id_: StoredLadder(**_content(draft), id=id_, version=0) for id_, draft in built_in.items()}
        self._read: dict[tuple[str, int], StoredLadder] = {}

    async def in_use(self, connection: AsyncConnection) -> Mapping[str, StoredLadder]:
        """The latest version of every ladder, in the order of their ids."""
        latest = select(ladders).ext(distinct_on(ladders.c.id)).order_by(ladders.c.id, ladders.c.version.desc())
        written = {row["id"]: self._of(row) for row in (await connection.execute(latest)).mappings()}
        return dict(sorted({**self._built_in, **written}.items()))

    async def find(self, connection: AsyncConnection, id_: str, version: int | None = None) -> StoredLadder:
        """One version of a ladder, the latest unless said otherwise.

        Raises:
            NotFound: there is none.
        """
        for each in await self.versions(connection, id_):
            if version in {None, each.version}:
                return each
        raise NotFound

    async def versions(self, connection: AsyncConnection, id_: str) -> Sequence[StoredLadder]:
        """Every version, newest first.

        Raises:
            NotFound: there is no such ladder.
        """
        query = select(ladders).where(ladders.c.id == id_).order_by(ladders.c.version.desc())
        found = [self._of(row) for row in (await connection.execute(query)).mappings()]
        if id_ in self._built_in:
            found.append(self._built_in[id_])
        if not found:
            raise NotFound
        return found

    async def put(
        self, connection: AsyncConnection, id_: str, draft: LadderDraft, *, by: str, if_match: IfMatch | None
    ) -> StoredLadder:
        """Store the next version: alerts that are raised from now on climb it, the others keep theirs. What is in use
        already is not stored again.

        Raises:
            StaleVersion: `if_match` is not the latest version.
        """
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"ladder/{id_}", 0))))
        current = (await self.in_use(connection)).get(id_)
        require_version(if_match, current.version if current else 0, exists=current is not None)
        written = _content(draft)
        if current is not None and _content(current) == written:
            return current
        values = {"id": id_, "version": (current.version if current else 0) + 1, "created_by": by}
        values |= {"title": written.pop("title"), "ladders": written}
        row = (await connection.execute(insert(ladders).values(values).returning(ladders))).mappings().one()
        return self._of(row)

    def _of(self, row: RowMapping) -> StoredLadder:
        """A version never changes: each is read into its model once."""
        key = (row["id"], row["version"])
        if key not in self._read:
            beside = {name: row[name] for name in StoredLadder.model_fields if name not in Ladders.model_fields}
            self._read[key] = StoredLadder(**row["ladders"], **beside)
        return self._read[key]


def chosen(in_use: Mapping[str, StoredLadder], wanted: str | None) -> tuple[StoredLadder, str | None]:
    """The ladder of an alert, and the name that was asked for where there is none of it: then it is the default one."""
    if wanted is None or wanted in in_use:
        return in_use[wanted or DEFAULT], None
    return in_use[DEFAULT], wanted


def _content(written: LadderDraft | StoredLadder) -> dict[str, Any]:
    return written.model_dump(mode="json", include={"title", "breach", "low_rating"})
