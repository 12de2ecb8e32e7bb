"""The first try of every notice, without the engine: nearly all go at once, a workflow carries those that do not.

A workflow for each notice would take the tickets' timers their turn in the worker (invariant I12), and nothing would be
said while the engine is away. Notices that wait together are claimed and tried together.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from prometheus_client import Counter
from sqlalchemy.exc import DBAPIError

from services.notify.notices.channels.base import DeliveryDeferred
from services.notify.notices.delivery import Delivery, NoPlace
from services.notify.notices.outcomes import Outcome
from services.notify.notices.statements import CLAIM
from services.notify.notices.submission import Precedence
from services.notify.notices.writer import Row
from services.notify.wake_channels import FIRST_TRIES_CHANNEL, STARTER_CHANNEL
from services.runtime.errors import Refusal
from services.runtime.postgres.claim_pool import ClaimPool
from services.runtime.postgres.commit_notifier import CommitNotifier
from services.runtime.postgres.database import Database
from services.runtime.precedence_slots import PrecedenceSlots
from services.runtime.telemetry import log

BUNDLE, MOST_BUNDLES = 50, 20
MOST_IN_FLIGHT = 100
"""With so many on their way only alerts are claimed: none waits behind what is less urgent."""
TRY_SECONDS = 3.0
"""What takes longer is left to a workflow, so that one slow receiver does not hold up what others are told."""
PLACE_SECONDS = 6.0
"""What has found no hand by then goes back to those that nobody has tried."""
CLAIMED_FOR = timedelta(seconds=15)
"""Then a workflow takes over from a process that died in the middle of its try."""
_GATHERED_SECONDS = 0.05

first_tries_total = Counter(
    "bihuan_notices_first_tries_total", "First tries of notices, by how they went.", ["outcome"]
)


class FirstAttempts:
    """Tries what nobody has tried yet in bundles, and sends `hands` letters at once; several processes share the
    work."""

    def __init__(self, database: Database, delivery: Delivery, *, hands: int) -> None:
        self._database = database
        self._delivery = delivery
        self._hands = PrecedenceSlots(hands)
        self._in_flight = 0
        self._pool = ClaimPool(database, FIRST_TRIES_CHANNEL, claim=self._claim, work=self._try, most=MOST_BUNDLES)
        self._left_over = CommitNotifier(database, STARTER_CHANNEL, gathered_seconds=_GATHERED_SECONDS)

    async def run(self) -> None:
        """Try what is new, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._left_over.run())
            group.create_task(self._pool.run())

    def look(self) -> None:
        """Look at once: this process has committed something that may go."""
        self._pool.wake()

    @property
    def _is_crowded(self) -> bool:
        return self._in_flight >= MOST_IN_FLIGHT

    async def _claim(self, _: int) -> Sequence[Sequence[Row]]:
        """The next bundles, alerts first, then what is urgent; nobody else tries them. Each is of one audience: staff
        are told while intake does not answer, customers while the directory does not."""
        lowest = Precedence.ALERT if self._is_crowded else Precedence.ORDINARY
        rows = await CLAIM.all(self._database, {"most": BUNDLE, "lowest": lowest, "claimed_for": CLAIMED_FOR})
        self._in_flight += len(rows)
        if len(rows) == BUNDLE:
            self._pool.wake()
        by_audience: dict[str, list[Row]] = {}
        for row in sorted(rows, key=lambda row: (row["precedence"], row["position"])):
            by_audience.setdefault(row["audience"], []).append(row)
        return [rows[at : at + BUNDLE] for rows in by_audience.values() for at in range(0, len(rows), BUNDLE)]

    async def _try(self, bundle: Sequence[Row]) -> None:
        try:
            await self._try_together(bundle)
        finally:
            if self._is_crowded:
                self._pool.wake()
            self._in_flight -= len(bundle)

    async def _try_together(self, bundle: Sequence[Row]) -> None:
        place = partial(self._hand, asyncio.get_running_loop().time() + PLACE_SECONDS)
        try:
            outcomes = await self._delivery.attempt_all(bundle, place)
        except (Refusal, DBAPIError) as error:
            log().warning("notices wait for their claim to end", count=len(bundle), error=type(error).__name__)
            return
        except Exception:  # noqa: BLE001 - a bundle that fails in a new way must not stop the others
            log().exception("notices wait for their claim to end", count=len(bundle))
            return
        for each in outcomes:
            _count(each)
        if any(each.is_left_over for each in outcomes):
            self._left_over.announce()
        if any(each.is_untried for each in outcomes):
            self._pool.wake()

    @asynccontextmanager
    async def _hand(self, until: float, row: Row) -> AsyncIterator[None]:
        """A hand by this time of the loop's clock, alerts first, for as long as a first try may take."""
        try:
            async with asyncio.timeout_at(until):
                await self._hands.acquire(row["precedence"])
        except TimeoutError:
            raise NoPlace from None
        try:
            async with asyncio.timeout(TRY_SECONDS):
                yield
        finally:
            self._hands.release()


def _count(outcome: Outcome) -> None:
    first_tries_total.labels(outcome.state).inc()
    if not isinstance(outcome.failure, DeliveryDeferred | Refusal | TimeoutError | None):
        log().error("a notice was not delivered", exc_info=outcome.failure)
