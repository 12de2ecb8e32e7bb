"""The services of deploy/compose.yaml as processes on this machine: the same settings, other addresses."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from services.contracts.names import Role
from tests.ports import free_port
from tests.programs import CHECKOUT, program

DEPLOY = CHECKOUT / "deploy"
SERVICES: Mapping[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
READY_SECONDS = 90.0
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}")


class RolesApart:
    """Every role in a process of its own behind the gateway. `folder` takes secrets and logs."""

    def __init__(self, folder: Path, secrets: Mapping[str, str], temporal: str) -> None:
        self._folder = folder
        self._secrets = secrets
        self._public = {role.value: free_port() for role in Role}
        self._internal = {role.value: free_port() for role in Role}
        self._outside, self._inside = free_port(), free_port()
        self._addresses = {
            "temporal:7233": temporal,
            "http://gateway:8080": f"http://127.0.0.1:{self._inside}",
            "10.89.77.2": "127.0.0.1",
            **{f"http://{name}:8081": f"http://127.0.0.1:{port}" for name, port in self._internal.items()},
        }
        self.url = f"http://127.0.0.1:{self._outside}"

    def run(self, service: str, *words: str) -> str:
        """Do what `docker compose run --rm SERVICE WORDS` does; answers what it said."""
        command, environment = self._command(*words), self._environment(service)
        done = subprocess.run(
            command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def up(self) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        """Run every role and the gateway; yields the processes of the roles when all are ready."""
        started = {role.value: self._start(role.value) for role in Role}
        gateway = self._start_gateway()
        try:
            self._wait_for(started)
            yield started
        finally:
            for process in (*started.values(), gateway):
                process.kill()
                process.wait(10)

    def metrics(self, role: str) -> str:
        """Metrics of a role, as Prometheus reads them."""
        return httpx.get(f"http://127.0.0.1:{self._internal[role]}/metrics", trust_env=False, timeout=10).text

    def log(self, role: str) -> str:
        """The log of a role."""
        return (self._folder / f"{role}.log").read_text()

    def _start(self, service: str) -> subprocess.Popen[bytes]:
        command, environment = self._command(*SERVICES[service]["command"]), self._environment(service)
        with (self._folder / f"{service}.log").open("wb") as log:
            return subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=log, stderr=log)

    def _start_gateway(self) -> subprocess.Popen[bytes]:
        upstreams = {name.upper(): f"127.0.0.1:{port}" for name, port in self._public.items()}
        own = {"GATEWAY_ADDRESS": self.url, "GATEWAY_INSIDE": str(self._inside), "OPENAPI": str(CHECKOUT / "docs")}
        command = [program("caddy"), "run", "--config", str(DEPLOY / "gateway" / "Caddyfile"), "--adapter", "caddyfile"]
        with (self._folder / "gateway.log").open("wb") as log:
            environment = {"PATH": os.environ["PATH"], "HOME": str(self._folder), **upstreams, **own}
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def _command(self, *words: str) -> list[str]:
        return ["sh", str(DEPLOY / "entrypoint.sh"), *words]

    def _environment(self, service: str) -> dict[str, str]:
        secrets = self._folder / "secrets" / service
        secrets.mkdir(parents=True, exist_ok=True)
        for each in SERVICES[service]["secrets"]:
            source, target = (each, each) if isinstance(each, str) else (each["source"], each["target"])
            (secrets / target).write_text(self._secrets.get(source, ""))
        given = SERVICES[service]["environment"]
        chosen = {name: self._resolve(str(value), secrets) for name, value in given.items()}
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "BIHUAN_SECRETS": str(secrets),
            "BIHUAN_PORT": str(self._public.get(service, 0)),
            "BIHUAN_INTERNAL_PORT": str(self._internal.get(service, 0)),
            **chosen,
        }

    def _resolve(self, value: str, secrets: Path) -> str:
        value = _VARIABLE.sub(lambda found: self.url if found[1] == "BIHUAN_PUBLIC_URL" else found[2] or "", value)
        value = value.replace("/run/secrets", str(secrets))
        return self._addresses.get(value, value)

    def _wait_for(self, started: Mapping[str, subprocess.Popen[bytes]]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while missing := {role: told for role in started if (told := self._missing(role))}:
            for role, process in started.items():
                assert process.poll() is None, f"{role} ended with {process.returncode}: {self.log(role)}"
            assert time.monotonic() < deadline, f"not ready after {READY_SECONDS:.0f} s: {missing}"
            time.sleep(0.2)

    def _missing(self, role: str) -> str:
        """The reason that a role is not ready; empty when it is."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self._internal[role]}/readyz", trust_env=False, timeout=5)
        except httpx.HTTPError:
            return "no answer"
        return "" if answer.is_success else answer.text
