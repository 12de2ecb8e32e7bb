"""The whole log of a real help desk, mapped: every command is legal where it is given."""

from collections import defaultdict
from collections.abc import Sequence

import pytest

from services.commands.rehearsal.event_map import script
from services.commands.rehearsal.log import Case, read
from services.contracts.vocabulary import CommandName, Phase
from services.workflow.lifecycle.transitions import LEGAL
from tests.event_log import FILE, needs_event_log

pytestmark = needs_event_log


@pytest.fixture(scope="module")
def cases() -> Sequence[Case]:
    return read(FILE)


def test_every_command_is_legal_in_the_phase_that_the_one_before_leaves(cases: Sequence[Case]) -> None:
    for case in cases:
        phase = Phase.REVIEW
        for step in script(case, defaultdict(str)).steps:
            assert step.name in LEGAL[phase], f"{case.id}: {step.name} in {phase}"
            phase = step.then


def test_every_case_with_a_closing_ends_closed(cases: Sequence[Case]) -> None:
    closed = [case for case in cases if any(event.activity == "Closed" for event in case.events)]

    assert closed
    assert {script(case, defaultdict(str)).ends for case in closed} == {Phase.CLOSED}


def test_resolving_again_is_another_cycle_of_the_ticket(cases: Sequence[Case]) -> None:
    for case in cases:
        resolved = [event for event in case.events if event.activity == "Resolve ticket"]
        steps = script(case, defaultdict(str)).steps
        assert sum(step.name is CommandName.RESOLVE for step in steps) >= len(resolved), case.id
