"""A closing that could not be applied in its turn: who is asked about it, and who is not (semantics.md 20, 25)."""

from services.contracts.journal import EventType
from tests.services.survey.builders import closing, happened
from tests.services.survey.harness import SurveyServiceHarness


async def test_a_closing_applied_late_invites_once(harness: SurveyServiceHarness) -> None:
    missed = closing()
    for _ in range(2):
        await harness.apply_dead_letter(missed, cycle=1)
    (row,) = await harness.surveys_of(missed.ticket_no)
    assert (row["state"], row["cycle"]) == ("scheduled", 1)


async def test_nobody_is_asked_late_about_a_cycle_that_was_reopened_since(harness: SurveyServiceHarness) -> None:
    missed = closing()
    await harness.apply(happened(EventType.REOPENED, ticket_no=missed.ticket_no, cycle=2))
    await harness.apply_dead_letter(missed, cycle=2)
    assert await harness.surveys_of(missed.ticket_no) == []


async def test_a_reopening_applied_late_withdraws_what_is_not_answered_of_the_cycle_before(
    harness: SurveyServiceHarness,
) -> None:
    first = closing()
    await harness.apply(first)
    await harness.apply(closing(ticket_no=first.ticket_no, cycle=2))
    await harness.apply_dead_letter(happened(EventType.REOPENED, ticket_no=first.ticket_no, cycle=2), cycle=2)
    states = {row["cycle"]: row["state"] for row in await harness.surveys_of(first.ticket_no)}
    assert states == {1: "withdrawn", 2: "scheduled"}
