"""API keys: random, shown once, kept as a hash."""

import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.directory import ApiKey
from services.directory import changes
from services.directory.grants import require_reach, require_scopes
from services.directory.people import require_department
from services.directory.schemas import ApiKeyChange, KnownKey, NewApiKey
from services.directory.tables import api_keys
from services.runtime.security.auth import KEY_PREFIX, Caller, key_hash

USE_NOTED_EVERY = timedelta(minutes=1)


def draw_key() -> str:
    """Draw a key: 256 random bits behind the prefix that tells it from a staff token."""
    return f"{KEY_PREFIX}{secrets.token_urlsafe(32)}"


async def create_key(connection: AsyncConnection, by: Caller, new: NewApiKey, key: str) -> ApiKey:
    """Make a key; its secret `key` stays with the caller of this function."""
    _require_grantable(by, new.scopes, new.department)
    await changes.lock_writers(connection)
    await require_department(connection, new.department)
    values = new.model_dump(mode="json") | {"id": f"k-{secrets.token_hex(8)}", "key_hash": key_hash(key)}
    return changes.read_as(ApiKey, await changes.insert(connection, by, "api_key", api_keys, values))


async def change_key(connection: AsyncConnection, by: Caller, identifier: str, change: ApiKeyChange) -> ApiKey:
    """Change a key; `active` false revokes it, which every process knows within seconds."""
    await changes.lock_writers(connection)
    row = await changes.find(connection, api_keys, identifier)
    values = change.model_dump(mode="json", exclude_unset=True)
    after = {**row, **values}
    for state in (row, after):
        _require_grantable(by, state["scopes"], state["department"])
    if after["department"] != row["department"]:
        await require_department(connection, after["department"])
    return changes.read_as(ApiKey, await changes.update(connection, by, "api_key", api_keys, row, values))


async def introspect(connection: AsyncConnection, hashed: str) -> KnownKey | None:
    """Read what the active key with this hash may do; None when there is none. Notes its use, at most once a minute."""
    found = await connection.execute(select(api_keys).where(api_keys.c.key_hash == hashed, api_keys.c.active))
    row = found.mappings().one_or_none()
    if row is None:
        return None
    await _note_use(connection, row)
    return changes.read_as(KnownKey, row)


def _require_grantable(by: Caller, scopes: Collection[str], department: str | None) -> None:
    require_reach(by, department)
    require_scopes(by, scopes)


async def _note_use(connection: AsyncConnection, row: RowMapping) -> None:
    now = datetime.now(UTC)
    if row["last_used_at"] is None or row["last_used_at"] <= now - USE_NOTED_EVERY:
        await connection.execute(api_keys.update().where(api_keys.c.id == row["id"]).values(last_used_at=now))
