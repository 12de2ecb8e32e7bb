"""One ticket: what is known of it, how its clocks stand, and what the reader can do with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from services.console.forms.values import Typed, body_of, number, placed, typed
from services.console.public_api.client import ApiProblem, path
from services.console.service import Page, PageDep
from services.console.shell.routes import error_page, page_router, see_said
from services.console.shell.sign_in_again import unsent_page
from services.console.tickets import choices, conflicts, customer_reach, overview
from services.console.tickets.commands import COMMANDS, offer
from services.console.tickets.journal import JournalEntry
from services.console.tickets.overview import Overview
from services.contracts.commands.table import HELD_BY_A_MISSED_CLOCK
from services.contracts.vocabulary import CommandName, ToldBy
from services.runtime.errors import NotFound
from services.runtime.pages.forms import Form, new_key, read_form, require_key

_MOST_FIELDS = 200
_CONFLICT_CODES = {"illegal_transition": "illegal", "idempotency_in_flight": "unknown"}
_BY_STATUS = {
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.CONFLICT: "illegal",
    HTTPStatus.PRECONDITION_FAILED: "conflict",
    HTTPStatus.UNPROCESSABLE_ENTITY: "fields",
    HTTPStatus.TOO_MANY_REQUESTS: "often",
    HTTPStatus.SERVICE_UNAVAILABLE: "unknown",
}
REVOKED = "revoke-link"
_SAME_KEY = frozenset({"unknown", "often"})
"""After these the command may have been taken: a repeat must be recognised as one."""

router = page_router()


@dataclass(frozen=True)
class FailedCommand:
    """A command that did not go: why, and what was typed. `since` are the events that the reader had not seen."""

    command: CommandName
    failure: str
    typed: Typed
    key: str
    version: int | None = None
    allowed: Sequence[str] = ()
    phase: str = ""
    since: Sequence[JournalEntry] = field(default=())


@dataclass(frozen=True)
class Said:
    """The reader's latest deed, and whether the customer heard of it."""

    done: str = ""
    told: str = ""

    @property
    def in_address(self) -> dict[str, str]:
        """The same, as the address of the page says it."""
        return {name: value for name, value in (("done", self.done), ("told", self.told)) if value}


@router.get("/tickets/{ticket_no}")
async def show_ticket(
    ticket_no: str, page: PageDep, part: str = "", seen: str = "", done: str = "", told: str = ""
) -> Response:
    """Show a ticket. `part=live` answers it anew if it is no longer what the page shows as `seen`, else 204. `done` and
    `told` say what the reader has just done, and whether the customer heard it."""
    said = Said(done if done in {*CommandName, REVOKED} else "", told if told in customer_reach.OUTCOMES else "")
    if part == "live":
        if not await overview.has_changed(page, ticket_no, seen):
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return shown(page, await overview.overview(page, ticket_no), said=said, template="ticket_live.html")
    try:
        found = await overview.overview(page, ticket_no)
    except ApiProblem as problem:
        if problem.status == HTTPStatus.FORBIDDEN and done:
            return await error_page(page.request, HTTPStatus.OK, "gone")
        raise
    return shown(page, found, said=said)


@router.post("/tickets/{ticket_no}/{command}")
async def give_command(ticket_no: str, command: str, request: Request, page: PageDep) -> Response:
    """Give a command. A form that is sent twice counts once; one that fails comes back as it was typed."""
    if command not in COMMANDS:
        raise NotFound
    name = CommandName(command)
    form = await read_form(request, most_fields=_MOST_FIELDS)
    key, version = require_key(form), number(form.one("version"))
    body, errors = _body(page, form, name)
    if errors:
        values = typed(form, COMMANDS[name].fields)
        return await _again(
            page, ticket_no, FailedCommand(name, "fields", Typed(values.values, errors), new_key(), version)
        )
    try:
        ticket = await _given(page, ticket_no, name, body, key, version)
    except ApiProblem as problem:
        attempt = _failed(problem, name, form, key, version)
    else:
        said = Said(name, customer_reach.outcome(name, body, ticket))
        return see_said(f"{path('tickets', ticket_no)}?{urlencode(said.in_address)}")
    try:
        return await _again(page, ticket_no, attempt)
    except ApiProblem as problem:
        # Not even the ticket can be shown: what was typed is kept all the same.
        return unsent_page(page, form, problem)


async def _given(
    page: Page, ticket_no: str, name: CommandName, body: dict[str, Any], key: str, version: int | None
) -> Mapping[str, Any]:
    """Give the command to the ticket that the page showed; what has happened since and bears on nothing is let pass."""
    address = path("v1", "tickets", ticket_no)
    try:
        return dict(await page.desk.post(f"{address}/{name}", body, key=key, version=version))
    except ApiProblem as problem:
        if problem.status != HTTPStatus.PRECONDITION_FAILED or version is None:
            raise
        events = await page.desk.items(f"{address}/timeline")
        since = [event["type"] for event in events if event["seq"] > version]
        if not since or not conflicts.changes_nothing(name, since):
            raise
    return dict(await page.desk.post(f"{address}/{name}", body, key=key, version=events[-1]["seq"]))


def _body(page: Page, form: Form, name: CommandName) -> tuple[dict[str, Any], dict[str, str]]:
    body, errors = body_of(form, COMMANDS[name].fields, page.zone, page.words)
    for field_name, _ in COMMANDS[name].buttons:
        body[field_name] = form.one(field_name) == "true" or form.one(customer_reach.TOLD_BY) in set(ToldBy)
    if name in customer_reach.TELLS and (told := form.one(customer_reach.TOLD_BY)):
        body[customer_reach.TOLD_BY] = told
    return body, errors


def _failed(problem: ApiProblem, name: CommandName, form: Form, key: str, version: int | None) -> FailedCommand:
    """The attempt to show after a refusal; one that is about the sign-in or the address goes its own way."""
    failure = _BY_STATUS.get(HTTPStatus(problem.status))
    if failure is None:
        raise problem
    failure = _CONFLICT_CODES.get(problem.code, failure)
    if failure == "illegal" and problem.document.get("clock"):
        failure = "explain"
    if problem.code == "idempotency_key_reused":
        failure = "reused"
    fields = COMMANDS[name].fields
    at, elsewhere = placed(problem.errors, fields)
    if failure == "fields" and not at and not elsewhere:
        elsewhere = [problem.detail or problem.title]
    return FailedCommand(
        command=name,
        failure=failure,
        typed=Typed(typed(form, fields).values, at, elsewhere),
        key=key if failure in _SAME_KEY else new_key(),
        version=version,
        allowed=problem.document.get("allowed", ()),
        phase=problem.document.get("phase", ""),
    )


async def _again(page: Page, ticket_no: str, attempt: FailedCommand) -> Response:
    """The ticket as it is now, with the form as it was typed and what to do about it."""
    found = await overview.overview(page, ticket_no)
    if attempt.failure == "conflict":
        since = [entry for entry in found.entries if entry.seq > (attempt.version or 0)]
        # Sending again is meant for the ticket that is shown now.
        attempt = replace(attempt, version=found.ticket["version"], since=since)
    status = {
        "fields": 422,
        "reused": 422,
        "conflict": 409,
        "illegal": 409,
        "explain": 409,
        "forbidden": 403,
        "often": 429,
    }
    return shown(page, found, attempt=attempt, status=status.get(attempt.failure, 503))


def shown(
    page: Page,
    found: Overview,
    *,
    attempt: FailedCommand | None = None,
    said: Said = Said(),
    handed: str = "",
    status: int = 200,
    template: str = "ticket.html",
) -> Response:
    ticket = found.ticket
    explain_first = _explains_first(page, found)
    offered = offer.groups(ticket, explain_first=explain_first)
    live = {"part": "live", "seen": found.seen, **said.in_address}
    return page.render(
        template,
        status=status,
        present=found.present,
        found=found,
        ticket=ticket,
        groups=offered,
        opened=_opened(ticket, attempt, explain_first=explain_first),
        explain_first=explain_first,
        attempt=attempt,
        commands=COMMANDS,
        choices=choices.choices(page, found),
        fresh=lambda name: choices.fresh(found, name),
        draft=lambda field: choices.draft(ticket, field),
        notes=lambda name: choices.notes(found, name),
        key=new_key,
        done=said.done,
        told=said.told,
        handed=handed,
        buttons=lambda name: customer_reach.buttons(name, COMMANDS[name], ticket, page.words),
        tells=customer_reach.TELLS,
        reached=customer_reach.how(ticket, page.words),
        is_unreached=customer_reach.is_unreached(ticket),
        is_own_work=found.is_work_of(page.reader.id),
        refresh=f"{path('tickets', ticket['ticket_no'])}?{urlencode(live)}",
    )


def _explains_first(page: Page, found: Overview) -> bool:
    """Whether nothing of the handling is open to this reader, an owner, before a missed clock has its reason."""
    ticket = found.ticket
    allowed = set(ticket["allowed"])
    is_held = CommandName.EXPLAIN_BREACH in allowed and allowed.isdisjoint(HELD_BY_A_MISSED_CLOCK)
    return found.is_work_of(page.reader.id) and bool(found.unexplained) and is_held


def _opened(ticket: Mapping[str, Any], attempt: FailedCommand | None, *, explain_first: bool) -> str:
    """The form that is open at first: the one that failed, if it can be sent again; else the likeliest next step."""
    if attempt is not None and attempt.command in ticket["allowed"]:
        return attempt.command
    return "" if ticket["status"] == "closed" else next(iter(offer.next_steps(ticket, explain_first=explain_first)), "")
