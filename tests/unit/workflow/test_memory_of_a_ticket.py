"""Memory of many tickets: whatever they say alike is held once."""

from services.contracts.commands.update import Command
from services.contracts.policy import PolicySnapshot
from services.contracts.ticket import TicketStart
from services.contracts.vocabulary import ClockName, CommandName
from services.promises.policies import snapshot
from tests.unit.workflow.ticket_driver import LI_LEI, Case, promises

POLICY = snapshot(promises())


def _started(policy: PolicySnapshot) -> TicketStart:
    start = TicketStart.of(Case().state, policy)
    return TicketStart.model_validate_json(start.model_dump_json())


def test_tickets_that_live_by_one_policy_share_it() -> None:
    one, other = _started(POLICY).policy, _started(POLICY).policy
    assert one == POLICY
    assert one is other


def test_a_command_that_chooses_the_same_policy_again_brings_the_same_object() -> None:
    command = Command(id="c-1", name=CommandName.ACCEPT, actor=LI_LEI, policy=POLICY)
    assert Command.model_validate_json(command.model_dump_json()).policy is _started(POLICY).policy


def test_policies_that_differ_in_one_promise_are_two_whatever_their_version() -> None:
    rule = POLICY.clocks[ClockName.RESPONSE].model_copy(update={"target": "PT77H"})
    changed = POLICY.model_copy(update={"clocks": {**POLICY.clocks, ClockName.RESPONSE: rule}})
    assert (changed.id, changed.version) == (POLICY.id, POLICY.version)
    assert _started(changed).policy == changed
    assert _started(POLICY).policy == POLICY


def test_records_of_a_class_share_the_names_of_their_fields() -> None:
    first, second = (_started(POLICY).state for _ in range(2))
    first.owner = "li-lei"
    assert first.model_fields_set is second.model_fields_set
    assert first.model_fields_set == set(type(first).model_fields)
    assert second.owner is None


def test_a_record_says_the_same_after_a_journey_and_as_a_copy() -> None:
    state = Case().state
    assert type(state).model_validate_json(state.model_dump_json()) == state
    copy = state.model_copy(update={"owner": "li-lei"})
    assert (copy.owner, state.owner) == ("li-lei", None)
    assert copy.model_dump(exclude={"owner"}) == state.model_dump(exclude={"owner"})
