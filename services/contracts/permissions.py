"""The permission table: role or scope × action × relation to the ticket (product.md section 2, invariants I14 to I16).

Pure data and three questions: `may` (before the state is looked at), `reach` (which tickets a list may show) and
`sees_contact`. Services enforce it; a test walks every endpoint with every role.
"""

from collections.abc import Collection, Mapping
from enum import IntEnum, StrEnum
from functools import cache
from typing import Protocol

from services.contracts.directory import Scope, StaffRole
from services.contracts.vocabulary import CommandName, Phase


class Action(StrEnum):
    """An action that can be asked of the system; the commands on a ticket carry their own names."""

    REGISTER_FEEDBACK = "register-feedback"
    READ_FEEDBACK = "read-feedback"
    REVOKE_LINK = "revoke-link"
    HAND_OVER_LINK = "hand-over-link"
    READ_TICKET = "read-ticket"
    READ_CONTACT = "read-contact"
    READ_NOTE = "read-note"
    READ_CUSTOMER = "read-customer"
    WRITE_CUSTOMER = "write-customer"
    READ_EVENTS = "read-events"
    READ_POLICY = "read-policy"
    WRITE_POLICY = "write-policy"
    READ_CALENDAR = "read-calendar"
    WRITE_CALENDAR = "write-calendar"
    READ_DIRECTORY = "read-directory"
    WRITE_DIRECTORY = "write-directory"
    READ_AUDIT = "read-audit"
    READ_ALERT = "read-alert"
    ANSWER_ALERT = "answer-alert"
    READ_NOTICE = "read-notice"
    RESEND_NOTICE = "resend-notice"
    READ_TEMPLATE = "read-template"
    WRITE_TEMPLATE = "write-template"
    READ_WEBHOOK = "read-webhook"
    WRITE_WEBHOOK = "write-webhook"
    READ_SURVEY = "read-survey"
    ANSWER_SURVEY = "answer-survey"
    READ_REPORT = "read-report"
    SECOND_CALLBACK = "second-callback"
    PROMISE_LATER = "promise-later"
    ACCEPT = CommandName.ACCEPT
    REQUEST_INFORMATION = CommandName.REQUEST_INFORMATION
    SUPPLY_INFORMATION = CommandName.SUPPLY_INFORMATION
    CUSTOMER_MESSAGE = CommandName.CUSTOMER_MESSAGE
    ASSIGN = CommandName.ASSIGN
    RESPOND = CommandName.RESPOND
    PLAN = CommandName.PLAN
    APPROVE_PLAN = CommandName.APPROVE_PLAN
    REJECT_PLAN = CommandName.REJECT_PLAN
    PROGRESS = CommandName.PROGRESS
    WAIT = CommandName.WAIT
    RESUME = CommandName.RESUME
    RESOLVE = CommandName.RESOLVE
    RECORD_CALLBACK = CommandName.RECORD_CALLBACK
    CONFIRM = CommandName.CONFIRM
    REOPEN = CommandName.REOPEN
    CLOSE_UNRESOLVED = CommandName.CLOSE_UNRESOLVED
    WITHDRAW = CommandName.WITHDRAW
    MERGE = CommandName.MERGE
    RECLASSIFY = CommandName.RECLASSIFY
    EXPLAIN_BREACH = CommandName.EXPLAIN_BREACH
    CHASE = CommandName.CHASE
    TAG = CommandName.TAG
    PROMISE = CommandName.PROMISE


class Relation(IntEnum):
    """The nearness to a ticket that a caller must have, farthest first."""

    ANY = 0
    QUEUE = 1
    """The ticket's department is the caller's, or it has none yet, or the caller serves the whole centre, or helps with
    this one ticket as owner or co-owner."""
    OPEN_QUEUE = 2
    """The same, and the ticket is not closed."""
    OWN = 3
    """The caller is owner or co-owner."""


class Principal(Protocol):
    """A caller as far as the table needs to know; `kind` is `staff`, `api_key`, `customer` or `service`."""

    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def roles(self) -> Collection[str]: ...
    @property
    def scopes(self) -> Collection[str]: ...
    @property
    def department(self) -> str | None: ...


class Ticket(Protocol):
    """A ticket as far as the table needs to know."""

    @property
    def department(self) -> str | None: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def co_owners(self) -> Collection[str]: ...
    @property
    def phase(self) -> Phase: ...


def _at(relation: Relation, *actions: Action) -> dict[Action, Relation]:
    return dict.fromkeys(actions, relation)


_READ_PROMISES = _at(Relation.ANY, Action.READ_POLICY, Action.READ_CALENDAR)
_TALK = (Action.CUSTOMER_MESSAGE, Action.SUPPLY_INFORMATION, Action.RESPOND, Action.TAG, Action.EXPLAIN_BREACH)

_CLERK = {
    **_READ_PROMISES,
    **_at(Relation.ANY, Action.REGISTER_FEEDBACK, Action.READ_DIRECTORY),
    **_at(Relation.QUEUE, *_TALK, Action.READ_FEEDBACK, Action.READ_TICKET, Action.READ_NOTE, Action.READ_EVENTS,
          Action.READ_CUSTOMER, Action.WRITE_CUSTOMER, Action.ACCEPT, Action.REQUEST_INFORMATION, Action.RECLASSIFY,
          Action.RECORD_CALLBACK, Action.WAIT, Action.RESUME, Action.REOPEN, Action.WITHDRAW, Action.MERGE,
          Action.CHASE, Action.READ_ALERT, Action.ANSWER_ALERT, Action.READ_NOTICE, Action.RESEND_NOTICE,
          Action.READ_SURVEY, Action.ANSWER_SURVEY, Action.HAND_OVER_LINK),
    **_at(Relation.OPEN_QUEUE, Action.READ_CONTACT),
}  # fmt: skip
_HANDLER = {
    **_READ_PROMISES,
    **_at(Relation.ANY, Action.READ_DIRECTORY),
    **_at(Relation.QUEUE, *_TALK, Action.READ_FEEDBACK, Action.READ_TICKET, Action.READ_NOTE, Action.READ_EVENTS,
          Action.PLAN, Action.PROGRESS, Action.WAIT, Action.RESUME, Action.RESOLVE, Action.RECLASSIFY, Action.PROMISE,
          Action.READ_ALERT, Action.ANSWER_ALERT, Action.READ_NOTICE, Action.READ_SURVEY),
    **_at(Relation.OWN, Action.READ_CONTACT),
}  # fmt: skip
_DEPARTMENT_HEAD = {
    **_HANDLER,
    **_at(
        Relation.QUEUE,
        Action.ASSIGN,
        Action.APPROVE_PLAN,
        Action.REJECT_PLAN,
        Action.CHASE,
        Action.RESEND_NOTICE,
        Action.READ_REPORT,
    ),
}
_SUPERVISOR = {
    **_CLERK,
    **_at(Relation.ANY, Action.READ_TEMPLATE),
    **_at(Relation.QUEUE, Action.ASSIGN, Action.SECOND_CALLBACK, Action.CLOSE_UNRESOLVED, Action.PROMISE,
          Action.PROMISE_LATER, Action.READ_REPORT, Action.REVOKE_LINK),
}  # fmt: skip

BY_ROLE: Mapping[StaffRole, Mapping[Action, Relation]] = {
    StaffRole.CLERK: _CLERK,
    StaffRole.HANDLER: _HANDLER,
    StaffRole.DEPARTMENT_HEAD: _DEPARTMENT_HEAD,
    StaffRole.SUPERVISOR: _SUPERVISOR,
    StaffRole.MANAGER: {
        **_READ_PROMISES,
        **_at(Relation.ANY, Action.READ_DIRECTORY),
        **_at(Relation.QUEUE, Action.READ_TICKET, Action.READ_EVENTS, Action.READ_ALERT, Action.READ_SURVEY,
              Action.READ_REPORT),
    },
    StaffRole.AUDITOR: {
        **_READ_PROMISES,
        **_at(Relation.ANY, Action.READ_DIRECTORY, Action.READ_TICKET, Action.READ_NOTE, Action.READ_FEEDBACK,
              Action.READ_EVENTS, Action.READ_CUSTOMER, Action.READ_TEMPLATE),
        # An auditor of one department reads these of that department; one of the centre reads all.
        **_at(Relation.QUEUE, Action.READ_AUDIT, Action.READ_ALERT, Action.READ_NOTICE, Action.READ_WEBHOOK,
              Action.READ_SURVEY, Action.READ_REPORT),
    },
    StaffRole.ADMIN: {
        **_READ_PROMISES,
        **_at(Relation.ANY, Action.WRITE_POLICY, Action.WRITE_CALENDAR, Action.READ_DIRECTORY, Action.WRITE_DIRECTORY,
              Action.READ_TEMPLATE, Action.WRITE_TEMPLATE, Action.READ_WEBHOOK, Action.WRITE_WEBHOOK),
    },
}  # fmt: skip
"""Nearest relation that each role needs for each action; what is absent is forbidden."""

_SUPERVISION = frozenset({Action.SECOND_CALLBACK, Action.CLOSE_UNRESOLVED, Action.PROMISE_LATER, Action.APPROVE_PLAN,
                          Action.REJECT_PLAN, Action.REVOKE_LINK, Action.HAND_OVER_LINK})  # fmt: skip
_COMMANDS = frozenset(Action(name) for name in CommandName if name not in {CommandName.CONFIRM, CommandName.JOIN})

BY_SCOPE: Mapping[Scope, frozenset[Action]] = {
    Scope.FEEDBACK_WRITE: frozenset({Action.REGISTER_FEEDBACK}),
    Scope.FEEDBACK_READ: frozenset({Action.READ_FEEDBACK}),
    Scope.TICKETS_READ: frozenset({Action.READ_TICKET}),
    Scope.TICKETS_WRITE: _COMMANDS - _SUPERVISION,
    Scope.TICKETS_SUPERVISE: _SUPERVISION,
    Scope.CONTACTS_READ: frozenset({Action.READ_CONTACT}),
    Scope.NOTES_READ: frozenset({Action.READ_NOTE}),
    Scope.CUSTOMERS_READ: frozenset({Action.READ_CUSTOMER}),
    Scope.CUSTOMERS_WRITE: frozenset({Action.WRITE_CUSTOMER}),
    Scope.EVENTS_READ: frozenset({Action.READ_EVENTS}),
    Scope.POLICIES_READ: frozenset({Action.READ_POLICY}),
    Scope.POLICIES_WRITE: frozenset({Action.WRITE_POLICY}),
    Scope.CALENDARS_READ: frozenset({Action.READ_CALENDAR}),
    Scope.CALENDARS_WRITE: frozenset({Action.WRITE_CALENDAR}),
    Scope.DIRECTORY_READ: frozenset({Action.READ_DIRECTORY}),
    Scope.DIRECTORY_WRITE: frozenset({Action.WRITE_DIRECTORY}),
    Scope.AUDIT_READ: frozenset({Action.READ_AUDIT}),
    Scope.ALERTS_READ: frozenset({Action.READ_ALERT}),
    Scope.ALERTS_WRITE: frozenset({Action.ANSWER_ALERT}),
    Scope.NOTICES_READ: frozenset({Action.READ_NOTICE, Action.READ_TEMPLATE}),
    Scope.NOTICES_WRITE: frozenset({Action.RESEND_NOTICE, Action.WRITE_TEMPLATE}),
    Scope.WEBHOOKS_READ: frozenset({Action.READ_WEBHOOK}),
    Scope.WEBHOOKS_WRITE: frozenset({Action.WRITE_WEBHOOK}),
    Scope.SURVEYS_READ: frozenset({Action.READ_SURVEY}),
    Scope.SURVEYS_WRITE: frozenset({Action.ANSWER_SURVEY}),
    Scope.REPORTS_READ: frozenset({Action.READ_REPORT}),
}
"""A key acts within its department, or on every ticket when it has none."""

OF_THE_CENTRE = frozenset({Action.WRITE_POLICY, Action.WRITE_CALENDAR, Action.WRITE_TEMPLATE})
"""What changes the tickets and letters of every department: no key that is bound to one may do it (invariant I16)."""

OF_CUSTOMERS = frozenset({Action.SUPPLY_INFORMATION, Action.CUSTOMER_MESSAGE, Action.CONFIRM, Action.REOPEN,
                          Action.WITHDRAW})  # fmt: skip
"""What customers may do on their own ticket. Whoever holds the ticket's signed link is its customer."""


def may(caller: Principal, action: Action, ticket: Ticket | None = None) -> bool:
    """Whether `caller` may do `action`, on `ticket` where the action concerns one.

    Without a ticket the answer is whether the caller may do it on any ticket at all. What another service asks in
    its own name (kind `service`) is always allowed: it has asked this question itself.
    """
    if caller.kind == "customer":
        return action in OF_CUSTOMERS
    enough = relations(caller, action)
    return bool(enough) if ticket is None else any(_is_within(relation, caller, ticket) for relation in enough)


def reach(caller: Principal, action: Action = Action.READ_TICKET) -> Relation | None:
    """The reach of `action` over a list: `ANY`, `QUEUE` (filter by department) or None (nothing)."""
    return min(relations(caller, action), default=None)


def relations(caller: Principal, action: Action) -> frozenset[Relation]:
    """Every relation to a ticket by which the caller may do `action` on it; one is enough."""
    is_beyond = action in OF_THE_CENTRE and caller.department is not None
    scopes = frozenset() if is_beyond else frozenset(caller.scopes)
    return _relations(caller.kind, frozenset(caller.roles), scopes, action)


@cache
def _relations(kind: str, roles: frozenset[str], scopes: frozenset[str], action: Action) -> frozenset[Relation]:
    """The table itself, looked up once: a list asks of each of its tickets for every command."""
    if kind == "service":
        return frozenset({Relation.ANY})
    by_role = {rights[action] for role in roles if action in (rights := BY_ROLE[StaffRole(role)])}
    by_scope = any(action in BY_SCOPE[Scope(scope)] for scope in scopes)
    return frozenset(by_role | ({Relation.QUEUE} if by_scope else set()))


def sees_contact(caller: Principal, ticket: Ticket) -> bool:
    """Whether the caller reads the ticket's contact in full; every such reading is written to the audit log."""
    return may(caller, Action.READ_CONTACT, ticket)


def _is_within(relation: Relation, caller: Principal, ticket: Ticket) -> bool:
    if relation is Relation.ANY:
        return True
    owns = caller.id == ticket.owner or caller.id in ticket.co_owners
    if relation is Relation.OWN:
        return owns
    in_queue = owns or caller.department is None or ticket.department in {None, caller.department}
    return in_queue and (relation is Relation.QUEUE or ticket.phase is not Phase.CLOSED)
