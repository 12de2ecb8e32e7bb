"""Signing in, and what callers ask about themselves."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.directory import Scope, StaffLanguage, StaffMember, StaffRole
from services.contracts.permissions import Action, may
from services.directory import changes, sessions
from services.directory.credentials import find_by_username
from services.directory.people import find_staff, set_own_password
from services.directory.refusals import WrongCredentials, wrong
from services.directory.schemas import Credentials, Me, NewPassword, SignedOut, SignOutWish, Token
from services.directory.service import CallerNow, DirectoryDep, DirectoryService
from services.runtime.errors import Forbidden
from services.runtime.postgres.idempotency import HttpAnswer
from services.runtime.security.auth import Caller

router = APIRouter(tags=["sign-in"])


@router.post("/v1/token")
async def sign_in(request: Request, given: Credentials, directory: DirectoryDep) -> Token:
    """Exchange user name and password for a token.

    Ten wrong passwords of one user from one address in five minutes answer 429. The answer is a credential, so it is
    not remembered: a repeat under the same `Idempotency-Key` signs in again.
    """
    address = request.client.host if request.client else ""
    directory.guesses.begin(given.username, address)
    async with directory.database.read() as connection:
        row = await find_by_username(connection, given.username)
    kept = row["password_hash"] if row is not None and row["active"] else None
    if not await directory.passwords.matches(given.password, kept) or row is None:
        raise WrongCredentials
    directory.guesses.forgive(given.username, address)
    token = directory.mint(changes.read_as(StaffMember, row), row["session_generation"])
    return Token(access_token=token, expires_in=int(directory.token_lifetime.total_seconds()))


@router.get("/v1/me")
async def show_me(caller: CallerNow, directory: DirectoryDep) -> Me:
    """Show the caller who they are and what they may do."""
    return Me(
        kind=caller.kind,
        id=caller.id,
        name=caller.name,
        username=caller.username,
        roles=tuple(role for role in StaffRole if role in caller.roles),
        scopes=tuple(scope for scope in Scope if scope in caller.scopes),
        department=caller.department,
        language=await _language_of(directory, caller),
        allowed=tuple(action for action in Action if may(caller, action)),
    )


async def _language_of(directory: DirectoryService, caller: Caller) -> StaffLanguage | None:
    if caller.kind != "staff":
        return None
    async with directory.database.read() as connection:
        row = await find_staff(connection, caller.id)
    return row["language"] if row is not None else None


@router.post("/v1/me/password", response_model=StaffMember)
async def change_my_password(
    request: Request, given: NewPassword, caller: CallerNow, directory: DirectoryDep
) -> JSONResponse:
    """Set the caller's own password. Staff alone have one. All their other sessions end within seconds."""
    if caller.kind != "staff":
        raise Forbidden
    new_hash = await directory.passwords.hash(given.new)
    address = request.client.host if request.client else ""

    async def work(connection: AsyncConnection) -> HttpAnswer:
        await _require_current(directory, connection, caller.id, given.current, address)
        member = await set_own_password(connection, caller, new_hash)
        return HttpAnswer(member.model_dump(mode="json"))

    return await directory.idempotency.once(request, caller, work)


async def _member_of_staff(caller: CallerNow) -> Caller:
    """Whoever signed in by a password; asked before the body is looked at."""
    if caller.kind != "staff":
        raise Forbidden
    return caller


@router.post("/v1/me/sign-out")
async def sign_out(
    caller: Annotated[Caller, Depends(_member_of_staff)], directory: DirectoryDep, _: Annotated[SignOutWish, Body()]
) -> SignedOut:
    """End the session of the token that this is asked with: within seconds it lets nobody in anywhere.

    Staff alone sign out; a key is revoked. The answer is not remembered under an `Idempotency-Key`, which would belong
    to the person and not to one session: a repeat answers 401, because it is done.
    """
    async with directory.database.begin() as connection:
        await sessions.end(connection, caller)
    return SignedOut()


async def _require_current(
    directory: DirectoryService, connection: AsyncConnection, identifier: str, current: SecretStr, address: str
) -> None:
    directory.guesses.begin(identifier, address)
    row = await find_staff(connection, identifier)
    if not await directory.passwords.matches(current, row["password_hash"] if row is not None else None):
        raise wrong("/current", "wrong_password")
    directory.guesses.forgive(identifier, address)
