"""The permission table of product.md section 2, role by role, and the invariants I14 to I16 that it carries."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest

from services.contracts.directory import Scope, StaffRole
from services.contracts.permissions import BY_ROLE, BY_SCOPE, Action, Relation, may, reach, sees_contact
from services.contracts.vocabulary import CommandName, Phase
from services.runtime.security.auth import Caller

DEPARTMENT_WORK = {Action.PLAN, Action.PROGRESS, Action.WAIT, Action.RESUME, Action.RESOLVE, Action.RESPOND}
SUPERVISION = {Action.SECOND_CALLBACK, Action.CLOSE_UNRESOLVED, Action.PROMISE_LATER}
DIRECTORY_AND_PROMISES = {Action.WRITE_DIRECTORY, Action.WRITE_POLICY, Action.WRITE_CALENDAR}
COMMANDS = {Action(name) for name in CommandName if name not in {CommandName.CONFIRM, CommandName.JOIN}}


@dataclass(frozen=True)
class Ticket:
    """A ticket as the table sees it."""

    department: str | None = "repairs"
    owner: str | None = "s-zhang"
    co_owners: tuple[str, ...] = ("s-chen",)
    phase: Phase = Phase.ASSIGNED


TICKET = Ticket()
CLOSED = replace(TICKET, phase=Phase.CLOSED)
UNROUTED = replace(TICKET, department=None, owner=None, co_owners=(), phase=Phase.REVIEW)


def staff(identifier: str, name: str, role: StaffRole, department: str | None = "repairs") -> Caller:
    return Caller(
        kind="staff", id=identifier, name=name, username=identifier, roles=frozenset({role}), department=department
    )


def key(*scopes: Scope, department: str | None = None) -> Caller:
    return Caller(kind="api_key", id="k-1", name="shop", scopes=frozenset(scopes), department=department)


LI_LEI = staff("s-lilei", "李雷", StaffRole.CLERK)
WANG_FANG = staff("s-wangfang", "王芳", StaffRole.SUPERVISOR, None)
ZHANG = staff("s-zhang", "张伟", StaffRole.HANDLER)
CHEN = staff("s-chen", "陈静", StaffRole.HANDLER)
COLLEAGUE = staff("s-liu", "刘洋", StaffRole.HANDLER)
HEAD = staff("s-head", "周强", StaffRole.DEPARTMENT_HEAD)
MANAGER = staff("s-manager", "吴刚", StaffRole.MANAGER, None)
AUDITOR = staff("s-auditor", "郑洁", StaffRole.AUDITOR, None)
ADMIN = staff("s-admin", "孙磊", StaffRole.ADMIN, None)
NOBODY = Caller(kind="staff", id="s-new", name="新人", username="new")
ROLES_IN_ANOTHER_DEPARTMENT = [staff("s-zhaomin", "赵敏", role, "logistics") for role in StaffRole]


def allowed(caller: Caller, ticket: Ticket | None = None) -> set[Action]:
    return {action for action in Action if may(caller, action, ticket)}


def test_clerk_registers_accepts_requests_information_and_calls_back() -> None:
    assert may(LI_LEI, Action.REGISTER_FEEDBACK)
    assert {Action.ACCEPT, Action.REQUEST_INFORMATION, Action.RECORD_CALLBACK} <= allowed(LI_LEI, TICKET)


def test_clerk_withdraws_merges_and_reopens_for_the_customer() -> None:
    assert {Action.WITHDRAW, Action.MERGE, Action.REOPEN} <= allowed(LI_LEI, CLOSED)


def test_clerk_neither_supervises_nor_approves_plans_nor_assigns() -> None:
    assert not allowed(LI_LEI, TICKET) & (SUPERVISION | {Action.APPROVE_PLAN, Action.REJECT_PLAN, Action.ASSIGN})


def test_clerk_sees_contacts_of_open_tickets_of_their_queue() -> None:
    assert sees_contact(LI_LEI, TICKET)
    assert sees_contact(LI_LEI, replace(TICKET, phase=Phase.AWAITING_SECOND_CALLBACK))
    assert sees_contact(LI_LEI, UNROUTED)


def test_clerk_sees_no_contact_once_the_ticket_is_closed() -> None:
    assert not sees_contact(LI_LEI, CLOSED)
    assert may(LI_LEI, Action.READ_TICKET, CLOSED)


def test_clerk_sees_no_contact_of_another_queue() -> None:
    assert not sees_contact(LI_LEI, replace(TICKET, department="logistics"))


def test_handler_works_on_tickets_of_their_department() -> None:
    assert allowed(COLLEAGUE, TICKET) >= DEPARTMENT_WORK | {Action.READ_TICKET}


def test_handler_sees_contacts_of_the_tickets_they_own_or_co_own_and_of_no_other() -> None:
    assert sees_contact(ZHANG, TICKET)
    assert sees_contact(CHEN, TICKET)
    assert not sees_contact(COLLEAGUE, TICKET)


def test_handler_does_not_call_back_accept_approve_or_close() -> None:
    refused = {Action.RECORD_CALLBACK, Action.ACCEPT, Action.APPROVE_PLAN, Action.CLOSE_UNRESOLVED, Action.WITHDRAW}
    assert not allowed(ZHANG, TICKET) & refused


def test_department_head_assigns_and_approves_plans_and_does_what_a_handler_may() -> None:
    assert allowed(HEAD, TICKET) >= {Action.ASSIGN, Action.APPROVE_PLAN, Action.REJECT_PLAN} | DEPARTMENT_WORK


def test_department_head_sees_their_department_but_contacts_only_of_their_own_tickets() -> None:
    assert may(HEAD, Action.READ_TICKET, TICKET)
    assert not sees_contact(HEAD, TICKET)
    assert sees_contact(HEAD, replace(TICKET, owner=HEAD.id))


def test_supervisor_may_everything_that_a_clerk_may() -> None:
    for ticket in (None, TICKET, CLOSED, UNROUTED):
        assert allowed(replace(WANG_FANG, department="repairs"), ticket) >= allowed(LI_LEI, ticket)


def test_supervisor_makes_second_callbacks_closes_unresolved_and_promises_later_dates() -> None:
    assert allowed(WANG_FANG, TICKET) >= SUPERVISION


def test_supervisor_of_the_whole_centre_reaches_every_department() -> None:
    assert may(WANG_FANG, Action.CLOSE_UNRESOLVED, replace(TICKET, department="logistics"))
    assert reach(WANG_FANG) is Relation.QUEUE


def test_only_supervisors_among_staff_call_back_a_second_time_or_close_unresolved() -> None:
    for action in SUPERVISION:
        assert [role for role in StaffRole if action in BY_ROLE[role]] == [StaffRole.SUPERVISOR]


def test_manager_reads_tickets_without_contacts_and_notes_and_commands_nothing() -> None:
    assert may(MANAGER, Action.READ_TICKET, TICKET)
    assert not allowed(MANAGER, TICKET) & ({Action.READ_CONTACT, Action.READ_NOTE, Action.READ_CUSTOMER} | COMMANDS)


def test_manager_who_owns_a_ticket_still_sees_no_contact() -> None:
    assert not sees_contact(MANAGER, replace(TICKET, owner=MANAGER.id))


def test_auditor_reads_every_ticket_of_every_department_and_the_audit_log() -> None:
    bound = replace(AUDITOR, department="repairs")
    assert reach(bound) is Relation.ANY
    for ticket in (TICKET, CLOSED, UNROUTED, replace(TICKET, department="logistics")):
        assert may(bound, Action.READ_TICKET, ticket)
    assert may(AUDITOR, Action.READ_AUDIT)


def test_auditor_of_a_department_reads_its_part_of_the_audit_log_and_of_alerts_notices_webhooks_and_ratings() -> None:
    bound = replace(AUDITOR, department="logistics")
    for action in (
        Action.READ_AUDIT,
        Action.READ_ALERT,
        Action.READ_NOTICE,
        Action.READ_WEBHOOK,
        Action.READ_SURVEY,
        Action.READ_REPORT,
    ):
        assert may(bound, action, replace(TICKET, department="logistics"))
        assert not may(bound, action, TICKET)
        assert reach(bound, action) is Relation.QUEUE
        assert may(AUDITOR, action, TICKET), "one of the whole centre reads all"


def test_auditor_reads_no_contact_and_changes_nothing() -> None:
    assert not sees_contact(AUDITOR, replace(TICKET, owner=AUDITOR.id))
    assert all(action.startswith("read-") for action in allowed(AUDITOR))


def test_admin_changes_people_policies_calendars_and_keys() -> None:
    assert allowed(ADMIN) >= DIRECTORY_AND_PROMISES


def test_admin_reads_no_ticket_no_contact_and_commands_nothing() -> None:
    assert not allowed(ADMIN, TICKET) & ({Action.READ_TICKET, Action.READ_CONTACT, Action.READ_FEEDBACK} | COMMANDS)


def test_only_admins_among_staff_change_people_policies_and_calendars() -> None:
    for action in DIRECTORY_AND_PROMISES:
        assert [role for role in StaffRole if action in BY_ROLE[role]] == [StaffRole.ADMIN]


def test_only_auditors_among_staff_read_the_audit_log() -> None:
    assert [role for role in StaffRole if Action.READ_AUDIT in BY_ROLE[role]] == [StaffRole.AUDITOR]


@pytest.mark.parametrize("caller", ROLES_IN_ANOTHER_DEPARTMENT, ids=lambda caller: next(iter(caller.roles)))
def test_zhao_min_of_another_department_neither_reads_nor_changes_the_ticket(caller: Caller) -> None:
    readable = {Action.READ_TICKET, Action.READ_FEEDBACK, Action.READ_NOTE, Action.READ_EVENTS, Action.READ_CONTACT}
    if StaffRole.AUDITOR in caller.roles:
        assert not allowed(caller, TICKET) & (COMMANDS | {Action.READ_CONTACT})
    else:
        assert not allowed(caller, TICKET) & (COMMANDS | readable)


@pytest.mark.parametrize("caller", ROLES_IN_ANOTHER_DEPARTMENT, ids=lambda caller: next(iter(caller.roles)))
def test_no_list_carries_zhao_min_beyond_her_department_unless_she_audits(caller: Caller) -> None:
    expected = Relation.ANY if StaffRole.AUDITOR in caller.roles else Relation.QUEUE
    assert reach(caller) in {None, expected}


def test_staff_of_a_department_read_a_ticket_that_has_no_department_yet() -> None:
    assert may(LI_LEI, Action.READ_TICKET, UNROUTED)


def test_somebody_without_a_role_may_nothing() -> None:
    assert allowed(NOBODY) == set()
    assert reach(NOBODY) is None


def test_two_roles_may_what_either_may() -> None:
    both = replace(ADMIN, roles=frozenset({StaffRole.ADMIN, StaffRole.SUPERVISOR}))
    assert allowed(both, TICKET) == allowed(ADMIN, TICKET) | allowed(WANG_FANG, TICKET)


def test_of_two_roles_the_one_that_reaches_farther_counts_in_a_list() -> None:
    both = replace(LI_LEI, roles=frozenset({StaffRole.CLERK, StaffRole.AUDITOR}))
    assert (reach(LI_LEI), reach(both)) == (Relation.QUEUE, Relation.ANY)


@pytest.mark.parametrize("role", StaffRole)
def test_every_role_has_its_row_in_the_table(role: StaffRole) -> None:
    assert role in BY_ROLE


@pytest.mark.parametrize("scope", Scope)
def test_a_key_may_what_its_scope_says_and_nothing_else(scope: Scope) -> None:
    assert allowed(key(scope), TICKET) == set(BY_SCOPE[scope])


def test_every_action_is_covered_by_some_scope_or_is_the_customer_s_alone() -> None:
    assert set[Action]().union(*BY_SCOPE.values()) == set(Action) - {Action.CONFIRM}
    assert all(Action.CONFIRM not in rights for rights in BY_ROLE.values())


def test_a_customer_may_what_their_page_offers_and_nothing_else() -> None:
    customer = Caller(kind="customer", id="cus_1", name="")
    assert allowed(customer, TICKET) == {
        Action.SUPPLY_INFORMATION,
        Action.CUSTOMER_MESSAGE,
        Action.CONFIRM,
        Action.REOPEN,
        Action.WITHDRAW,
    }
    assert reach(customer) is None
    assert not sees_contact(customer, TICKET)


def test_a_key_without_a_department_acts_on_every_ticket() -> None:
    assert may(key(Scope.TICKETS_READ), Action.READ_TICKET, replace(TICKET, department="logistics"))


def test_a_key_with_a_department_acts_within_it_alone() -> None:
    bound = key(*Scope, department="logistics")
    assert allowed(bound, TICKET) == set()
    assert may(bound, Action.READ_TICKET, replace(TICKET, department="logistics"))
    assert reach(bound) is Relation.QUEUE


def test_a_key_with_a_department_changes_nothing_that_every_department_goes_by() -> None:
    for action in (Action.WRITE_POLICY, Action.WRITE_CALENDAR, Action.WRITE_TEMPLATE):
        assert not may(key(*Scope, department="logistics"), action)
        assert may(key(*Scope), action)


def test_a_key_that_reads_tickets_sees_no_contact_without_its_own_scope() -> None:
    assert not sees_contact(key(*(scope for scope in Scope if scope is not Scope.CONTACTS_READ)), TICKET)
    assert sees_contact(key(Scope.CONTACTS_READ), TICKET)


def test_a_key_that_writes_tickets_does_not_supervise() -> None:
    assert not allowed(key(Scope.TICKETS_WRITE), TICKET) & SUPERVISION


def test_a_key_without_scopes_may_nothing() -> None:
    assert allowed(key()) == set()


def test_another_service_may_everything_it_has_asked_the_question_itself() -> None:
    service = Caller(kind="service", id="service", name="service")
    assert allowed(service, TICKET) == set(Action)


@pytest.mark.parametrize("caller", [MANAGER, AUDITOR, ADMIN, NOBODY], ids=lambda caller: caller.id)
def test_whoever_handles_no_tickets_sees_no_contact_in_any_state(caller: Caller) -> None:
    assert not _sees_any(caller, (replace(TICKET, phase=phase, owner=caller.id) for phase in Phase))


def _sees_any(caller: Caller, tickets: Iterable[Ticket]) -> bool:
    return any(sees_contact(caller, ticket) for ticket in tickets)
