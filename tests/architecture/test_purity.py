"""Modules that workflows bring along are pure, so that all runs of a process may share them."""

import pytest

from services.runtime.temporal.sandbox import SHARED_WITH_SANDBOX
from tests.architecture.purity import OURS, impurities, reached, workflows


def test_whatever_a_workflow_imports_is_pure() -> None:
    found = {name: list(impurities(file.read_text(encoding="utf-8"))) for name, file in reached().items()}
    assert {name: deeds for name, deeds in found.items() if deeds} == {}


def test_every_workflow_and_what_it_imports_is_looked_at() -> None:
    names = set(reached())
    assert OURS in SHARED_WITH_SANDBOX
    assert set(workflows()) < names
    assert {"services.workflow.lifecycle.life", "services.contracts.ticket", "services.promises.priority"} < names


@pytest.mark.parametrize(
    "text",
    [
        "import random",
        "import time",
        "import os",
        "from uuid import uuid4",
        "import secrets",
        "import threading",
        "import services.runtime.language\nfrom pathlib import Path",
        "def f():\n    import io",
        "from zoneinfo import ZoneInfo",
        "from datetime import datetime\ndef f():\n    return datetime.now(UTC)",
        "from datetime import date\ndef f():\n    return date.today()",
        "import datetime\ndef f():\n    return datetime.datetime.utcnow()",
        "def f(at):\n    return at.astimezone()",
        "from datetime import datetime\ndef f(seconds):\n    return datetime.fromtimestamp(seconds)",
        "read = datetime.now\n",
        "def f():\n    return open('state')",
        "read = open",
        "def f():\n    return input()",
        "def f():\n    breakpoint()",
        "def f():\n    return __builtins__['open']",
        "import builtins",
        "def f(name):\n    return hash(name)",
        "import asyncio\nasync def f():\n    await asyncio.sleep(1)",
        "import asyncio\nasync def f():\n    await asyncio.to_thread(f)",
        "from asyncio import sleep",
        "from temporalio.workflow import unsafe",
        "from temporalio import workflow\ndef f():\n    with workflow.unsafe.sandbox_unrestricted():\n        pass",
        "count = 0\ndef f():\n    global count\n    count += 1",
        "SEEN = {}\ndef f(key):\n    SEEN[key] = 1",
        "SEEN = {}\ndef f(key):\n    del SEEN[key]",
        "SEEN: dict[str, int] = {}\ndef f(key):\n    SEEN.setdefault(key, 1)",
        "SEEN = []\ndef f(one):\n    SEEN.append(one)",
        "SEEN = [0]\ndef f():\n    SEEN[0] += 1",
        "SEEN = set()\nf = lambda one: SEEN.add(one)",
        "class Life:\n    runs = 0\n    def __init__(self):\n        Life.runs += 1",
        "class Life:\n    def f(self):\n        def g():\n            Life.last = self\n",
        "from services.contracts import names\ndef f():\n    names.QUEUE = 'other'",
    ],
)
def test_what_is_not_pure_is_found(text: str) -> None:
    assert list(impurities(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "from temporalio import workflow\ndef f():\n    return workflow.now()",
        "import asyncio\ndef f(told):\n    return asyncio.create_task(told)",
        "from datetime import UTC\ndef f(at):\n    return at.astimezone(UTC)",
        "LEGAL = {}\nLEGAL['a'] = 1\ndef f(key):\n    return LEGAL[key]",
        "SEEN = {}\ndef f(SEEN):\n    SEEN['a'] = 1",
        "SEEN = {}\ndef f():\n    SEEN = []\n    SEEN.append(1)",
        "class Life:\n    def f(self, state):\n        self.state = state\n        state.waits.append(1)",
        "from services.contracts.names import WORKFLOW_TICKET",
        "from functools import lru_cache\n@lru_cache\ndef f(text):\n    return text.upper()",
    ],
)
def test_what_only_its_arguments_decide_is_pure(text: str) -> None:
    assert list(impurities(text)) == []
