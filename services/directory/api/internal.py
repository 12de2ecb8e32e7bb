"""The directory's endpoints for other services, on the internal port."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Text, any_, cast, select
from sqlalchemy.dialects.postgresql import ARRAY

from services.contracts.directory import Department, Recipients, RecipientsAsked, StaffAddress
from services.directory import bootstrap, changes, keys, people, recipients, sessions
from services.directory.schemas import (
    AddressesAsked,
    Bootstrap,
    Bootstrapped,
    Introspection,
    KnownKey,
    People,
    SessionsNow,
    StaffAddresses,
)
from services.directory.service import DirectoryDep
from services.directory.tables import departments, staff
from services.runtime.errors import NotFound
from services.runtime.security.auth import PeerDep

router = APIRouter(tags=["internal"])
Count = Annotated[int, Query(ge=0, le=2**63 - 1)]


@router.post("/internal/keys/introspect")
async def introspect(asked: Introspection, _: PeerDep, directory: DirectoryDep) -> KnownKey:
    """Tell what the active key with this hash may do; 404 when there is none."""
    async with directory.database.autocommit() as connection:
        known = await keys.introspect(connection, asked.key_hash)
    if known is None:
        raise NotFound
    return known


@router.get("/internal/sessions")
async def tell_sessions(generation: Count, position: Count, _: PeerDep, directory: DirectoryDep) -> SessionsNow:
    """Tell what decides about sessions of staff, as far as it changed since the caller's last answer."""
    async with directory.database.read() as connection:
        return await sessions.news(connection, generation, position)


@router.get("/internal/people")
async def copy_people(_: PeerDep, directory: DirectoryDep, known: int | None = None) -> People:
    """Hand out the whole directory, to be kept as a copy; only its generation where that is `known`."""
    async with directory.database.read() as connection:
        # Read first: rows may be newer than the generation that vouches for them, never older.
        generation = await changes.generation(connection)
        if generation == known:
            return People(generation=generation, unchanged=True)
        found_departments = await connection.execute(select(departments).order_by(departments.c.position))
        found_staff = await connection.execute(select(staff).order_by(staff.c.position))
    return People(
        generation=generation,
        departments=tuple(changes.read_as(Department, row) for row in found_departments.mappings()),
        staff=tuple(map(people.colleague_of, found_staff.mappings())),
    )


@router.post("/internal/staff/addresses")
async def show_addresses(asked: AddressesAsked, _: PeerDep, directory: DirectoryDep) -> StaffAddresses:
    """Tell how members of staff are reached, those who left included; for the moment of sending, not to be kept."""
    named = select(staff).where(staff.c.id == any_(cast(list(asked.ids), ARRAY(Text))))
    async with directory.database.read() as connection:
        rows = (await connection.execute(named)).mappings().all()
    return StaffAddresses(items=tuple(changes.read_as(StaffAddress, row) for row in rows))


@router.post("/internal/recipients")
async def find_recipients(asked: RecipientsAsked, _: PeerDep, directory: DirectoryDep) -> Recipients:
    """Tell who is found on rungs of ladders, by id; where it is asked, also when they are reached."""
    async with directory.database.read() as connection:
        if asked.hours_at is None:
            crew = await recipients.read_crew(connection, asked, directory.on_call_fallback)
            return Recipients(items=tuple(map(crew.answer, asked.items)), present=crew.present(asked.also))
        # Read first: rows may be newer than the generation that vouches for them, never older.
        generation = await changes.generation(connection)
        crew = await recipients.read_crew(connection, asked, directory.on_call_fallback)
        next_shift_at = await recipients.next_shift_at(connection, asked.hours_at)
    items = tuple(map(crew.answer, asked.items))
    people = {*asked.also, *(id_ for found in items for id_ in found)}
    hours = crew.hours(people, asked.hours_at)
    return Recipients(
        items=items,
        present=crew.present(asked.also),
        hours=hours,
        next_shift_at=next_shift_at,
        generation=generation,
    )


@router.post("/internal/bootstrap")
async def begin(first: Bootstrap, _: PeerDep, directory: DirectoryDep) -> Bootstrapped:
    """Make the first administrator and their key; does nothing as soon as there is any staff."""
    async with directory.database.read() as connection:
        if await bootstrap.is_staffed(connection):
            return Bootstrapped(created=False)
    password_hash = await directory.passwords.hash(first.password)
    async with directory.database.begin() as connection:
        return Bootstrapped(created=await bootstrap.bootstrap(connection, first, password_hash))
