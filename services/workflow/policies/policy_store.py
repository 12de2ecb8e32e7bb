"""The register of policies: every version, the order in which they are tried, and what is retired."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, Subquery, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.policy import Policy, PolicyDraft
from services.runtime.errors import FieldError, NotFound, ValidationFailed
from services.runtime.http.conditions import ANY, IfMatch
from services.runtime.postgres.database import Database
from services.workflow.policies.catalogue import advance
from services.workflow.policies.policy_schemas import PolicyVersion, RegisteredPolicy
from services.workflow.policies.versions import every_version, last_version, latest_versions, one_version, version_row
from services.workflow.tables import policies, policy_order

_NOT_STORED = {"id", "version", "published_at"}
_PUBLISHED = (
    select(func.max(policies.c.version))
    .where(policies.c.id == policy_order.c.id, policies.c.published_at.is_not(None))
    .correlate(policy_order)
    .scalar_subquery()
    .label("published_version")
)


_ORDER_TEXTS: Mapping[str, Mapping[str, str]] = {
    "unknown": {"en": "there is no policy of this id", "zh": "没有此编号的策略"},
    "repeated": {"en": "this policy stands in the list before", "zh": "该策略在前面已列出"},
    "incomplete": {"en": "name every policy: {}", "zh": "请列出全部策略，还缺：{}"},
}


class PolicyRegister:
    """Stores and reads policies; what is in force is the catalogue's to know."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self, id_: str, draft: PolicyDraft, *, publish: bool, if_match: IfMatch | None, by: str | None = None
    ) -> Policy:
        """Store the next version; published, it applies to tickets that are registered or accepted from now on.

        A new policy is tried before those that were there: the ones without a condition would hide it otherwise. What
        says the same as the latest version, published or not as that one is, is that version: nothing is stored.
        Whoever names the version that they read gets the next one.

        Raises:
            StaleVersion: `if_match` is not the latest version.
        """
        async with self._database.begin() as connection:
            stored = await _store(connection, id_, draft, publish=publish, if_match=if_match, by=by)
            await _place(connection, [id_], before=None)
            if publish:
                await _put_in_force(connection, [id_])
        return stored

    async def adopt(self, drafts: Sequence[Policy], *, publish: bool, by: str) -> list[Policy]:
        """Store policies of a pack, in their order. Those that are new are tried before the first policy that applies
        to every ticket: the narrower ones go on taking theirs."""
        async with self._database.begin() as connection:
            stored = [await _store(connection, it.id, it, publish=publish, if_match=None, by=by) for it in drafts]
            await _place(connection, [each.id for each in stored], before=await _first_for_all(connection))
            if publish:
                await _put_in_force(connection, [each.id for each in stored])
        return stored

    async def policies(self) -> list[RegisteredPolicy]:
        """The latest version of every policy, in the order in which they are tried."""
        latest = latest_versions(policies).subquery()
        query = _registered(latest).order_by(policy_order.c.position, policy_order.c.id)
        return [_policy(row) for row in await self._database.rows(query)]

    async def policy(self, id_: str, version: int | None = None) -> RegisteredPolicy:
        """One version, the latest by default.

        Raises:
            NotFound: there is none.
        """
        asked = one_version(policies, id_, version).subquery()
        row = await self._database.row(_registered(asked))
        if row is None:
            raise NotFound
        return _policy(row)

    async def versions(self, id_: str) -> list[PolicyVersion]:
        """Every version, the latest first.

        Raises:
            NotFound: there is none.
        """
        return [PolicyVersion(**row) for row in await every_version(self._database, policies, id_)]

    async def order(self) -> list[str]:
        """Every policy's id, in the order in which they are tried; retired ones keep their place."""
        async with self._database.read() as connection:
            return await _order(connection)

    async def reorder(self, ids: Sequence[str]) -> None:
        """Try the policies in this order from now on.

        Raises:
            ValidationFailed: `ids` does not name every policy once.
        """
        async with self._database.begin() as connection:
            known = await _order(connection, lock=True)
            if errors := list(_order_errors(ids, known)):
                raise ValidationFailed(errors)
            if list(ids) == known:
                return
            for position, id_ in enumerate(ids):
                await connection.execute(update(policy_order).where(policy_order.c.id == id_).values(position=position))
            await advance(connection)

    async def retire(self, id_: str) -> None:
        """Apply a policy to no new ticket any more, until a version of it is published again; safe to repeat.

        Raises:
            NotFound: there is none.
        """
        is_mine = policy_order.c.id == id_
        async with self._database.begin() as connection:
            retired = update(policy_order).where(is_mine, policy_order.c.retired_at.is_(None))
            if (await connection.execute(retired.values(retired_at=datetime.now(UTC)))).rowcount:
                await advance(connection)
            elif await connection.scalar(select(policy_order.c.id).where(is_mine)) is None:
                raise NotFound


async def bring_back(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """A policy that is published is retired no more; every cache is told when the transaction commits."""
    retired = update(policy_order).where(policy_order.c.id.in_(ids), policy_order.c.retired_at.is_not(None))
    if (await connection.execute(retired.values(retired_at=None))).rowcount:
        await advance(connection)


async def _put_in_force(connection: AsyncConnection, ids: Sequence[str]) -> None:
    await bring_back(connection, ids)
    await advance(connection)


async def _store(
    connection: AsyncConnection,
    id_: str,
    draft: PolicyDraft,
    *,
    publish: bool,
    if_match: IfMatch | None,
    by: str | None,
) -> Policy:
    last = await last_version(connection, policies, id_, if_match)
    now = datetime.now(UTC)
    values = draft.model_dump(exclude=_NOT_STORED, include=set(PolicyDraft.model_fields))
    policy = Policy(**values, id=id_, version=last + 1, published_at=now if publish else None)
    standing = await _version(connection, id_, last) if last and if_match in {None, ANY} else None
    if standing is not None and bool(standing.published_at) is publish and _says(standing) == _says(policy):
        return standing
    await connection.execute(insert(policies).values(version_row(policy, now, published=publish, by=by)))
    return policy


async def _version(connection: AsyncConnection, id_: str, version: int) -> Policy:
    query = select(policies.c.body, policies.c.published_at).where(policies.c.id == id_, policies.c.version == version)
    row = (await connection.execute(query)).one()
    return Policy.model_validate({**row.body, "published_at": row.published_at})


def _says(policy: Policy) -> Mapping[str, Any]:
    return policy.model_dump(mode="json", exclude=_NOT_STORED)


async def _place(connection: AsyncConnection, ids: Sequence[str], *, before: str | None) -> None:
    """Give the policies that are new a place: before another one, or before all."""
    known = await _order(connection, lock=True)
    new = [id_ for id_ in ids if id_ not in known]
    if not new:
        return
    at = known.index(before) if before in known else 0
    for position, id_ in enumerate([*known[:at], *new, *known[at:]]):
        row = insert(policy_order).values(id=id_, position=position)
        moved = row.on_conflict_do_update(index_elements=["id"], set_={"position": position})
        await connection.execute(moved)


async def _first_for_all(connection: AsyncConnection) -> str | None:
    """The first policy in force that applies to every ticket."""
    latest = latest_versions(policies, only_published=True).subquery()
    query = select(latest.c.id).join(policy_order, policy_order.c.id == latest.c.id)
    unconditional = query.where(latest.c.body["applies"] == text("'[]'::jsonb"), policy_order.c.retired_at.is_(None))
    found: str | None = await connection.scalar(unconditional.order_by(policy_order.c.position, latest.c.id).limit(1))
    return found


async def _order(connection: AsyncConnection, *, lock: bool = False) -> list[str]:
    if lock:
        # New rows too must wait, which row locks do not make them.
        await connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('policy_order', 0))"))
    rows = await connection.execute(select(policy_order.c.id).order_by(policy_order.c.position, policy_order.c.id))
    return list(rows.scalars())


def _order_errors(ids: Sequence[str], known: Sequence[str]) -> Iterator[FieldError]:
    for place, id_ in enumerate(ids):
        if id_ not in known:
            yield {"pointer": f"/ids/{place}", "code": "unknown", "message": _ORDER_TEXTS["unknown"]}
        elif id_ in ids[:place]:
            yield {"pointer": f"/ids/{place}", "code": "repeated", "message": _ORDER_TEXTS["repeated"]}
    if missing := [id_ for id_ in known if id_ not in ids]:
        named = {language: said.format(", ".join(missing)) for language, said in _ORDER_TEXTS["incomplete"].items()}
        yield {"pointer": "/ids", "code": "incomplete", "message": named}


def _registered(version: Subquery) -> Select[Any]:
    return select(version, policy_order.c.retired_at, _PUBLISHED).join(policy_order, policy_order.c.id == version.c.id)


def _policy(row: Mapping[Any, Any]) -> RegisteredPolicy:
    told = ("published_at", "created_at", "created_by", "retired_at", "published_version")
    return RegisteredPolicy.model_validate({**row["body"], **{name: row[name] for name in told}})
