"""A whole Bihuan in a home of its own, started by the code of `make up`, for tests that use it or break it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.ports import free_port

CHECKOUT = Path(__file__).resolve().parents[1]
READY = "Bihuan is ready"
START_SECONDS = 120.0


class Stack:
    """Start it, talk to it, kill its parts, stop it. `environment` adds to `BIHUAN_HOME` and `BIHUAN_PORT`."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port = free_port()
        self.environment = {"DEMO": "0", "BIHUAN_WORKERS": "1", **environment}
        self.said = home.with_name(f"{home.name}.said")
        self._up: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The public address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        """The API key with every scope."""
        return (self.home / "admin.key").read_text().strip()

    def client(self, **options: Any) -> httpx.Client:
        """A client that signs in with the key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30, **options)

    def start(self) -> None:
        """Start everything and return when it is ready."""
        self.begin()
        wait_until(lambda: READY in self.output() or not self.is_up(), START_SECONDS)
        assert READY in self.output(), self.output()

    def begin(self) -> None:
        """Start everything and return at once."""
        with self.said.open("wb") as said:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "services.run", "up"],
                cwd=CHECKOUT,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def try_again(self) -> subprocess.CompletedProcess[str]:
        """Run `up` that is expected to end by itself, and return what it said."""
        return subprocess.run(
            [sys.executable, "-m", "services.run", "up"],
            cwd=CHECKOUT,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def is_up(self) -> bool:
        """Whether the supervisor runs."""
        return self._up is not None and self._up.poll() is None

    def output(self) -> str:
        """The terminal's output since the last start."""
        return self.said.read_text() if self.said.exists() else ""

    def processes(self) -> dict[str, dict[str, Any]]:
        """Processes that endpoints.json lists, by name."""
        return {each["name"]: each for each in json.loads((self.home / "endpoints.json").read_text())["processes"]}

    def kill(self, *names: str) -> None:
        """Kill these processes at once, as a crash does."""
        for pid in [self.processes()[name]["pid"] for name in names]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if "up" in names and self._up is not None:
            self._up.wait(10)

    def wait_until_ready(self, *, seconds: float = START_SECONDS) -> None:
        """Return when every process answers that it is ready."""
        wait_until(lambda: all(self._is_ready(name) for name in ("web", "worker")), seconds)

    def stop(self) -> int:
        """Stop everything as `kill` or the terminal would, and return the exit status."""
        if self._up is None:
            return 0
        with suppress(ProcessLookupError):
            self._up.send_signal(signal.SIGTERM)
        return self._up.wait(60)

    def _is_ready(self, name: str) -> bool:
        with suppress(OSError, ValueError, KeyError, httpx.HTTPError):
            address = self.processes()[name]["internal_address"]
            return httpx.get(f"{address}/readyz", trust_env=False, timeout=5).is_success
        return False

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BIHUAN_")}
        return {**kept, "BIHUAN_HOME": str(self.home), "BIHUAN_PORT": str(self.port), **self.environment}


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    """Return as soon as it holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so after {seconds:.0f} s"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether there is a process with this pid that is not merely waiting to be buried."""
    with suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
