"""Items of the feed for its followers, one for each event: read in one statement, by the driver itself.

The feed is asked after every step of every ticket, so SQLAlchemy's share of the work would show.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from services.contracts.feed import TicketEvent, TicketFacts
from services.contracts.journal import Actor, Event
from services.contracts.vocabulary import ClockState
from services.runtime.postgres.commit_order import OLDEST_RUNNING
from services.runtime.postgres.raw_statement import RawStatement

Row = Mapping[str, Any]

_FACTS = (
    "phase", "cycle", "kind", "category", "urgency", "priority", "channel", "language", "department", "owner",
    "co_owners", "complaint_about", "customer_id", "product_model", "opened_at", "resolved_at", "closed_at",
    "close_reason",
)  # fmt: skip
_BESIDES = ("ticket_no", "version", "joined", "policy", "calendar", "questionnaire")
_OF_THE_EVENT = ("seq", "type", "at", "from_phase", "to_phase", "command_id", "data")

# The limit is part of the text, so that PostgreSQL plans for a page and not for a share of the journal.
_BEHIND = """
    (tx, ticket_no, seq) > (CAST(:tx AS xid8), CAST(:ticket_no AS text), CAST(:seq AS integer))
    ORDER BY tx, ticket_no, seq
    LIMIT {limit}"""
_WANTED = "(CAST(:only AS text[]) IS NULL OR type = ANY(CAST(:only AS text[])))"
_ONE = "ticket_no = :ticket_no AND seq = :seq"
_EVENTS = """
WITH page AS MATERIALIZED (
    SELECT *, tx < {oldest_running} AS settled, {wanted} AS wanted
    FROM workflow.journal
    WHERE {which}
)
SELECT page.ticket_no, page.seq, page.type, page.at, page.actor_kind, page.actor_id, page.from_phase, page.to_phase,
    page.cycle AS event_cycle, page.command_id, CASE WHEN wanted THEN page.data END AS data, page.recorded_at,
    page.settled, page.wanted, page.tx::text AS tx_text, commands.name AS command, commands.body,
    {facts}, tickets.version, tickets.state -> 'clocks' AS clocks,
    COALESCE(tickets.state -> 'joined', '[]') AS joined,
    tickets.policy ->> 'id' AS policy, tickets.policy -> 'settings' AS settings,
    COALESCE(tickets.policy -> 'calendars' ->> tickets.department, tickets.policy ->> 'calendar') AS calendar,
    policies.body ->> 'questionnaire' AS questionnaire
FROM page
LEFT JOIN workflow.tickets ON wanted AND tickets.ticket_no = page.ticket_no
LEFT JOIN workflow.commands ON wanted AND commands.id = page.command_id
LEFT JOIN workflow.policies
    ON policies.id = tickets.policy ->> 'id' AND policies.version = CAST(tickets.policy ->> 'version' AS integer)
ORDER BY page.tx, page.ticket_no, page.seq
"""


@lru_cache(maxsize=16)
def events_behind(limit: int) -> RawStatement:
    """The statement that reads the next `limit` events behind `tx, ticket_no, seq`, settled or not. Where `only` names
    types, of the others no more is read than their place: they are not `wanted`."""
    return _statement(_BEHIND.format(limit=limit), _WANTED)


@lru_cache(maxsize=1)
def one_event() -> RawStatement:
    """The statement that reads the event `ticket_no, seq`."""
    return _statement(_ONE, "true")


def _statement(which: str, wanted: str) -> RawStatement:
    facts = ", ".join(f"tickets.{name}" for name in _FACTS)
    return RawStatement(_EVENTS.format(which=which, wanted=wanted, facts=facts, oldest_running=OLDEST_RUNNING))


def item_of(row: Row, complaint_about: str | None) -> TicketEvent:
    """One event; `complaint_about` is the id of whom the ticket's complaint is about."""
    actor = Actor(kind=row["actor_kind"], id=row["actor_id"])
    event = Event(**{name: row[name] for name in _OF_THE_EVENT}, actor=actor, cycle=row["event_cycle"])
    return TicketEvent(
        ticket_no=row["ticket_no"],
        event=event,
        recorded_at=row["recorded_at"],
        command=row["command"],
        body=row["body"] or {},
        ticket=_facts(row, complaint_about),
    )


def _facts(row: Row, complaint_about: str | None) -> TicketFacts:
    settings = row["settings"] or {}
    clocks = row["clocks"]  # finished clocks have left the state
    return TicketFacts.model_validate(
        {
            **{name: row[name] for name in (*_FACTS, *_BESIDES)},
            "complaint_about": complaint_about,
            "reopened": row["cycle"] > 1,
            "survey_reminder_after": settings.get("survey_reminder_after"),
            "survey_expires_after": settings.get("survey_expires_after"),
            "live_clocks": {_key(clock): clock["state"] for clock in clocks},
            "excused_until": {_key(clock): clock["excused_until"] for clock in clocks if clock.get("excused_until")},
            "promised": {clock["name"]: clock["due_at"] for clock in clocks if clock["state"] == ClockState.RUNNING},
        }
    )


def _key(clock: Row) -> str:
    return f"{clock['name']}/{clock['cycle']}/{clock['round']}"
