"""The arithmetic of the figures that `make bench` prints."""

import os
import subprocess
import sys

import pytest

from tests.bench.figures import AT_LEAST, AT_MOST, Figure, Goal
from tests.bench.meter import Reading, Spell, cost, costs, described, read

SPINS = "import time\nwhile time.process_time() < 0.3: pass"


def test_a_spell_is_the_difference_of_two_readings_and_a_new_process_counts_in_whole() -> None:
    earlier = Reading(100.0, {"web": 5.0})
    spell = Reading(104.0, {"web": 5.5, "worker": 0.25}).since(earlier)
    assert spell == Spell(4.0, {"web": 0.5, "worker": 0.25})
    assert spell.total == 0.75


def test_idle_cost_is_taken_off_by_its_share_of_the_time() -> None:
    idle = Spell(10.0, {"web": 1.0})
    assert Spell(5.0, {"web": 2.0}).without(idle).spent == {"web": 1.5}


def test_a_process_that_spent_less_than_when_idle_cost_nothing() -> None:
    assert Spell(10.0, {"web": 0.5}).without(Spell(10.0, {"web": 1.0})).spent == {"web": 0.0}


def test_a_process_that_idles_nowhere_keeps_its_cost() -> None:
    assert Spell(10.0, {"bare": 0.5}).without(Spell(10.0, {"web": 1.0})).spent == {"bare": 0.5}


def test_cost_is_the_median_of_rounds_a_unit_in_milliseconds_of_all_and_of_each_process() -> None:
    spells = [Spell(1.0, {"web": web, "worker": worker}) for web, worker in ((1.0, 9.0), (3.0, 8.0), (2.0, 7.5))]
    assert cost(spells, 10) == 1000.0
    assert costs(spells, 10) == {"web": 200.0, "worker": 800.0}
    assert described(spells, 10) == "web 200.0, worker 800.0"


def test_the_time_of_a_child_that_has_ended_is_counted() -> None:
    me = [("me", os.getpid())]
    before = read(me)
    subprocess.run([sys.executable, "-c", SPINS], check=True)
    # The kernel tells user and system time in whole hundredths of a second.
    assert read(me).since(before).spent["me"] > 0.25


def test_processes_of_one_name_are_added_up() -> None:
    pid = os.getpid()
    once, twice = read([("web", pid)]), read([("web", pid), ("web", pid)])
    assert twice.spent["web"] >= 2 * once.spent["web"]


@pytest.mark.parametrize(
    ("goal", "floor", "verdict"),
    [
        (Goal(AT_MOST, 25, absolute=True), 10.0, "met"),
        (Goal(AT_MOST, 24.9, absolute=True), 10.0, "missed"),
        (Goal(AT_MOST, 2.5), 10.0, "met"),
        (Goal(AT_MOST, 2.4), 10.0, "missed"),
        (Goal(AT_LEAST, 2.5), 10.0, "met"),
        (Goal(AT_LEAST, 25), None, "met"),
        (None, 10.0, ""),
    ],
)
def test_a_goal_is_of_the_ratio_unless_there_is_no_floor_or_it_is_absolute(
    goal: Goal | None, floor: float | None, verdict: str
) -> None:
    assert Figure("command p50", 25.0, "ms", floor, goal).verdict == verdict
