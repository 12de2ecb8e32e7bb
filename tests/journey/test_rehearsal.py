"""`rehearse` against a whole stack: a help desk's log goes through the public API, and every ticket gets to its end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.event_log import FILE, needs_event_log
from tests.stack import CHECKOUT, Stack

HEADER = (
    "Case ID,Activity,Resource,Complete Timestamp,customer,product,responsible_section,seriousness_2,"
    "service_level,service_type,support_section,workgroup"
)
REST = "Value 8,Value 3,Value 2,Value 1,,Value 1,,"
CASES = {
    "Case 1": [
        "Assign seriousness",
        "Take in charge ticket",
        "Wait",
        "Wait",
        "Require upgrade",
        "Resolve ticket",
        "Closed",
    ],
    "Case 2": ["Insert ticket", "RESOLVED", "VERIFIED", "Resolve ticket", "Closed", "Closed"],
    "Case 3": ["Take in charge ticket", "DUPLICATE", "Closed"],
    "Case 4": ["Assign seriousness", "Closed", "Take in charge ticket"],
    "Case 5": ["Assign seriousness", "Wait"],
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("rehearsal") / "home")
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


def rehearse(stack: Stack, file: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "services.run", "rehearse", str(file), *options],
        cwd=CHECKOUT,
        env={**os.environ, "BIHUAN_HOME": str(stack.home)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    lines = [
        f"{case},{activity},Value {second % 3},2012/07/05 08:30:{second:02}.000,{REST}"
        for case, activities in CASES.items()
        for second, activity in enumerate(activities)
    ]
    file = tmp_path / "log.csv"
    file.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return file


def test_every_case_ends_where_its_log_says_and_nothing_is_refused(running: Stack, log: Path) -> None:
    played = rehearse(running, log)

    assert played.returncode == 0, played.stdout + played.stderr
    assert "5 cases played, 5 tickets" in played.stdout
    assert "3  closed (confirmed)" in played.stdout
    assert "1  closed (withdrawn)" in played.stdout
    assert "1  processing.waiting" in played.stdout
    assert "refused 0, lost 0, stuck 0" in played.stdout


def test_log_can_be_played_again_with_the_same_people(running: Stack, log: Path) -> None:
    played = rehearse(running, log, "--tickets", "2", "--concurrency", "1")

    assert played.returncode == 0, played.stdout + played.stderr
    assert "2 cases played, 2 tickets" in played.stdout


@needs_event_log
def test_first_cases_of_the_real_log_end_where_it_says(running: Stack) -> None:
    played = rehearse(running, FILE, "--tickets", "20")

    assert played.returncode == 0, played.stdout + played.stderr
    assert "refused 0, lost 0, stuck 0" in played.stdout


def test_key_that_may_not_is_one_sentence_and_exit_status_1(running: Stack, log: Path) -> None:
    played = rehearse(running, log, "--key", "bh_" + "A" * 43)

    assert played.returncode == 1
    assert "401" in played.stderr
    assert "Traceback" not in played.stderr
