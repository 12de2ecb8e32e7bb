"""Another service's feed, read over its internal port."""

from collections.abc import Callable, Collection
from typing import Any

from services.runtime.feed.pages import Item, Page, SharedPages
from services.runtime.service_client import ServiceClient

WAIT_SECONDS = 3
"""How long a question may wait for news; a client gives an answer 5 s at most."""


class FeedClient:
    """Reads pages of at most `limit` events, and single events again; `page` and `event` parse what is told. Followers
    that read by one client share its pages.

    With `only` events of other types are not sent: a page's cursor has moved past them.
    """

    def __init__(
        self,
        client: ServiceClient,
        page: Callable[[Any], Page],
        event: Callable[[Any], Item],
        *,
        limit: int,
        only: Collection[str] = (),
    ) -> None:
        self._client = client
        self._page = page
        self._event = event
        self._limit = limit
        self._only = {"only": ",".join(sorted(only))} if only else {}
        self._shared = SharedPages(self._ask, limit=limit)

    async def read_page(self, after: str | None) -> Page:
        """The page behind a cursor; waits a little where there is none yet."""
        return await self._shared.page(after)

    async def read_event(self, ticket_no: str, seq: int) -> Item:
        """One event, with its ticket as that is now."""
        return self._event(await self._client.get(f"/internal/events/{ticket_no}/{seq}"))

    async def _ask(self, after: str | None) -> Page:
        place = {"after": after} if after else {}
        told = await self._client.get("/internal/events", limit=self._limit, wait=WAIT_SECONDS, **place, **self._only)
        return self._page(told)
