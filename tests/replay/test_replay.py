"""Histories of every release go on under today's code: a running ticket survives a deployment."""

import re

import pytest
from temporalio.client import WorkflowHistory
from temporalio.workflow import NondeterminismError

from tests.replay.recordings import WATCHED, recorded, replay, strings

RECORDED = recorded()
TICKETS = (
    "answered_while_waiting",
    "breached",
    "closed_confirmed",
    "complaint_second_callback",
    "information_not_supplied",
    "merged",
    "remarked",
    "reopened",
    "wait_and_resume",
    "withdrawn",
)
"""Paths of tickets: each as of today, and as of releases whose steps were recorded by activities alone."""
PATHS = {
    *TICKETS,
    *(f"{name}_by_activities" for name in TICKETS),
    "notice_given_up",
    "notice_sent_at_once",
    "notice_sent_later",
    "survey_answered",
    "survey_begun_when_sent",
    "survey_expired",
    "survey_not_delivered",
    "survey_on_its_way",
    "survey_withdrawn",
    "webhook_delivered",
    "webhook_exhausted",
}


def test_every_path_is_recorded() -> None:
    assert set(RECORDED) >= PATHS


@pytest.mark.parametrize("name", sorted(RECORDED))
async def test_a_recorded_history_replays(name: str) -> None:
    await replay(RECORDED[name])


@pytest.mark.parametrize("name", sorted(RECORDED))
async def test_a_recorded_history_replays_where_the_sandbox_watches_all_of_ours(name: str) -> None:
    await replay(RECORDED[name], WATCHED)


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_a_recording_names_no_machine_and_holds_no_free_text(name: str) -> None:
    texts = strings(RECORDED[name].to_json_dict())
    assert texts
    assert not [text for text in texts if re.search(r"/(home|root|tmp|usr|var)/|\d@[A-Za-z]|\.py\b", text)]
    assert not [text for text in texts if re.search(r"[\u4e00-\u9fff]", text)]


async def test_a_history_that_today_s_workflow_would_not_write_is_noticed() -> None:
    changed = RECORDED["closed_confirmed_by_activities"].to_json_dict()
    for event in changed["events"]:
        scheduled = event.get("activityTaskScheduledEventAttributes")
        if scheduled:
            scheduled["activityType"]["name"] = "tickets.forget"
    with pytest.raises(NondeterminismError):
        await replay(WorkflowHistory.from_json("changed", changed))
