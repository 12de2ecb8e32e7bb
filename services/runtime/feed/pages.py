"""Pages of a feed, and the copy of them that the followers of a process share.

What lies behind a place in a feed never changes, it only goes on. So whoever comes to a place a little after another
gets the page that was read for the other, and what was read behind it since. Only the facts of the tickets in it are as
old as that; each says of which version of its ticket it is.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

KEPT_SECONDS = 1.0
MOST_KEPT = 32


class Numbered(Protocol):
    """An event's place in its ticket's journal."""

    @property
    def seq(self) -> int:
        """From 1, without gaps."""


class Item(Protocol):
    """One event of the feed."""

    @property
    def ticket_no(self) -> str:
        """The ticket that the event is of."""

    @property
    def event(self) -> Numbered:
        """The event itself."""

    @property
    def recorded_at(self) -> datetime:
        """The instant at which it became part of the journal."""

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        """Write down an event that cannot be applied."""


class Page(Protocol):
    """A page of the feed."""

    @property
    def items(self) -> Sequence[Item]:
        """Events in the feed's order."""

    @property
    def next_cursor(self) -> str | None:
        """The cursor to go on from."""


@dataclass(frozen=True)
class JoinedPage:
    """Pages one behind the other, as one."""

    items: Sequence[Item]
    next_cursor: str | None


@dataclass
class _Question:
    """A page that is asked for, or that was answered a moment ago."""

    task: "asyncio.Task[Page]"
    answered_at: float | None = None


class SharedPages:
    """Reads pages for several followers, and answers at most `limit` events at once.

    A page whose reading failed, or that holds nothing, is not kept: whoever comes next reads it again.
    """

    def __init__(self, read: Callable[[str | None], Awaitable[Page]], *, limit: int) -> None:
        self._read = read
        self._limit = limit
        self._questions: dict[str | None, _Question] = {}

    async def page(self, after: str | None) -> Page:
        """The page behind a cursor, joined with what is kept behind it. Whoever asks while it is read waits with the
        others, and raises what they raise."""
        self._forget()
        first = await asyncio.shield(self._question(after).task)
        items, cursor = list(first.items), first.next_cursor
        while (following := self._kept(cursor)) and len(items) + len(following.items) <= self._limit:
            items += following.items
            cursor = following.next_cursor
        return JoinedPage(items, cursor)

    def _question(self, after: str | None) -> _Question:
        question = self._questions.get(after)
        if question is None:
            question = _Question(asyncio.create_task(self._ask(after)))
            self._questions[after] = question
            question.task.add_done_callback(lambda _: self._settle(after, question))
        return question

    async def _ask(self, after: str | None) -> Page:
        return await self._read(after)

    def _settle(self, after: str | None, question: _Question) -> None:
        task = question.task
        if task.cancelled() or task.exception() or not task.result().items:
            del self._questions[after]
        else:
            question.answered_at = time.monotonic()

    def _kept(self, after: str | None) -> Page | None:
        question = self._questions.get(after)
        return question.task.result() if question and question.answered_at else None

    def _forget(self) -> None:
        oldest = time.monotonic() - KEPT_SECONDS
        answered = {after: each.answered_at for after, each in self._questions.items() if each.answered_at}
        for after, answered_at in answered.items():
            if answered_at < oldest or len(self._questions) > MOST_KEPT:
                del self._questions[after]
