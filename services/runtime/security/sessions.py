"""Sessions that still hold: a copy of the directory's word, beside every port that takes staff tokens.

A token is checked offline, and so is whether it still counts: by who signed out, whose password is newer, and what
people may do by now. The copy follows the directory once a second, so no request asks it. While nobody asks the copy it
rests, and is renewed before it is believed again.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

from services.runtime.errors import Refusal, Unauthenticated, Unavailable
from services.runtime.service_client import ServiceClient

RENEW_SECONDS = 1.0
FRESH_SECONDS = 3.0
"""The age at which a copy is renewed before it is believed: nobody asked for a while, or the process has just begun."""
ASKED_SECONDS = 20.0
"""After this long unasked a copy rests. Streams ask for their reader, and keys that are used are asked for anew, more
often than that; what ends those is heard within a second all the while."""
RESTING_SECONDS = 60.0
"""A resting copy is renewed as often: it serves should the directory be away when somebody asks again."""


@dataclass(frozen=True)
class Session:
    """One sign-in, as its token tells it; `generation` counts the new passwords of its person before it."""

    id: str
    generation: int
    expires_at: float


@dataclass(frozen=True)
class StaffStanding:
    """A member of staff as they are now. Sessions of an older generation have ended, but for the one kept."""

    id: str
    name: str
    username: str
    roles: frozenset[str]
    department: str | None
    active: bool
    generation: int
    kept_session: str | None

    def ends(self, session: Session) -> bool:
        """Whether a session of theirs no longer counts."""
        is_old = session.generation < self.generation and session.id != self.kept_session
        return is_old or not self.active


class Sessions:
    """The copy of one process; it begins to follow the directory when it is asked first."""

    def __init__(self, directory: ServiceClient, *, believed_seconds: float, changed: Callable[[], None]) -> None:
        """While the directory is away the copy is believed for `believed_seconds`; `changed` hears of all news."""
        self._directory = directory
        self._believed_seconds = believed_seconds
        self._changed = changed
        self._staff: Mapping[str, StaffStanding] = {}
        self._ended: dict[str, float] = {}
        self._generation = self._position = 0
        self._confirmed_at: float | None = None
        self._is_away = False
        self._asked_at = 0.0
        self._asked = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    async def standing(self, staff_id: str, session: Session) -> StaffStanding | None:
        """The person behind a session; None for somebody so new that the copy does not know them yet.

        Raises:
            Unauthenticated: the session has ended.
            Unavailable: the directory is away, and has been for too long to believe the copy.
        """
        self._note_question()
        await self._be_current()
        found = self._staff.get(staff_id)
        if session.id in self._ended or (found is not None and found.ends(session)):
            raise Unauthenticated
        return found

    def has_ended(self, staff_id: str, session: Session) -> bool:
        """Whether a session is known to have ended, by the copy as it is."""
        found = self._staff.get(staff_id)
        return session.id in self._ended or (found is not None and found.ends(session))

    def follow(self) -> None:
        """Follow the directory from now on, in the background."""
        self._note_question()
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Follow no longer."""
        for task in (self._following, self._renewing):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError, Refusal):
                    await task

    async def _be_current(self) -> None:
        if self._age() <= FRESH_SECONDS:
            return
        self.follow()
        if not self._is_away:
            with suppress(Refusal):
                await self._renew_once()
        if self._age() > max(self._believed_seconds, FRESH_SECONDS):
            raise Unavailable

    def _age(self) -> float:
        return float("inf") if self._confirmed_at is None else monotonic() - self._confirmed_at

    def _note_question(self) -> None:
        self._asked_at = monotonic()
        self._asked.set()

    async def _follow(self) -> None:
        while True:
            with suppress(Refusal):
                await self._renew_once()
            await asyncio.sleep(RENEW_SECONDS)
            if monotonic() - self._asked_at > ASKED_SECONDS:
                await self._rest()

    async def _rest(self) -> None:
        self._asked.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(RESTING_SECONDS, self._believed_seconds / 2)):
                await self._asked.wait()

    async def _renew_once(self) -> None:
        """Renew once for everybody who waits for it; one that gives up ends nobody else's wait."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
        await asyncio.shield(self._renewing)

    async def _renew(self) -> None:
        try:
            more = True
            while more:
                asked_at = monotonic()
                place = {"generation": self._generation, "position": self._position}
                told = await self._directory.get("/internal/sessions", **place)
                self._take(told)
                more = told["more"]
            self._confirmed_at, self._is_away = asked_at, False
        except Refusal:
            self._is_away = True
            raise

    def _take(self, told: Mapping[str, Any]) -> None:
        now, news = time(), bool(told["ended"])
        self._ended |= {each["id"]: each["expires_at"] for each in told["ended"]}
        self._position = told["position"]
        if told["staff"] is not None:
            everybody = [StaffStanding(**{**each, "roles": frozenset(each["roles"])}) for each in told["staff"]]
            self._staff = {each.id: each for each in everybody}
            self._generation, news = told["generation"], True
        if news:
            # Whatever has expired is refused without being remembered.
            self._ended = {id_: until for id_, until in self._ended.items() if until > now}
            self._changed()
