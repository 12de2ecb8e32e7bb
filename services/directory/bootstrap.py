"""The first start: a department, an administrator, a key with every scope."""

import secrets

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.directory import Scope, StaffRole
from services.directory import changes
from services.directory.schemas import Bootstrap
from services.directory.tables import api_keys, departments, staff
from services.runtime.security.auth import Caller, key_hash

DEFAULT_DEPARTMENT = {"id": "service-centre", "name": "客服中心", "categories": [], "default": True}
_INSTALLER = Caller(kind="service", id="bootstrap", name="bootstrap")


async def is_staffed(connection: AsyncConnection) -> bool:
    """Whether there is anybody already; from then on a bootstrap does nothing."""
    return await connection.scalar(select(staff.c.id).limit(1)) is not None


async def bootstrap(connection: AsyncConnection, first: Bootstrap, password_hash: str) -> bool:
    """Make the first administrator and their key; false, and nothing done, when there is any staff already."""
    await changes.lock_writers(connection)
    if await is_staffed(connection):
        return False
    await changes.insert(connection, _INSTALLER, "department", departments, DEFAULT_DEPARTMENT)
    administrator = {
        "id": f"s-{secrets.token_hex(8)}",
        "username": first.username,
        "name": "系统管理员",
        "roles": [StaffRole.ADMIN.value, StaffRole.SUPERVISOR.value],
        "password_hash": password_hash,
    }
    await changes.insert(connection, _INSTALLER, "staff", staff, administrator)
    key = {
        "id": f"k-{secrets.token_hex(8)}",
        "name": "admin",
        "key_hash": key_hash(first.key.get_secret_value()),
        "scopes": [scope.value for scope in Scope],
    }
    await changes.insert(connection, _INSTALLER, "api_key", api_keys, key)
    return True
