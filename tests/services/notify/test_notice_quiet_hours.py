"""Quiet hours hold back what is not urgent (product.md 6): it waits, says until when, and then goes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from services.contracts.notice import NoticeKind, NoticeState
from services.notify.hours import store
from services.notify.hours.quiet_hours import QuietHours, QuietSpan
from services.notify.notices.delivery import Delivery
from services.notify.notices.statements import UNTRIED
from services.notify.notices.submission import NoticeDraft, release_held
from services.notify.notices.tables import notices
from services.runtime.errors import StaleVersion
from services.runtime.http.conditions import etag
from services.runtime.postgres.database import Database
from tests.services.notify.notice_harness import SENDER, NoticeHarness, request, to_lin_tao

SECOND = timedelta(seconds=1)
NIGHT = QuietSpan(from_="21:00", to="08:00", time_zone="Asia/Shanghai")


class QuietHoursHarness(NoticeHarness):
    """A harness whose clock the test sets; in PostgreSQL it is always today."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        now = datetime.now(UTC)
        self.ends = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)
        """08:00 in Shanghai, in the future."""
        self.now = self.ends - timedelta(hours=3)

    @property
    def delivery(self) -> Delivery:
        return Delivery(self.database, self.recipients, self.channels, SENDER, now=lambda: self.now)

    async def set_hours(self, hours: QuietHours, if_match: int | None = None) -> int:
        """Set hours, as the administrator does; answers the version."""
        demanded = None if if_match is None else frozenset({etag(if_match)})
        async with self.database.begin() as connection:
            stored = await store.put(connection, hours, by="sun-lei", if_match=demanded)
            await release_held(connection)
            return stored.version

    async def is_tried(self, row: Mapping[str, Any]) -> bool:
        """Whether first tries would take it up now."""
        query = select(func.count()).where(text(UNTRIED), notices.c.id == row["id"])
        async with self.database.read() as connection:
            return bool(await connection.scalar(query))


@pytest.fixture
async def harness(database: Database) -> QuietHoursHarness:
    harness = QuietHoursHarness(database)
    await harness.set_hours(QuietHours(customer=NIGHT, staff=NIGHT))
    return harness


async def test_what_can_wait_is_held_until_the_quiet_hours_end_and_is_sent_then(harness: QuietHoursHarness) -> None:
    row = await harness.submit(request())
    assert await harness.deliver(row) is NoticeState.WAITING
    held = await harness.row(row["key"])
    assert (held["held_until"], held["tries"], harness.carrier.letters) == (harness.ends, 0, [])
    assert not await harness.is_tried(held)
    async with harness.database.begin() as connection:
        await connection.execute(update(notices).values(held_until=func.now()))
    assert await harness.is_tried(held)
    harness.now = harness.ends - SECOND
    assert await harness.deliver(row) is NoticeState.WAITING
    harness.now = harness.ends
    assert await harness.deliver(row) is NoticeState.SENT
    assert len(harness.carrier.letters) == 1


@pytest.mark.parametrize("urgent", [False, True])
async def test_the_urgent_goes_at_once(harness: QuietHoursHarness, urgent: bool) -> None:
    row = await harness.submit(to_lin_tao(urgent=urgent))
    assert await harness.deliver(row) is (NoticeState.SENT if urgent else NoticeState.WAITING)


@pytest.mark.parametrize("kind", [NoticeKind.RECEIVED, NoticeKind.PROGRESS])
async def test_the_receipt_of_what_was_just_sent_goes_at_once(harness: QuietHoursHarness, kind: NoticeKind) -> None:
    row = await harness.submit(request(kind=kind))
    assert await harness.deliver(row) is (NoticeState.SENT if kind is NoticeKind.RECEIVED else NoticeState.WAITING)


async def test_what_a_person_sends_anew_goes_at_once(harness: QuietHoursHarness) -> None:
    row = await harness.submit(request())
    async with harness.database.begin() as connection:
        await connection.execute(update(notices).values(round=2))
    assert await harness.deliver({**row, "round": 2}) is NoticeState.SENT


async def test_what_a_workflow_retries_is_held_too_and_leaves_the_workflow(harness: QuietHoursHarness) -> None:
    row = await harness.submit(request())
    async with harness.database.begin() as connection:
        await connection.execute(update(notices).values(workflow_from=func.now(), engine_id="engine"))
    assert await harness.deliver(row) is NoticeState.WAITING
    held = await harness.row(row["key"])
    assert (held["workflow_from"], held["engine_id"], held["held_until"]) == (None, None, harness.ends)


async def test_new_quiet_hours_count_for_what_waits(harness: QuietHoursHarness) -> None:
    row = await harness.submit(request())
    await harness.deliver(row)
    assert await harness.set_hours(QuietHours(staff=NIGHT)) == 2
    assert await harness.is_tried(row)
    assert await harness.deliver(row) is NoticeState.SENT


async def test_what_a_head_hears_in_their_own_hours_keeps_to_those(harness: QuietHoursHarness) -> None:
    morning = datetime.now(UTC) + timedelta(hours=2)
    row = await harness.submit(NoticeDraft(to_lin_tao(kind=NoticeKind.OVERDUE), held_until=morning))
    assert not await harness.is_tried(row)
    await harness.set_hours(QuietHours())
    assert (await harness.row(row["key"]))["held_until"] == morning


async def test_quiet_hours_are_versions_and_a_stale_one_is_refused(harness: QuietHoursHarness) -> None:
    with pytest.raises(StaleVersion):
        await harness.set_hours(QuietHours(), if_match=0)
    assert await harness.set_hours(QuietHours(), if_match=1) == 2
    async with harness.database.read() as connection:
        stored = await store.in_force(connection)
    assert (stored.customer, stored.staff, stored.version, stored.updated_by) == (None, None, 2, "sun-lei")
