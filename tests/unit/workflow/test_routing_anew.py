"""Whether a correction before the acceptance routes a ticket anew: not one whose department somebody named."""

import pytest

from services.contracts.commands import Accept
from services.contracts.vocabulary import Category, CommandName
from services.workflow.commands.preparation import is_routed
from tests.unit.workflow.ticket_driver import Case

LATE = Accept(category=Category.LOGISTICS_DELAY)


@pytest.mark.parametrize("rules", [3, 4])
@pytest.mark.parametrize(("assigned", "routed"), [(False, True), (True, False)])
def test_a_department_that_was_named_stays_also_on_a_ticket_of_older_rules(
    assigned: bool, rules: int, routed: bool
) -> None:
    case = Case()
    case.state.rules = rules
    case.state.department = "service"
    if assigned:
        case.do(CommandName.ASSIGN, department="service")
    if rules < 4:
        case.state.department_named = False
    assert is_routed(case.state, LATE) is routed
