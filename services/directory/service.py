"""The directory's own object: what its endpoints work with, and who its callers are at this moment."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from fastapi import Depends
from pydantic import SecretStr

from services.access.rights import allowed_to
from services.contracts.directory import StaffMember
from services.contracts.names import Role
from services.contracts.permissions import Action
from services.directory import sessions
from services.directory.credentials import GuessLimit, Passwords
from services.directory.people import find_staff
from services.runtime.errors import Unauthenticated, Unavailable
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import Idempotency
from services.runtime.role_parts import service_of
from services.runtime.security.auth import Caller, CallerDep, mint_token
from services.runtime.security.sealing import Seal


@dataclass(frozen=True)
class DirectoryService:
    """Resources that the endpoints share in one process."""

    database: Database
    idempotency: Idempotency
    passwords: Passwords
    guesses: GuessLimit
    seal: Seal
    signing_key: bytes | None
    token_lifetime: timedelta
    on_call_fallback: str | None = None

    async def hash_given(self, password: SecretStr | None) -> str | None:
        """Hash a password where one was given."""
        return None if password is None else await self.passwords.hash(password)

    def mint(self, member: StaffMember, generation: int) -> str:
        """Sign a token for a session of this generation of theirs. `Unavailable` in a process without a signing key."""
        if self.signing_key is None:
            raise Unavailable
        return mint_token(
            self.signing_key,
            staff_id=member.id,
            name=member.name,
            username=member.username,
            roles=[role.value for role in member.roles],
            department=member.department,
            lifetime=self.token_lifetime,
            generation=generation,
        )


DirectoryDep = Annotated[DirectoryService, service_of(Role.DIRECTORY)]


async def caller_now(caller: CallerDep, directory: DirectoryDep) -> Caller:
    """The caller with the roles of this moment. Other services know within seconds who left, signed out or may do less;
    here, where the truth is at hand, it holds at once."""
    if caller.kind != "staff":
        return caller
    async with directory.database.read() as connection:
        row = await find_staff(connection, caller.id)
        if row is None or caller.session is None or not await sessions.counts(connection, row, caller.session):
            raise Unauthenticated
    return replace(caller, name=row["name"], roles=frozenset(row["roles"]), department=row["department"])


CallerNow = Annotated[Caller, Depends(caller_now)]


Reader = Annotated[Caller, Depends(allowed_to(Action.READ_DIRECTORY, known_by=caller_now))]
Writer = Annotated[Caller, Depends(allowed_to(Action.WRITE_DIRECTORY, known_by=caller_now))]
Auditor = Annotated[Caller, Depends(allowed_to(Action.READ_AUDIT, known_by=caller_now))]
