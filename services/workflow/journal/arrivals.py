"""Tickets on their way from intake: the relay hands them over, and whoever cannot wait for it fetches them.

Each is entered once in the usual course: the relay leaves out what is here, whoever needs a ticket gives the relay a
moment first, and all who need the same one fetch it together. Where both come at once after all, the row that is there
decides (`registration`).
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from services.contracts.feedback import Registration
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import RawStatement
from services.runtime.service_client import ServiceClient
from services.workflow.journal.registration import Registrations

HAND_OVER_SECONDS = 0.3
"""The relay gathers registrations for a tenth of a second, and hands over a batch at a time."""
_HERE = RawStatement("SELECT ticket_no FROM workflow.tickets WHERE ticket_no = ANY(CAST(:ticket_nos AS text[]))")


class Arrivals:
    """One per process: the relay of the same installation usually hands over to the process that is asked next."""

    def __init__(
        self,
        database: Database,
        registrations: Registrations,
        intake: ServiceClient,
        *,
        hand_over_seconds: float = HAND_OVER_SECONDS,
    ) -> None:
        self._database = database
        self._registrations = registrations
        self._intake = intake
        self._hand_over_seconds = hand_over_seconds
        self._awaited: dict[str, asyncio.Event] = {}
        self._fetches: dict[str, asyncio.Task[None]] = {}

    async def hand_over(self, batch: Sequence[Registration]) -> None:
        """Enter what is not here yet; safe to repeat."""
        here = await self._here(*(each.ticket_no for each in batch))
        for registration in batch:
            if registration.ticket_no not in here:
                await self._registrations.register(registration)
            if awaited := self._awaited.get(registration.ticket_no):
                awaited.set()

    async def fetch(self, ticket_no: str) -> None:
        """Return when a ticket is here that was not.

        Raises:
            NotFound: intake knows of none.
            Unavailable: it could not be asked.
        """
        fetching = self._fetches.get(ticket_no)
        if fetching is None:
            fetching = self._fetches[ticket_no] = asyncio.create_task(self._fetch_alone(ticket_no))
            fetching.add_done_callback(lambda _: self._fetches.pop(ticket_no))
        await asyncio.shield(fetching)

    async def _fetch_alone(self, ticket_no: str) -> None:
        if await self._is_handed_over(ticket_no):
            return
        told = await self._intake.get(f"/internal/registrations/{ticket_no}")
        await self._registrations.register(Registration.model_validate(told))

    async def _is_handed_over(self, ticket_no: str) -> bool:
        """Whether the relay brings it, to this process or to another, before long."""
        awaited = self._awaited[ticket_no] = asyncio.Event()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._hand_over_seconds):
                    await awaited.wait()
        finally:
            del self._awaited[ticket_no]
        return awaited.is_set() or ticket_no in await self._here(ticket_no)

    async def _here(self, *ticket_nos: str) -> frozenset[str]:
        rows = await _HERE.all(self._database, {"ticket_nos": ticket_nos})
        return frozenset(row["ticket_no"] for row in rows)
