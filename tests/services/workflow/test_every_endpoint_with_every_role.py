"""The walk: every endpoint of the generated OpenAPI document, called by every role, every scope and nobody (I14, I16).

Whoever is let in gets past the permission; what then is wrong with the call is another matter, and no 5xx.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from services.contracts.directory import Scope, StaffRole
from tests.services.api_document import document
from tests.services.system import OTHER, OWN, PEOPLE, System, alerted, listening, noticed, path_of, surveyed

LETTERS = dict(zip("CHDSMAX", ["clerk", "handler", "department_head", "supervisor", "manager", "auditor", "admin"],
                   strict=True))  # fmt: skip
STAFF, DESK, HANDLERS = "CHDSMAX", "CS", "HD"


@dataclass(frozen=True)
class Row:
    """Callers who are let in: roles of the ticket's department, the same roles of another department, the scope of
    keys."""

    own: str
    other: str
    scope: str


def _list(roles: str, scope: str) -> Row:
    """Let a role of any department in: the list concerns no single ticket."""
    return Row(roles, roles, scope)


def _command(roles: str, scope: str = "tickets:write") -> Row:
    return Row(roles, "", scope)


TABLE = {
    "POST /v1/feedback": _list(DESK, "feedback:write"),
    "GET /v1/feedback/{ticket_no}": Row("CHDSA", "", "feedback:read"),
    "POST /v1/feedback/{ticket_no}/revoke-link": _command("S", "tickets:supervise"),
    "POST /v1/feedback/{ticket_no}/hand-over-link": _command(DESK, "tickets:supervise"),
    "GET /v1/customers/{customer_id}": Row("CSA", "", "customers:read"),
    "PATCH /v1/customers/{customer_id}": Row(DESK, "", "customers:write"),
    "POST /v1/customers/search": _list("CSA", "customers:read"),
    "GET /v1/audit": _list("A", "audit:read"),
    "GET /v1/tickets": _list("CHDSMA", "tickets:read"),
    "GET /v1/tickets/counts": _list("CHDSMA", "tickets:read"),
    "POST /v1/tickets/search": _list("CHDSMA", "tickets:read"),
    "GET /v1/tickets/{ticket_no}": Row("CHDSMA", "", "tickets:read"),
    "GET /v1/tickets/{ticket_no}/timeline": Row("CHDSMA", "", "tickets:read"),
    "GET /v1/tickets/{ticket_no}/clocks": Row("CHDSMA", "", "tickets:read"),
    "GET /v1/tickets/{ticket_no}/overview": Row("CHDSMA", "", "tickets:read"),
    "POST /v1/tickets/{ticket_no}/accept": _command(DESK),
    "POST /v1/tickets/{ticket_no}/request-information": _command(DESK),
    "POST /v1/tickets/{ticket_no}/supply-information": _command(DESK + HANDLERS),
    "POST /v1/tickets/{ticket_no}/customer-message": _command(DESK + HANDLERS),
    "POST /v1/tickets/{ticket_no}/assign": _command("DS"),
    "POST /v1/tickets/{ticket_no}/respond": _command(DESK + HANDLERS),
    "POST /v1/tickets/{ticket_no}/plan": _command(HANDLERS),
    "POST /v1/tickets/{ticket_no}/approve-plan": _command("D", "tickets:supervise"),
    "POST /v1/tickets/{ticket_no}/reject-plan": _command("D", "tickets:supervise"),
    "POST /v1/tickets/{ticket_no}/progress": _command(HANDLERS),
    "POST /v1/tickets/{ticket_no}/wait": _command(DESK + HANDLERS),
    "POST /v1/tickets/{ticket_no}/resume": _command(DESK + HANDLERS),
    "POST /v1/tickets/{ticket_no}/resolve": _command(HANDLERS),
    "POST /v1/tickets/{ticket_no}/record-callback": _command(DESK),
    "POST /v1/tickets/{ticket_no}/reopen": _command(DESK),
    "POST /v1/tickets/{ticket_no}/close-unresolved": _command("S", "tickets:supervise"),
    "POST /v1/tickets/{ticket_no}/withdraw": _command(DESK),
    "POST /v1/tickets/{ticket_no}/merge": _command(DESK),
    "POST /v1/tickets/{ticket_no}/reclassify": _command(DESK + HANDLERS),
    "POST /v1/tickets/{ticket_no}/explain-breach": _command(DESK + HANDLERS),
    "POST /v1/tickets/{ticket_no}/chase": _command(DESK + "D"),
    "POST /v1/tickets/{ticket_no}/tag": _command(DESK + HANDLERS),
    "POST /v1/tickets/{ticket_no}/promise": _command("HDS"),
    "GET /v1/events": _list("CHDSMA", "events:read"),
    "GET /v1/policies": _list(STAFF, "policies:read"),
    "GET /v1/policies/{policy_id}": _list(STAFF, "policies:read"),
    "PUT /v1/policies/{policy_id}": _list("X", "policies:write"),
    "POST /v1/policies/lint": _list("X", "policies:write"),
    "GET /v1/policies/{policy_id}/versions": _list(STAFF, "policies:read"),
    "GET /v1/policies/{policy_id}/compare": _list(STAFF, "policies:read"),
    "GET /v1/calendars/{calendar_id}/compare": _list(STAFF, "calendars:read"),
    "POST /v1/policies/{policy_id}/retire": _list("X", "policies:write"),
    "GET /v1/policy-order": _list(STAFF, "policies:read"),
    "PUT /v1/policy-order": _list("X", "policies:write"),
    "GET /v1/policy-packs": _list(STAFF, "policies:read"),
    "POST /v1/policy-packs/{pack_id}/adopt": _list("X", "policies:write"),
    "GET /v1/calendars": _list(STAFF, "calendars:read"),
    "GET /v1/calendars/{calendar_id}": _list(STAFF, "calendars:read"),
    "PUT /v1/calendars/{calendar_id}": _list("X", "calendars:write"),
    "GET /v1/calendars/{calendar_id}/versions": _list(STAFF, "calendars:read"),
    "GET /v1/calendars/{calendar_id}/days": _list(STAFF, "calendars:read"),
    "GET /v1/calendars/{calendar_id}/export": _list(STAFF, "calendars:read"),
    "POST /v1/calendars/{calendar_id}/import": _list("X", "calendars:write"),
    "POST /v1/calendars/evaluate": _list(STAFF, "calendars:read"),
    "POST /v1/policies/{policy_id}/preview": _list("X", "policies:write"),
    "POST /v1/policies/{policy_id}/publish": _list("X", "policies:write"),
    "POST /v1/calendars/{calendar_id}/preview": _list("X", "calendars:write"),
    "POST /v1/calendars/{calendar_id}/publish": _list("X", "calendars:write"),
    "GET /v1/publications": _list(STAFF, "policies:read"),
    "GET /v1/publications/{publication_id}": _list(STAFF, "policies:read"),
    "GET /v1/publications/{publication_id}/changes": _list(STAFF, "policies:read"),
    "POST /v1/publications/{publication_id}/retry": _list("X", "policies:write"),
    "GET /v1/departments": _list(STAFF, "directory:read"),
    "POST /v1/departments": _list("X", "directory:write"),
    "GET /v1/departments/{identifier}": _list(STAFF, "directory:read"),
    "PATCH /v1/departments/{identifier}": _list("X", "directory:write"),
    "GET /v1/staff": _list(STAFF, "directory:read"),
    "POST /v1/staff": _list("X", "directory:write"),
    "GET /v1/staff/{identifier}": _list(STAFF, "directory:read"),
    "PATCH /v1/staff/{identifier}": _list("X", "directory:write"),
    "GET /v1/api-keys": _list(STAFF, "directory:read"),
    "POST /v1/api-keys": _list("X", "directory:write"),
    "GET /v1/api-keys/{identifier}": _list(STAFF, "directory:read"),
    "PATCH /v1/api-keys/{identifier}": _list("X", "directory:write"),
    "GET /v1/directory-audit": _list("A", "audit:read"),
    "GET /v1/notices": _list(STAFF, "notices:read"),
    "GET /v1/notices/{notice_id}": Row("CHDSA", "", "notices:read"),
    "POST /v1/notices/{notice_id}/resend": Row("CDS", "", "notices:write"),
    "GET /v1/notice-templates": _list("SAX", "notices:read"),
    "GET /v1/notice-templates/{template_id}": _list("SAX", "notices:read"),
    "PUT /v1/notice-templates/{template_id}": _list("X", "notices:write"),
    "POST /v1/notice-templates/{template_id}/preview": _list("SAX", "notices:read"),
    "GET /v1/surveys": _list("CHDSMA", "surveys:read"),
    "GET /v1/surveys/{survey_id}": Row("CHDSMA", "", "surveys:read"),
    "GET /v1/surveys/{survey_id}/questionnaire": Row("CHDSMA", "", "surveys:read"),
    "POST /v1/surveys/{survey_id}/answer": Row(DESK, "", "surveys:write"),
    "POST /v1/surveys/{survey_id}/hand-over-link": Row(DESK, "", "surveys:write"),
    "GET /v1/reports/satisfaction": _list("DSMA", "reports:read"),
    "GET /v1/on-call": _list(STAFF, "directory:read"),
    "POST /v1/on-call": _list("X", "directory:write"),
    "GET /v1/on-call/{identifier}": _list(STAFF, "directory:read"),
    "PATCH /v1/on-call/{identifier}": _list("X", "directory:write"),
    "DELETE /v1/on-call/{identifier}": _list("X", "directory:write"),
    "GET /v1/alerts": _list("CHDSMA", "alerts:read"),
    "GET /v1/alerts/stream": _list("CHDSMA", "alerts:read"),
    "GET /v1/alerts/{alert_id}": Row("CHDSMA", "", "alerts:read"),
    "POST /v1/alerts/{alert_id}/acknowledge": Row("CHDS", "", "alerts:write"),
    "POST /v1/alerts/{alert_id}/snooze": Row("CHDS", "", "alerts:write"),
    "POST /v1/alerts/{alert_id}/hand-over": Row("CHDS", "", "alerts:write"),
    "POST /v1/alerts/{alert_id}/resolve": Row("CHDS", "", "alerts:write"),
    "GET /v1/ladders": _list(STAFF, "policies:read"),
    "GET /v1/ladders/{ladder_id}": _list(STAFF, "policies:read"),
    "GET /v1/ladders/{ladder_id}/versions": _list(STAFF, "policies:read"),
    "GET /v1/ladders/{ladder_id}/plan": _list(STAFF, "policies:read"),
    "PUT /v1/ladders/{ladder_id}": _list("X", "policies:write"),
    "GET /v1/quiet-hours": _list(STAFF, "policies:read"),
    "PUT /v1/quiet-hours": _list("X", "policies:write"),
    "GET /v1/webhooks": _list("AX", "webhooks:read"),
    "POST /v1/webhooks": _list("X", "webhooks:write"),
    "GET /v1/webhooks/{webhook_id}": _list("AX", "webhooks:read"),
    "PATCH /v1/webhooks/{webhook_id}": _list("X", "webhooks:write"),
    "DELETE /v1/webhooks/{webhook_id}": _list("X", "webhooks:write"),
    "POST /v1/webhooks/{webhook_id}/rotate-secret": _list("X", "webhooks:write"),
    "GET /v1/webhooks/{webhook_id}/deliveries": _list("AX", "webhooks:read"),
    "POST /v1/webhooks/{webhook_id}/redeliver": _list("X", "webhooks:write"),
    "POST /v1/webhooks/{webhook_id}/test": _list("X", "webhooks:write"),
    "GET /v1/me": _list(STAFF, ""),
    "POST /v1/me/password": _list(STAFF, ""),
    "POST /v1/me/sign-out": _list(STAFF, ""),
}
HEADERS = {"DELETE /v1/webhooks/{webhook_id}": {"If_Match": '"999"'}}
"""Where nothing but a version that is not the latest spares what is there."""
OF_A_DEPARTMENT = ("ticket_no", "customer_id", "notice_id", "survey_id", "alert_id", "webhook_id")
"""Parameters that name what belongs to a department."""
READ_BY_EVERY_AUDITOR = {"/v1/tickets", "/v1/events"}
"""Lists of tickets, which auditors read whole, whatever their department (product.md 2)."""
OPEN_TO_ALL = {"POST /v1/token"}
"""Endpoints without a sign-in."""

BODIES = {
    "POST /v1/me/password": {"current": "not my password", "new": "correct horse battery"},
    "PATCH /v1/customers/{customer_id}": {},
}
"""Where a body must be valid to show who is let in; elsewhere a wrong one spares the ticket its effect."""


def endpoints() -> Iterator[str]:
    """Every operation of the document."""
    for path, operations in document()["paths"].items():
        for method in operations:
            yield f"{method.upper()} {path}"


def test_every_endpoint_has_its_row_in_the_table_and_every_scope_an_endpoint() -> None:
    # Contacts and notes are seen within what others let in: `test_contacts_stay_where_they_belong`.
    assert {row.scope for row in TABLE.values()} - {""} == set(Scope) - {Scope.CONTACTS_READ, Scope.NOTES_READ}
    assert set(endpoints()) == TABLE.keys() | OPEN_TO_ALL


@pytest.fixture(scope="module")
async def paths(system: System) -> dict[str, str]:
    """A value for every parameter of a path, of the department whose ticket it is."""
    ticket_no = await system.accepted()
    key = await system.issue_key("looked at", Scope.TICKETS_READ)
    on_duty = {"staff": system.ids["林涛"], "from_at": "2031-11-20T00:00:00Z", "to_at": "2031-11-21T00:00:00Z"}
    shift = await system.call("POST", "/v1/on-call", on_duty, by="admin")
    # A policy of the walk's own: it is changed, published and retired on the way.
    await system.call("PUT", "/v1/policies/walked", {"applies": [{"channel": "import", "tier": "vip"}]}, by="admin")
    return {
        "ticket_no": ticket_no,
        "customer_id": (await system.get(f"/v1/tickets/{ticket_no}"))["customer"]["id"],
        "notice_id": await noticed(system, ticket_no),
        "webhook_id": await listening(system),
        "template_id": "plan.en",
        "survey_id": await surveyed(system),
        "alert_id": await alerted(system, ticket_no),
        "policy_id": "walked",
        "pack_id": "d0",
        "calendar_id": "cn",
        "ladder_id": "default",
        "publication_id": "pub-0",
        "/v1/departments/{identifier}": OTHER,
        "/v1/staff/{identifier}": system.ids["林涛"],
        "/v1/api-keys/{identifier}": system.ids[key],
        "/v1/on-call/{identifier}": shift.json()["id"],
    }


async def status(system: System, endpoint: str, paths: dict[str, str], by: str | None) -> int:
    """The status that this caller is answered."""
    method, template = endpoint.split()
    path = path_of(template, **{**paths, "identifier": paths.get(template, "")})
    body = None if method == "GET" else BODIES.get(endpoint, {"surprise": 1})
    endless, headers = template.endswith("/stream"), HEADERS.get(endpoint, {})
    answer = await (system.peek(path, by=by) if endless else system.call(method, path, body, by=by, **headers))
    assert answer.status_code < 500, f"{endpoint} by {by}: {answer.status_code}"
    assert answer.headers["X-Request-Id"]
    return answer.status_code


def let_in(answered: int) -> bool:
    """Whether the permission was given."""
    return answered not in {401, 403}


@pytest.mark.parametrize("name", PEOPLE)
async def test_a_member_of_staff_is_let_in_where_the_table_says_and_nowhere_else(
    system: System, paths: dict[str, str], name: str
) -> None:
    role, department = PEOPLE[name]
    for endpoint, row in TABLE.items():
        allowed = {LETTERS[letter] for letter in (row.other if department == OTHER else row.own)}
        answered = await status(system, endpoint, paths, name)
        assert let_in(answered) == (role in allowed), f"{endpoint} by a {role} of {department}: {answered}"


@pytest.mark.parametrize("scope", Scope)
async def test_a_key_is_let_in_with_its_scope_and_not_with_all_the_others(
    system: System, paths: dict[str, str], scope: Scope
) -> None:
    only = await system.issue_key(f"only {scope}", scope)
    others = await system.issue_key(f"all but {scope}", *(each for each in Scope if each is not scope))
    for endpoint, row in TABLE.items():
        if row.scope == scope:
            assert let_in(await status(system, endpoint, paths, only)), f"{endpoint} with {scope}"
            assert await status(system, endpoint, paths, others) == 403, f"{endpoint} without {scope}"


async def test_what_needs_no_scope_takes_every_key_or_none(system: System, paths: dict[str, str]) -> None:
    key = await system.issue_key("any", Scope.TICKETS_READ)
    assert await status(system, "GET /v1/me", paths, key) == 200
    assert await status(system, "POST /v1/me/password", paths, "admin") == 403
    assert await status(system, "POST /v1/me/sign-out", paths, "admin") == 403


async def test_a_key_of_another_department_reaches_no_ticket_with_all_its_scopes(
    system: System, paths: dict[str, str]
) -> None:
    key = await system.issue_key("logistics shop", *Scope, department=OTHER)
    for endpoint in TABLE:
        if any(f"{{{name}}}" in endpoint for name in OF_A_DEPARTMENT):
            assert await status(system, endpoint, paths, key) == 403, endpoint


@pytest.mark.parametrize("who", ["key", "auditor"])
async def test_no_list_shows_a_department_what_is_another_ones(system: System, paths: dict[str, str], who: str) -> None:
    await system.issue_key("shop of the other", *Scope, department=OWN)
    if who == "key":
        name = await system.issue_key("looking around", *Scope, department=OTHER)
    else:
        name = "许诺"
        await system.hire(name, StaffRole.AUDITOR, OTHER)
    canaries = {paths[each] for each in OF_A_DEPARTMENT} | {system.ids["shop of the other"]}
    for path, operations in document()["paths"].items():
        is_theirs = who == "auditor" and path in READ_BY_EVERY_AUDITOR
        if "get" not in operations or "{" in path or path.endswith("/stream") or is_theirs:
            continue
        listed = any(each["name"] == "limit" for each in operations["get"].get("parameters", ()))
        answer = await system.call("GET", path + ("?limit=200" if listed else ""), by=name)
        assert answer.status_code in {200, 403, 422}, path
        assert not [each for each in canaries if f'"{each}"' in answer.text], path


async def test_a_key_of_a_department_changes_nothing_that_every_department_goes_by(
    system: System, paths: dict[str, str]
) -> None:
    key = await system.issue_key("promising shop", *Scope, department=OTHER)
    for endpoint, row in TABLE.items():
        if row.scope in {"policies:write", "calendars:write"} or endpoint.startswith("PUT /v1/notice-templates"):
            assert await status(system, endpoint, paths, key) == 403, endpoint


async def test_nobody_is_let_in_but_to_sign_in(system: System, paths: dict[str, str]) -> None:
    for endpoint in TABLE:
        assert await status(system, endpoint, paths, None) == 401, endpoint
    assert await status(system, "POST /v1/token", paths, None) == 422


async def test_a_token_that_nobody_signed_and_a_revoked_key_let_nobody_in(
    system: System, paths: dict[str, str]
) -> None:
    system.tokens |= {"forger": system.tokens["李雷"][:-8] + "AAAAAAAA", "unknown": "bh_" + "Z" * 43}
    for by in ("forger", "unknown"):
        assert await status(system, "GET /v1/tickets", paths, by) == 401


async def test_the_permission_is_checked_before_existence_body_and_state(system: System) -> None:
    assert (await system.call("GET", "/v1/tickets/19990101001", by="孙磊")).status_code == 403
    assert (await system.give("19990101001", "resolve", {"surprise": 1}, by="李雷")).status_code == 403
    assert (await system.give("19990101001", "resolve", {"surprise": 1}, by="林涛")).status_code == 404
