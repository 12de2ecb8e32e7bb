"""The table from journal to notices: who is told what, once, and nobody who did it themselves (product.md 6)."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.access.directory_copy import DirectoryCopy, Roll
from services.contracts.directory import StaffMember, StaffRole
from services.contracts.feed import TicketEvent, TicketFacts
from services.contracts.journal import Event, EventType
from services.contracts.notice import Audience, NoticeKind, NoticeRequest, NotSentReason
from services.contracts.vocabulary import CloseReason
from services.notify import ticket_copies
from services.notify.notices.consumer import NoticeConsumer
from services.notify.notices.submission import submit_all
from services.notify.notices.tables import notices
from services.notify.tables import tickets
from services.runtime.postgres.database import Database
from tests.services.runtime.feed_fakes import begun

E = EventType
WEEK = timedelta(days=7)
OWN, OTHER = "after-sales", "logistics"
STAFF = {
    "li-lei": (StaffRole.CLERK, OWN),
    "lin-tao": (StaffRole.HANDLER, OWN),
    "zhou-qiang": (StaffRole.DEPARTMENT_HEAD, OWN),
    "zhao-min": (StaffRole.HANDLER, OTHER),
    "qian-jin": (StaffRole.CLERK, OTHER),
    "xu-qing": (StaffRole.DEPARTMENT_HEAD, OTHER),
    "left": (StaffRole.CLERK, OWN),
}
PROMISED = {"acceptance": "2026-11-20T10:00:00Z", "response": "2026-11-23T10:00:00Z",
            "resolution": "2026-11-25T10:00:00Z", "callback": "2026-11-26T10:00:00Z",
            "second_callback": "2026-11-27T10:00:00Z"}  # fmt: skip


_serial = itertools.count(1)


class FakePeople(DirectoryCopy):
    """Everybody in `STAFF`."""

    def __init__(self) -> None:
        """Ask nobody."""

    async def roll(self, **_: object) -> Roll:
        staff = [
            StaffMember.model_validate(
                {
                    "id": id_,
                    "username": id_,
                    "name": id_.title(),
                    "roles": [role],
                    "department": department,
                    "active": id_ != "left",
                }
            )
            for id_, (role, department) in STAFF.items()
        ]
        return Roll(staff=tuple(staff))


class JournalHarness:
    """Lets events happen to one ticket and shows what came of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.ticket_no = f"20261120{next(_serial):05}"
        self.freed = 0
        self._follower = NoticeConsumer(FakePeople(), WEEK, self._free)
        self._seq = 0
        self._facts: dict[str, Any] = {
            "ticket_no": self.ticket_no, "version": 1, "phase": "processing.assigned", "cycle": 1, "kind": "fault",
            "category": "product_fault", "urgency": "normal", "priority": "medium", "channel": "web",
            "language": "zh-CN", "department": OWN, "owner": "lin-tao", "co_owners": [], "complaint_about": None,
            "customer_id": "han-meimei", "product_model": "BCD-500", "opened_at": "2026-11-20T06:00:00Z",
            "closed_at": None, "close_reason": None, "reopened": False, "policy": "d0-standard", "questionnaire": "d0",
            "survey_reminder_after": None, "survey_expires_after": None, "promised": PROMISED, "live_clocks": {},
        }  # fmt: skip

    async def happens(
        self,
        type_: EventType,
        *,
        by: str = "li-lei",
        body: dict[str, Any] | None = None,
        at: datetime | None = None,
        ticket: dict[str, Any] | None = None,
        phases: tuple[str, str] = ("processing.assigned", "processing.assigned"),
        **data: Any,
    ) -> list[dict[str, Any]]:
        """Let one event happen; answers the notices that it made, in order."""
        before = {row["id"] for row in await self.rows()}
        await self.apply([self.event(type_, by=by, body=body, at=at, ticket=ticket, phases=phases, **data)])
        return [row for row in await self.rows() if row["id"] not in before]

    def event(
        self,
        type_: EventType,
        *,
        by: str = "li-lei",
        body: dict[str, Any] | None = None,
        at: datetime | None = None,
        ticket: dict[str, Any] | None = None,
        phases: tuple[str, str] = ("processing.assigned", "processing.assigned"),
        **data: Any,
    ) -> TicketEvent:
        """The next event of the ticket."""
        self._seq += 1
        self._facts |= {"version": self._seq, **(ticket or {})}
        kind = {"workflow": "system", "han-meimei": "customer"}.get(by, "staff")
        now = at or datetime.now(UTC)
        event = Event.model_validate(
            {
                "seq": self._seq,
                "type": type_,
                "at": now,
                "actor": {"kind": kind, "id": by},
                "from_phase": phases[0],
                "to_phase": phases[1],
                "cycle": self._facts["cycle"],
                "command_id": None,
                "data": data,
            }
        )
        return TicketEvent(ticket_no=self.ticket_no, event=event, recorded_at=now, body=body or {},
                           ticket=TicketFacts.model_validate(self._facts))  # fmt: skip

    async def apply(self, items: Sequence[TicketEvent]) -> None:
        """Apply a page, as the follower does."""
        async with begun(self._database) as connection:
            await self._follower.apply(connection, items)
        self._follower.applied()

    async def apply_late(self, item: TicketEvent) -> None:
        """Apply an event that was set aside, as the follower does, the ticket being as it is now."""
        now = item.model_copy(update={"ticket": TicketFacts.model_validate(self._facts)})
        async with begun(self._database) as connection:
            await self._follower.apply_late(connection, now)

    def _free(self) -> None:
        self.freed += 1

    async def alerts(self, kind: NoticeKind) -> None:
        """Store what an alert has to say of the ticket, and has not said yet."""
        request = NoticeRequest(
            key=f"alert/{self.ticket_no}/{kind}", ticket_no=self.ticket_no, kind=kind, audience=Audience.STAFF,
            recipient="lin-tao", at=datetime.now(UTC),
        )  # fmt: skip
        await submit_all(self._database, [request], WEEK)

    async def rows(self) -> list[dict[str, Any]]:
        """All notices in the order in which they were made."""
        mine = select(notices).where(notices.c.ticket_no == self.ticket_no).order_by(notices.c.position)
        async with self._database.read() as connection:
            return [dict(row) for row in (await connection.execute(mine)).mappings()]

    async def known(self) -> ticket_copies.KnownTicket:
        """The ticket as notify knows it."""
        async with self._database.read() as connection:
            return (await ticket_copies.find(connection, [self.ticket_no]))[self.ticket_no]


@pytest.fixture
def journal(shared_database: Database) -> JournalHarness:
    return JournalHarness(shared_database)


def told(rows: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    """Kind and recipient of each."""
    return {(row["kind"], row["recipient"]) for row in rows}


async def test_the_customer_hears_the_number_and_what_is_promised(journal: JournalHarness) -> None:
    (row,) = await journal.happens(E.RECEIVED, by="workflow", phases=("pending.review", "pending.review"))
    assert (row["kind"], row["recipient"], row["audience"], row["language"]) == (
        "received", "han-meimei", "customer", "zh-CN")  # fmt: skip
    assert row["facts"]["acceptance_by"] == PROMISED["acceptance"]
    assert row["facts"]["response_by"] == PROMISED["response"]


@pytest.mark.parametrize(("type_", "options", "kind"), [
    (E.INFORMATION_REQUESTED, {"body": {"message": "请补充"}, "fields": ["product.serial_no"]}, "information_missing"),
    (E.INFORMATION_REQUESTED, {"by": "workflow", "reminder": 1}, "information_reminder"),
    (E.ACCEPTED, {}, "accepted"),
    (E.RESPONDED, {"body": {"message": "您好"}}, "answered"),
    (E.PLANNED, {"by": "lin-tao", "body": {"steps": ["甲", "乙"]}, "complex": False}, "plan"),
    (E.PROGRESSED, {"body": {"message": "配件已到货"}, "visible": True}, "progress"),
    (E.RESOLVED, {"body": {"summary": "已修好"}, "result": "resolved"}, "resolved"),
    (E.CLOSED, {"reason": "confirmed"}, "closed"),
    (E.MERGED, {"reason": "merged", "into": "20261120002"}, "closed"),
    (E.WITHDRAWN, {"by": "han-meimei", "reason": "withdrawn"}, "closed"),
])  # fmt: skip
async def test_a_step_that_concerns_the_customer_is_told_once(
    journal: JournalHarness, type_: EventType, options: dict[str, Any], kind: str
) -> None:
    event = journal.event(type_, **options)
    await journal.apply([event])
    await journal.apply([event])
    rows = [row for row in await journal.rows() if row["audience"] == "customer"]
    assert told(rows) == {(kind, "han-meimei")}
    assert len(rows) == 1


async def test_an_internal_note_is_nobody_s_to_read(journal: JournalHarness) -> None:
    assert not await journal.happens(E.PROGRESSED, body={"message": "内部"}, visible=False)


async def test_steps_are_numbered_and_what_a_person_wrote_is_carried_in_full(journal: JournalHarness) -> None:
    (row,) = await journal.happens(E.PLANNED, by="lin-tao", body={"steps": ["甲", "乙"]}, complex=False)
    assert row["texts"] == {"steps": "1. 甲\n2. 乙"}


async def test_only_those_named_anew_are_told_of_an_assignment_and_their_head(journal: JournalHarness) -> None:
    first = await journal.happens(E.ASSIGNED, department=OWN, owner="lin-tao", co_owners=[])
    assert told(first) == {("assigned", "lin-tao"), ("assigned", "zhou-qiang")}
    assert {row["recipient"]: row["facts"]["part"] for row in first} == {
        "lin-tao": "owner", "zhou-qiang": "department_head"}  # fmt: skip
    second = await journal.happens(E.ASSIGNED, department=OWN, owner="lin-tao", co_owners=["zhao-min"])
    assert told(second) == {("assigned", "zhao-min"), ("assigned", "zhou-qiang")}
    assert not await journal.happens(E.ASSIGNED, department=OWN, owner="lin-tao", co_owners=["zhao-min"])


async def test_nobody_is_told_what_they_did_themselves(journal: JournalHarness) -> None:
    rows = await journal.happens(E.ASSIGNED, by="lin-tao", department=OWN, owner="lin-tao", co_owners=[])
    assert told(rows) == {("assigned", "zhou-qiang")}
    assert not await journal.happens(E.CHASED, by="lin-tao")


async def test_a_chase_goes_to_the_owner_with_who_chases_and_their_word(journal: JournalHarness) -> None:
    (row,) = await journal.happens(E.CHASED, body={"note": "客户又来电"}, owner="lin-tao")
    assert (row["kind"], row["recipient"], row["language"]) == ("chase", "lin-tao", None)
    assert row["facts"]["by_name"] == "Li-Lei"
    assert row["texts"] == {"note": "客户又来电"}


async def test_a_chase_before_there_is_an_owner_goes_to_the_department_s_clerks(journal: JournalHarness) -> None:
    (row,) = await journal.happens(E.CHASED, by="wang-fang", body={"note": "客户又来电"}, ticket={"owner": None})
    assert (row["kind"], row["recipient"], row["texts"]) == ("chase", "li-lei", {"note": "客户又来电"})


@pytest.mark.parametrize("type_", [E.CUSTOMER_MESSAGE, E.INFORMATION_SUPPLIED])
async def test_what_the_customer_says_goes_to_the_owner_without_their_words(
    journal: JournalHarness, type_: EventType
) -> None:
    (row,) = await journal.happens(type_, by="han-meimei", body={"message": "我的电话是 13800138000"})
    assert (row["kind"], row["recipient"]) == ("customer_replied", "lin-tao")
    assert "13800138000" not in str(row)


async def test_before_there_is_an_owner_the_department_s_clerks_hear_of_the_customer(journal: JournalHarness) -> None:
    rows = await journal.happens(E.CUSTOMER_MESSAGE, by="han-meimei", ticket={"owner": None})
    assert told(rows) == {("customer_replied", "li-lei")}


async def test_who_the_complaint_is_about_is_not_told_of_it_and_the_head_is_where_they_are_the_only_clerk(
    journal: JournalHarness,
) -> None:
    about = {"complaint_about": "li-lei", "owner": None}
    rows = await journal.happens(E.CUSTOMER_MESSAGE, by="han-meimei", ticket=about)
    assert told(rows) == {("customer_replied", "zhou-qiang")}


async def test_a_complex_plan_waits_for_its_approval_before_the_customer_reads_it(journal: JournalHarness) -> None:
    plan: dict[str, Any] = {"by": "lin-tao", "body": {"steps": "更换压缩机"}, "complex": True}
    proposed = {row["kind"]: row for row in await journal.happens(E.PLANNED, **plan)}
    assert proposed["plan"]["held"]
    assert proposed["plan_to_approve"]["recipient"] == "zhou-qiang"
    await journal.happens(E.PLAN_APPROVED, by="zhou-qiang")
    states = {row["kind"]: (row["state"], row["held"]) for row in await journal.rows()}
    assert states == {"plan": ("waiting", False), "plan_to_approve": ("not_sent", False)}


async def test_a_plan_that_is_sent_back_never_reaches_the_customer_and_the_next_one_does(
    journal: JournalHarness,
) -> None:
    plan: dict[str, Any] = {"by": "lin-tao", "complex": True}
    await journal.happens(E.PLANNED, body={"steps": "甲"}, **plan)
    await journal.happens(E.PLAN_REJECTED, by="zhou-qiang")
    await journal.happens(E.PLANNED, body={"steps": "乙"}, **plan)
    await journal.happens(E.PLAN_APPROVED, by="zhou-qiang")
    plans = [(row["texts"]["steps"], row["state"]) for row in await journal.rows() if row["kind"] == "plan"]
    assert plans == [("甲", "not_sent"), ("乙", "waiting")]


@pytest.mark.parametrize(("reason", "phase", "announced"), [
    ("appointment", "resolved.awaiting_callback", True),
    ("appointment", "processing.waiting", False),
    ("parts", "processing.waiting", False),
])  # fmt: skip
async def test_an_appointment_for_the_callback_is_announced(
    journal: JournalHarness, reason: str, phase: str, announced: bool
) -> None:
    rows = await journal.happens(E.WAITING, reason=reason, until="2026-11-26T02:00:00Z", phases=(phase, phase))
    assert [row["facts"]["appointment_at"] for row in rows] == (["2026-11-26T02:00:00Z"] if announced else [])


@pytest.mark.parametrize(("outcome", "to_phase", "now", "announced"), [
    ("not_reached", "resolved.awaiting_callback", "resolved.awaiting_callback", True),
    ("wrong_number", "resolved.awaiting_callback", "resolved.awaiting_callback", True),
    ("not_reached", "resolved.awaiting_callback", "closed", False),
    ("satisfied", "resolved.awaiting_second_callback", "resolved.awaiting_second_callback", True),
    ("satisfied", "resolved.awaiting_callback", "closed", False),
    ("dissatisfied", "resolved.awaiting_callback", "processing.assigned", False),
])  # fmt: skip
async def test_another_call_is_announced_where_there_will_be_one(
    journal: JournalHarness, outcome: str, to_phase: str, now: str, announced: bool
) -> None:
    phases = ("resolved.awaiting_callback", to_phase)
    rows = await journal.happens(E.CALLBACK_RECORDED, outcome=outcome, phases=phases, ticket={"phase": now})
    assert [row["kind"] for row in rows] == (["callback_announced"] if announced else [])


@pytest.mark.parametrize("counts", [True, False])
async def test_an_attempt_too_soon_after_another_announces_no_call(journal: JournalHarness, counts: bool) -> None:
    phases = ("resolved.awaiting_callback", "resolved.awaiting_callback")
    ticket = {"phase": phases[1]}
    rows = await journal.happens(
        E.CALLBACK_RECORDED, outcome="not_reached", counts=counts, phases=phases, ticket=ticket
    )
    assert bool(rows) is counts


@pytest.mark.parametrize("reason", CloseReason)
async def test_closing_says_the_reason_and_takes_back_what_waits(journal: JournalHarness, reason: CloseReason) -> None:
    type_ = {CloseReason.MERGED: E.MERGED, CloseReason.WITHDRAWN: E.WITHDRAWN}.get(reason, E.CLOSED)
    await journal.happens(E.INFORMATION_REQUESTED, body={"message": "请补充"}, fields=["product.serial_no"])
    await journal.happens(E.CHASED, owner="lin-tao")
    await journal.happens(E.RESPONDED, body={"message": "您好"})
    (row,) = await journal.happens(type_, by="workflow", reason=reason, phases=("pending.review", "closed"))
    assert row["facts"]["close_reason"] == reason
    states = {row["kind"]: row["not_sent_reason"] for row in await journal.rows()}
    assert states == {"information_missing": NotSentReason.CANCELLED, "chase": NotSentReason.CANCELLED,
                      "answered": None, "closed": None}  # fmt: skip


@pytest.mark.parametrize("type_", [E.CLOSED, E.MERGED, E.WITHDRAWN])
@pytest.mark.parametrize(("kind", "reason"), [
    (NoticeKind.WARNING, NotSentReason.CANCELLED), (NoticeKind.BREACH, NotSentReason.CANCELLED),
    (NoticeKind.OVERDUE, NotSentReason.CANCELLED), (NoticeKind.LOW_RATING, None),
])  # fmt: skip
async def test_rule_21_what_alerts_of_clocks_have_to_say_goes_with_the_ticket_and_a_low_rating_stays(
    journal: JournalHarness, type_: EventType, kind: NoticeKind, reason: NotSentReason | None
) -> None:
    await journal.alerts(kind)
    await journal.happens(type_, by="workflow", reason=CloseReason.WITHDRAWN, phases=("pending.review", "closed"))
    assert {row["kind"]: row["not_sent_reason"] for row in await journal.rows()} == {kind: reason, "closed": None}


async def test_a_reopened_ticket_is_told_to_the_customer_and_the_owner(journal: JournalHarness) -> None:
    rows = await journal.happens(E.REOPENED, ticket={"cycle": 2}, cause="requested")
    assert told(rows) == {("accepted", "han-meimei"), ("assigned", "lin-tao")}
    assert {row["facts"]["cycle"] for row in rows} == {2}


@pytest.mark.parametrize(
    ("type_", "by", "kind"),
    [
        (E.CUSTOMER_MESSAGE, "han-meimei", "customer_replied"),
        (E.INFORMATION_SUPPLIED, "han-meimei", "customer_replied"),
        (E.CHASED, "zhou-qiang", "chase"),
        (E.REOPENED, "han-meimei", "assigned"),
    ],
)
@pytest.mark.parametrize(
    ("owner", "recipient"),
    [("left", "li-lei"), (None, "li-lei"), ("lin-tao", "lin-tao"), ("zhao-min", "zhao-min")],
    ids=["who has left", "nobody", "of the department", "who has moved to another department"],
)
async def test_an_owner_who_has_left_counts_as_nobody(
    journal: JournalHarness, type_: EventType, by: str, kind: str, owner: str | None, recipient: str
) -> None:
    rows = await journal.happens(type_, by=by, ticket={"owner": owner}, cause="requested")
    assert told([row for row in rows if row["audience"] == "staff"]) == {(kind, recipient)}


@pytest.mark.parametrize(("department", "recipients"), [(OWN, {"zhou-qiang"}), ("spare-parts", {"he-jie"})])
async def test_where_there_is_no_clerk_the_head_is_told_or_else_the_supervisor(
    journal: JournalHarness, monkeypatch: pytest.MonkeyPatch, department: str, recipients: set[str]
) -> None:
    for clerk in ("li-lei", "qian-jin"):
        monkeypatch.delitem(STAFF, clerk)
    monkeypatch.setitem(STAFF, "he-jie", (StaffRole.SUPERVISOR, None))
    rows = await journal.happens(E.CHASED, by="wang-fang", ticket={"owner": "left", "department": department})
    assert told(rows) == {("chase", each) for each in recipients}


async def test_a_co_owner_who_has_left_is_told_nothing(journal: JournalHarness) -> None:
    rows = await journal.happens(E.ASSIGNED, owner="lin-tao", co_owners=["left", "zhao-min"])
    assert told(rows) == {("assigned", "lin-tao"), ("assigned", "zhao-min"), ("assigned", "zhou-qiang")}


COPY = {"ticket_no": "20261120999", "customer_id": "li-hua", "language": "en"}


@pytest.mark.parametrize(
    ("type_", "options", "news", "texts"),
    [
        (E.PROGRESSED, {"visible": True, "body": {"message": "来电 13800138000"}}, "progress", {"message": "来电 ***"}),
        (E.PROGRESSED, {"visible": False, "body": {"message": "缺件"}}, None, {}),
        (E.RESOLVED, {"result": "partly_resolved", "body": {"summary": "已换", "reason": "a@b.cn"}}, "resolved",
         {"summary": "已换"}),
        (E.CLOSED, {"reason": "confirmed"}, "closed", {}),
        (E.WITHDRAWN, {"reason": "withdrawn", "body": {"reason": "搬家了"}}, "closed", {}),
        (E.REOPENED, {"cause": "requested", "body": {"reason": "又坏了"}}, "reopened", {}),
        (E.RESPONDED, {"body": {"message": "您好"}}, None, {}),
        (E.PLANNED, {"complex": False, "body": {"steps": ["更换"]}}, None, {}),
        (E.INFORMATION_REQUESTED, {"body": {"message": "请补充"}, "fields": []}, None, {}),
        (E.MERGED, {"reason": "merged", "into": "20261120998"}, None, {}),
    ],
)  # fmt: skip
async def test_the_customer_of_a_copy_hears_how_the_kept_ticket_goes_on_and_no_contact(
    journal: JournalHarness, type_: EventType, options: dict[str, Any], news: str | None, texts: dict[str, str]
) -> None:
    again = {**COPY, "ticket_no": f"{journal.ticket_no}7"}
    item = journal.event(type_, ticket={"joined": [{**COPY, "ticket_no": "20261120111"}, again]}, **options)
    await journal.apply([item])
    copy = JournalHarness.__new__(JournalHarness)
    copy._database, copy.ticket_no = journal._database, again["ticket_no"]
    rows = await copy.rows()
    assert [(row["kind"], row["recipient"], row["language"]) for row in rows] == (
        [("joined_news", "li-hua", "en")] if news else [])  # fmt: skip
    for row in rows:
        assert (row["facts"]["news"], row["facts"]["into"], row["texts"]) == (news, journal.ticket_no, texts)
        assert "product_model" not in row["facts"]


async def test_the_owner_hears_of_a_report_that_was_joined_and_its_customer_of_the_kept_one(
    journal: JournalHarness,
) -> None:
    rows = await journal.happens(E.COPY_JOINED, copy="20261120999", other_customer=True)
    assert told(rows) == {("copy_joined", "lin-tao")}
    rows = await journal.happens(E.MERGED, reason="merged", into="20261120998", other_customer=True)
    assert told(rows) == {("closed", "han-meimei")}
    assert (rows[0]["facts"]["into"], rows[0]["facts"]["other_customer"]) == ("20261120998", True)


@pytest.mark.parametrize(("age", "state"), [
    (WEEK - timedelta(minutes=1), "waiting"), (WEEK + timedelta(minutes=1), "not_sent"),
])  # fmt: skip
async def test_old_news_is_listed_and_not_sent(journal: JournalHarness, age: timedelta, state: str) -> None:
    (row,) = await journal.happens(E.RESPONDED, body={"message": "您好"}, at=datetime.now(UTC) - age)
    assert row["state"] == state


async def test_notify_knows_the_newest_of_a_ticket_whichever_comes_last(journal: JournalHarness) -> None:
    older, newer = journal.event(E.ACCEPTED), journal.event(E.TAGGED, ticket={"owner": "zhao-min"})
    await journal.apply([newer])
    await journal.apply([older])
    assert (await journal.known()).owner == "zhao-min"


async def test_what_was_set_aside_is_told_late_and_takes_back_what_was_older(journal: JournalHarness) -> None:
    await journal.happens(E.INFORMATION_REQUESTED, body={"message": "请补充"}, fields=["product.serial_no"])
    supplied = journal.event(E.INFORMATION_SUPPLIED, by="han-meimei")
    await journal.happens(E.INFORMATION_REQUESTED, body={"message": "还缺"}, fields=["product.order_no"])
    await journal.apply_late(supplied)
    rows = [(row["kind"], row["not_sent_reason"]) for row in await journal.rows()]
    assert rows == [("information_missing", "cancelled"), ("information_missing", None), ("customer_replied", None)]


async def test_a_plan_s_late_approval_lets_its_own_plan_go_and_not_the_next_one(journal: JournalHarness) -> None:
    plan: dict[str, Any] = {"by": "lin-tao", "complex": True}
    await journal.happens(E.PLANNED, body={"steps": "甲"}, **plan)
    approved = journal.event(E.PLAN_APPROVED, by="zhou-qiang")
    await journal.apply_late(approved)
    assert not any(row["held"] for row in await journal.rows())
    approved_again = journal.event(E.PLAN_APPROVED, by="zhou-qiang")
    await journal.happens(E.PLANNED, body={"steps": "乙"}, **plan)
    await journal.apply_late(approved_again)
    plans = [(row["texts"]["steps"], row["held"]) for row in await journal.rows() if row["kind"] == "plan"]
    assert plans == [("甲", False), ("乙", True)]


async def test_a_late_assignment_is_told_to_whoever_it_still_holds_for(journal: JournalHarness) -> None:
    missed = journal.event(E.ASSIGNED, department=OWN, owner="lin-tao", co_owners=["zhao-min", "qian-jin"])
    helped: dict[str, Any] = {"owner": "lin-tao", "co_owners": ["zhao-min", "xu-qing"]}
    await journal.happens(E.ASSIGNED, department=OWN, ticket=helped, **helped)
    await journal.apply_late(missed)
    assigned = [row["recipient"] for row in await journal.rows()]
    assert sorted(assigned) == ["lin-tao", "xu-qing", "zhao-min", "zhou-qiang"]
    # Whoever was told is known still: the next assignment tells nobody twice.
    again = await journal.happens(E.ASSIGNED, department=OWN, **helped)
    assert not again


async def test_a_late_assignment_that_is_the_last_is_told_as_in_its_turn(journal: JournalHarness) -> None:
    await journal.happens(E.ASSIGNED, department=OWN, owner="li-lei", co_owners=[], by="wang-fang")
    missed = journal.event(E.ASSIGNED, department=OWN, owner="lin-tao", co_owners=[])
    await journal.apply_late(missed)
    assert told(await journal.rows()) >= {("assigned", "lin-tao")}
    back = await journal.happens(E.ASSIGNED, department=OWN, owner="li-lei", co_owners=[], by="wang-fang")
    assert ("assigned", "li-lei") in told(back)


PLAN: dict[str, Any] = {"by": "lin-tao", "complex": True}
APPROVED: dict[str, Any] = {"by": "zhou-qiang"}
ASKED: dict[str, Any] = {"body": {"message": "请补充"}, "fields": []}
CLOSED: dict[str, Any] = {"by": "workflow", "reason": "confirmed", "phases": ("pending.review", "closed")}
Happening = tuple[EventType, dict[str, Any]]


@pytest.mark.parametrize("before", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("events", "stand"),
    [
        (
            [(E.PLANNED, PLAN), (E.PLAN_APPROVED, APPROVED)],
            [("plan", "waiting", False), ("plan_to_approve", "not_sent", False)],
        ),
        (
            [(E.PLAN_APPROVED, APPROVED), (E.PLANNED, PLAN)],
            [("plan", "waiting", True), ("plan_to_approve", "waiting", False)],
        ),
        (
            [(E.PLANNED, PLAN), (E.PLAN_REJECTED, APPROVED), (E.PLANNED, PLAN), (E.PLAN_APPROVED, APPROVED)],
            [("plan", "not_sent", False), ("plan", "waiting", False)]
            + [("plan_to_approve", "not_sent", False)] * 2,
        ),
        (
            [(E.INFORMATION_REQUESTED, ASKED), (E.CHASED, {}), (E.CLOSED, CLOSED)],
            [("chase", "not_sent", False), ("closed", "waiting", False), ("information_missing", "not_sent", False)],
        ),
        (
            [(E.CLOSED, CLOSED), (E.INFORMATION_REQUESTED, ASKED)],
            [("closed", "waiting", False), ("information_missing", "waiting", False)],
        ),
        (
            [(E.ASSIGNED, {"owner": "lin-tao"}), (E.ASSIGNED, {"owner": "lin-tao"}), (E.ASSIGNED, {"owner": None}),
             (E.ASSIGNED, {"owner": "lin-tao"})],
            [("assigned", "waiting", False)] * 4,
        ),
    ],
    ids=["let go", "not yet there", "the last plan", "taken back", "asked after the closing", "named anew"],
)  # fmt: skip
async def test_a_page_does_what_its_events_do_one_after_the_other(
    journal: JournalHarness, events: list[Happening], stand: list[tuple[str, str, bool]], before: int
) -> None:
    items = [journal.event(type_, **options) for type_, options in events]
    for item in items[:before]:
        await journal.apply([item])
    if items[before:]:
        await journal.apply(items[before:])
    assert sorted((row["kind"], row["state"], row["held"]) for row in await journal.rows()) == sorted(stand)


async def test_the_notices_of_a_page_stand_in_the_order_of_its_events(journal: JournalHarness) -> None:
    types = [E.RECEIVED, E.ACCEPTED, *[E.RESPONDED] * 9, E.CHASED, E.RESOLVED]
    await journal.apply([journal.event(type_, body={"message": "您好"}) for type_ in types])
    kinds = [row["kind"] for row in await journal.rows()]
    assert kinds == ["received", "accepted", *["answered"] * 9, "chase", "resolved"]


async def test_first_tries_are_woken_once_for_a_page_and_for_none_that_lets_nothing_go(
    journal: JournalHarness,
) -> None:
    await journal.apply([journal.event(E.ACCEPTED), journal.event(E.RESPONDED, body={"message": "您好"})])
    assert journal.freed == 1
    await journal.apply([journal.event(E.PROGRESSED, visible=False)])
    await journal.apply([journal.event(E.ACCEPTED, at=datetime.now(UTC) - WEEK - timedelta(minutes=1))])
    assert journal.freed == 1
    await journal.apply([journal.event(E.PLANNED, body={"steps": "甲"}, **PLAN)])
    assert journal.freed == 2
    await journal.apply([journal.event(E.PLAN_APPROVED, by="zhou-qiang")])
    assert journal.freed == 3


async def test_a_page_asks_once_who_works_here(journal: JournalHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, roll = [], FakePeople.roll

    async def count(people: FakePeople, **how: object) -> Roll:
        asked.append(how)
        return await roll(people, **how)

    monkeypatch.setattr(FakePeople, "roll", count)
    await journal.apply([journal.event(E.RESPONDED, body={"message": "您好"})])
    assert asked == []
    await journal.apply([journal.event(E.CHASED), journal.event(E.CHASED), journal.event(E.CUSTOMER_MESSAGE)])
    assert asked == [{"at_once": True}]


async def test_a_page_that_renews_a_ticket_holds_up_nobody_who_answers_its_alerts(
    journal: JournalHarness, shared_database: Database
) -> None:
    await journal.happens(E.ACCEPTED)
    async with begun(shared_database) as page:
        await ticket_copies.remember(page, [journal.event(E.RESPONDED).ticket])
        async with shared_database.begin() as connection:
            named = select(tickets.c.ticket_no).where(tickets.c.ticket_no == journal.ticket_no)
            # What a foreign key asks for where an alert's row is written a second time in one transaction.
            named = named.with_for_update(read=True, key_share=True, nowait=True)
            assert await connection.scalar(named) == journal.ticket_no
