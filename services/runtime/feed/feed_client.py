"""Another service's feed, read over its internal port."""

from typing import Generic, TypeVar

from pydantic import BaseModel

from services.runtime.service_client import ServiceClient

WAIT_SECONDS = 3
"""How long a question may wait for news; a client gives an answer 5 s at most."""

P = TypeVar("P", bound=BaseModel)
E = TypeVar("E", bound=BaseModel)


class FeedClient(Generic[P, E]):
    """Reads pages of at most `limit` events, and single events again, as the models given."""

    def __init__(self, client: ServiceClient, page: type[P], event: type[E], *, limit: int) -> None:
        self._client = client
        self._page = page
        self._event = event
        self._limit = limit

    async def read_page(self, after: str | None) -> P:
        """The page behind a cursor; waits a little where there is none yet."""
        place = {"after": after} if after else {}
        told = await self._client.get("/internal/events", limit=self._limit, wait=WAIT_SECONDS, **place)
        return self._page.model_validate(told)

    async def read_event(self, ticket_no: str, seq: int) -> E:
        """One event, with its ticket as that is now."""
        return self._event.model_validate(await self._client.get(f"/internal/events/{ticket_no}/{seq}"))
