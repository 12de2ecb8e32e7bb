"""Ladders as data: who is told at which step, with which pause, and what a file of one's own may say."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from services.contracts.alert import Rung, Threshold
from services.contracts.vocabulary import ClockName, Urgency
from services.notify.ladders.ladders import BUILT_IN, DEFAULT, LadderDraft, LadderPlace, read_ladders

LADDERS = read_ladders()[DEFAULT]
HIGHER = (((Rung.ON_CALL,),), ((Rung.DEPARTMENT_HEAD,),), ((Rung.SUPERVISOR,),))


@pytest.mark.parametrize("clock", ClockName)
def test_every_clock_climbs_from_its_own_first_step_to_on_call_head_and_supervisor(clock: ClockName) -> None:
    ladder = LADDERS.of(Threshold.BREACH, clock)
    assert ladder.steps[-3:] == HIGHER
    assert 1 <= len(ladder.steps) - 3 <= 2


def test_steps_tell_several_together_and_name_who_stands_in() -> None:
    assert LADDERS.of(Threshold.BREACH, ClockName.RESPONSE).steps[0] == ((Rung.OWNER, Rung.CLERKS),)
    assert LADDERS.of(Threshold.BREACH, ClockName.PLAN).steps[0] == (
        (Rung.OWNER, Rung.CLERKS),
        (Rung.DEPARTMENT_HEAD,),
    )
    acceptance = LADDERS.of(Threshold.BREACH, ClockName.ACCEPTANCE).steps[:2]
    assert acceptance == (((Rung.CLERKS,),), ((Rung.SUPERVISOR,),))


def test_the_pause_is_a_quarter_of_an_hour_and_five_minutes_when_urgent() -> None:
    ladder = LADDERS.of(Threshold.BREACH, ClockName.PROGRESS)
    assert ladder.pause_for(Urgency.URGENT) == timedelta(minutes=5)
    assert {ladder.pause_for(each) for each in (Urgency.NORMAL, Urgency.LOW)} == {timedelta(minutes=15)}


def test_a_round_begins_anew_until_the_last_one_has_ended() -> None:
    ladder = LADDERS.of(Threshold.BREACH, ClockName.PROGRESS)
    assert ladder.after(LadderPlace(1, 1), 3) == LadderPlace(1, 2)
    assert ladder.after(LadderPlace(1, 4), 3) == LadderPlace(2, 1)
    assert ladder.after(LadderPlace(3, 4), 3) is None
    assert ladder.rest_of_round(LadderPlace(2, 3)) == (LadderPlace(2, 3), LadderPlace(2, 4))


def test_a_warning_has_one_step_and_its_acknowledgement_does_not_expire() -> None:
    ladder = LADDERS.of(Threshold.WARNING, ClockName.ACCEPTANCE)
    assert (ladder.steps, ladder.rounds, ladder.acknowledged_for) == ((((Rung.CLERKS,),),), 1, None)


def test_a_low_rating_tells_the_supervisors_within_the_day_in_which_it_is_called_back() -> None:
    ladder = LADDERS.of(Threshold.LOW_RATING, None)
    assert ladder.steps == (((Rung.SUPERVISOR,),),)
    assert ladder.pause_for(Urgency.NORMAL) * ladder.rounds <= timedelta(days=1)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("breach", "steps", "progress"), ["boss"]),
        (("breach", "steps", "progress"), []),
        (("breach", "steps", "progress"), ["owner +"]),
        (("breach", "pause"), {"urgent": "PT5M"}),
        (("breach", "pause"), {"*": "PT2WH"}),
        (("breach", "pause"), {"*": "soon"}),
        (("breach", "rounds"), 0),
        (("breach", "acknowledged_for"), "P1WD"),
        (("breach", "surprise"), 1),
        (("breach", "pause"), {"*": "PT0S"}),
        (("breach", "pause"), {"*": "P32D"}),
        (("breach", "steps", "progress"), ["admin"]),
        (("breach", "steps", "progress"), ["owner or colleague"]),
        (("breach", "steps", "acceptance"), ["clerks", "owner"]),
        (("breach", "steps", "information_request"), ["owner + owner"]),
    ],
)
def test_a_file_that_is_no_ladder_is_refused(tmp_path: Path, path: tuple[str, ...], value: object) -> None:
    content = yaml.safe_load(BUILT_IN.read_text(encoding="utf-8"))
    place = content["default"]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    file = tmp_path / "ladders.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ValueError, match=r"."):
        read_ladders(file)


def test_a_file_that_forgets_a_clock_is_refused(tmp_path: Path) -> None:
    content = yaml.safe_load(BUILT_IN.read_text(encoding="utf-8"))
    del content["default"]["breach"]["steps"]["plan"]
    file = tmp_path / "ladders.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ValueError, match="plan"):
        read_ladders(file)


def test_a_ladder_is_written_as_it_is_read() -> None:
    written = LADDERS.model_dump(mode="json")
    assert written["breach"]["steps"]["plan"][0] == "owner or clerks + department_head"
    assert LadderDraft.model_validate(written) == LADDERS


def test_a_file_may_hold_ladders_of_other_names(tmp_path: Path) -> None:
    content = yaml.safe_load(BUILT_IN.read_text(encoding="utf-8"))
    file = tmp_path / "ladders.yaml"
    file.write_text(yaml.safe_dump({**content, "vip": content["default"]}), encoding="utf-8")
    assert set(read_ladders(file)) == {"default", "vip"}


@pytest.mark.parametrize("text", ["", "[]", "default: {}", "default: [", "other: {}"])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "ladders.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"."):
        read_ladders(file)
    with pytest.raises(ValueError, match="no ladders"):
        read_ladders(tmp_path / "missing.yaml")
