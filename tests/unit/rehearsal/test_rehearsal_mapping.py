"""Events of a help desk's log as commands (each rule of the mapping once)."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from services.commands.rehearsal.event_map import Script, script
from services.commands.rehearsal.log import LogUnreadable, read
from services.contracts.commands.table import BODIES
from services.contracts.feedback import Feedback
from services.contracts.vocabulary import Phase

HEADER = (
    "Case ID,Activity,Resource,Complete Timestamp,customer,product,responsible_section,seriousness_2,"
    "service_level,service_type,support_section,workgroup"
)
REGISTERED = "Assign seriousness"
TAKEN = "Take in charge ticket"


def write_log(folder: Path, *lines: str, header: str = HEADER) -> Path:
    file = folder / "log.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return file


def line(activity: str, second: int = 0, *, case: str = "Case 1", resource: str = "Value 6", service: str = "Value 1",
         seriousness: str = "Value 1") -> str:  # fmt: skip
    at = f"2012/07/05 08:30:{second:02}.000"
    return f"{case},{activity},{resource},{at},Value 8,Value 3,Value 2,{seriousness},Value 2,{service},Value 1,Value 2"


def play(folder: Path, *activities: str) -> Script:
    file = write_log(folder, *(line(activity, second) for second, activity in enumerate(activities)))
    return script(read(file)[0], {"Value 6": "lilei"})


def names(played: Script) -> Sequence[str]:
    return [str(step.name) for step in played.steps]


def outcome(played: Script, position: int) -> Any:
    return played.steps[position].body["outcome"]


def test_first_event_registers_a_feedback_and_accepts_it_for_section_and_resource(tmp_path: Path) -> None:
    played = play(tmp_path, REGISTERED)

    assert played.feedback["product"] == {"model": "Product Value 3", "serial_no": "sn-case-1"}
    assert names(played) == ["accept"]
    assert played.steps[0].body == {"department": "section-value-2", "owner": "lilei"}
    assert played.ends is Phase.ASSIGNED


def test_one_customer_of_the_log_has_one_invented_contact(tmp_path: Path) -> None:
    file = write_log(tmp_path, line(REGISTERED), line(REGISTERED, case="Case 2"))
    first, second = (script(case, {"Value 6": "lilei"}).feedback["customer"] for case in read(file))

    assert first == second
    assert first["email"].endswith("@example.com")


def test_taking_charge_assigns_and_the_first_time_responds_too(tmp_path: Path) -> None:
    played = play(tmp_path, REGISTERED, TAKEN, TAKEN)

    assert names(played) == ["accept", "assign", "respond", "assign"]


def test_case_that_begins_with_taking_charge_is_accepted_and_then_assigned(tmp_path: Path) -> None:
    assert names(play(tmp_path, TAKEN, TAKEN)) == ["accept", "assign", "respond", "assign"]


@pytest.mark.parametrize(
    "activity",
    ["Assign seriousness", "Insert ticket", "Create SW anomaly", "Resolve SW anomaly", "Schedule intervention",
     "VERIFIED", "An activity that nobody knows"],
)  # fmt: skip
def test_notes_on_the_handling_are_progress(tmp_path: Path, activity: str) -> None:
    assert names(play(tmp_path, "Insert ticket", activity)) == ["accept", "progress"]


def test_wait_is_a_wait_for_the_customer_that_the_next_event_ends(tmp_path: Path) -> None:
    played = play(tmp_path, REGISTERED, "Wait", TAKEN)

    assert names(played) == ["accept", "wait", "resume", "assign", "respond"]
    assert played.steps[1].body["reason"] == "customer"


def test_wait_after_a_wait_is_one(tmp_path: Path) -> None:
    played = play(tmp_path, REGISTERED, "Wait", "Wait")

    assert names(played) == ["accept", "wait"]
    assert played.ends is Phase.WAITING


def test_required_upgrade_is_a_plan(tmp_path: Path) -> None:
    played = play(tmp_path, REGISTERED, "Require upgrade")

    assert names(played) == ["accept", "plan"]
    assert played.ends is Phase.PLANNED


@pytest.mark.parametrize("activity", ["Resolve ticket", "RESOLVED"])
def test_resolving_resolves(tmp_path: Path, activity: str) -> None:
    played = play(tmp_path, REGISTERED, activity)

    assert names(played) == ["accept", "resolve"]
    assert played.ends is Phase.AWAITING_CALLBACK


@pytest.mark.parametrize(
    ("activity", "then"),
    [("Resolve ticket", "resolve"), ("Assign seriousness", "progress"), ("VERIFIED", "progress"), ("Wait", "wait"),
     ("Require upgrade", "plan"), ("DUPLICATE", "withdraw")],
)  # fmt: skip
def test_event_after_a_resolution_is_a_residual_issue_and_then_the_event(
    tmp_path: Path, activity: str, then: str
) -> None:
    played = play(tmp_path, REGISTERED, "Resolve ticket", activity)

    assert names(played) == ["accept", "resolve", "record-callback", then]
    assert outcome(played, 2) == "residual_issue"


def test_closing_after_a_resolution_is_a_satisfied_callback(tmp_path: Path) -> None:
    played = play(tmp_path, REGISTERED, "Resolve ticket", "Closed")

    assert names(played) == ["accept", "resolve", "record-callback"]
    assert outcome(played, 2) == "satisfied"
    assert played.ends is Phase.CLOSED


def test_second_closing_is_ignored(tmp_path: Path) -> None:
    assert names(play(tmp_path, REGISTERED, "Resolve ticket", "Closed", "Closed"))[2:] == ["record-callback"]


@pytest.mark.parametrize("before", [(REGISTERED,), ()])
def test_closing_without_a_resolution_resolves_first(tmp_path: Path, before: tuple[str, ...]) -> None:
    assert names(play(tmp_path, *before, "Closed")) == ["accept", "resolve", "record-callback"]


def test_closing_while_waiting_resumes_resolves_and_calls_back(tmp_path: Path) -> None:
    assert names(play(tmp_path, REGISTERED, "Wait", "Closed")) == [
        "accept", "wait", "resume", "resolve", "record-callback",
    ]  # fmt: skip


@pytest.mark.parametrize("activity", ["DUPLICATE", "INVALID"])
def test_duplicate_and_invalid_are_withdrawn_and_stay_closed(tmp_path: Path, activity: str) -> None:
    played = play(tmp_path, REGISTERED, activity, "Closed")

    assert names(played) == ["accept", "withdraw"]
    assert played.ends is Phase.CLOSED


def test_event_after_the_end_reopens_and_the_end_of_the_case_closes_again(tmp_path: Path) -> None:
    played = play(tmp_path, REGISTERED, "Resolve ticket", "Closed", TAKEN)

    assert names(played)[3:] == ["reopen", "assign", "respond", "resolve", "record-callback"]
    assert played.ends is Phase.CLOSED


def test_events_of_a_case_are_played_in_the_order_of_their_times(tmp_path: Path) -> None:
    file = write_log(tmp_path, line("Resolve ticket", 9), line(REGISTERED, 1), line("Wait", 5))

    assert names(script(read(file)[0], {"Value 6": "lilei"})) == ["accept", "wait", "resume", "resolve"]


def test_events_of_other_cases_may_lie_between(tmp_path: Path) -> None:
    file = write_log(tmp_path, line(REGISTERED, 1), line(REGISTERED, 2, case="Case 2"), line("Resolve ticket", 3))

    assert [len(case.events) for case in read(file)] == [2, 1]


@pytest.mark.parametrize(
    ("service", "seriousness", "kind", "urgency"),
    [("Value 1", "Value 1", "fault", "normal"), ("Value 2", "Value 2", "consultation", "low"),
     ("Value 3", "Value 3", "consultation", "urgent"), ("Value 1", "Value 4", "fault", "urgent")],
)  # fmt: skip
def test_service_type_and_seriousness_give_kind_and_urgency(
    tmp_path: Path, service: str, seriousness: str, kind: str, urgency: str
) -> None:
    file = write_log(tmp_path, line(REGISTERED, service=service, seriousness=seriousness))
    feedback = script(read(file)[0], {"Value 6": "lilei"}).feedback

    assert (feedback["kind"], feedback["urgency"]) == (kind, urgency)


def test_every_body_is_one_that_the_api_takes(tmp_path: Path) -> None:
    played = play(tmp_path, REGISTERED, TAKEN, "Wait", "Require upgrade", "VERIFIED", "RESOLVED", "Wait", "Closed",
                  "INVALID", TAKEN)  # fmt: skip

    Feedback.model_validate(played.feedback)
    for step in played.steps:
        BODIES[step.name].model_validate(step.body)


def test_event_without_a_resource_names_no_owner(tmp_path: Path) -> None:
    file = write_log(tmp_path, line(REGISTERED, resource=""))

    assert script(read(file)[0], defaultdict(str)).steps[0].body == {"department": "section-value-2"}


@pytest.mark.parametrize(
    ("lines", "header", "said"),
    [
        ([], "Case ID,Activity", "it has no column Resource"),
        (
            [line(REGISTERED).replace("2012/07/05", "yesterday")],
            HEADER,
            "line 2: 'yesterday 08:30:00.000' is not a time",
        ),
        ([line("")], HEADER, "line 2: an event has a case and an activity"),
    ],
)
def test_file_that_is_no_event_log_is_refused_in_one_sentence(
    tmp_path: Path, lines: list[str], header: str, said: str
) -> None:
    with pytest.raises(LogUnreadable, match=said):
        read(write_log(tmp_path, *lines, header=header))


def test_file_that_is_not_there_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LogUnreadable, match=r"nowhere\.csv cannot be read"):
        read(tmp_path / "nowhere.csv")
