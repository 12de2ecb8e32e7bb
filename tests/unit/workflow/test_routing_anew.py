"""Whether a correction before the acceptance routes a ticket anew: not one whose department somebody named."""

import pytest

from services.contracts.commands.handling import Accept
from services.contracts.vocabulary import Category, CommandName
from services.workflow.commands.preparation import is_routed
from tests.unit.workflow.ticket_driver import Case

LATE = Accept(category=Category.LOGISTICS_DELAY)


@pytest.mark.parametrize(("assigned", "routed"), [(False, True), (True, False)])
def test_a_department_that_was_named_stays(assigned: bool, routed: bool) -> None:
    case = Case()
    case.state.department = "service"
    if assigned:
        case.do(CommandName.ASSIGN, department="service")
    assert is_routed(case.state, LATE) is routed
