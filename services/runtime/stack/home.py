"""`BIHUAN_HOME`: the folder that holds everything a local stack keeps, for one stack at a time."""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from services.runtime.stack.errors import StackError
from services.runtime.stack.programs import end_leftover, started_at


@dataclass(frozen=True)
class Home:
    """The folder of one stack."""

    path: Path

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.path / "logs"

    @property
    def endpoints(self) -> Path:
        """Processes, pids and addresses, while the stack runs."""
        return self.path / "endpoints.json"

    def prepare(self) -> None:
        """Make the folders, closed to other people; root's is passable for the account of PostgreSQL."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
            for private in (self.logs, self.path / "secrets"):
                private.mkdir(exist_ok=True)
                private.chmod(0o700)
        except OSError as error:
            raise StackError(f"BIHUAN_HOME={self.path} cannot be used: {error.strerror}.") from None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the home for this process; the kernel gives it back however the process ends."""
        with (self.path / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise StackError(
                    f"Bihuan already runs from {self.path} (process {file.read().strip() or 'unknown'}): "
                    "stop that one first, or set BIHUAN_HOME to another folder."
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
        """Return the secret of that name, made at the first call."""
        path = self.path / "secrets" / name
        if not path.exists():
            write_private(path, make())
        return path.read_text().strip()

    def signing_keys(self) -> tuple[Path, Path]:
        """The files of the Ed25519 key pair of staff tokens, private and public, made at the first call."""
        private, public = self.path / "secrets" / "signing.pem", self.path / "secrets" / "verify.pem"
        if not public.exists():
            key = OKPKey.generate_key("Ed25519")
            write_private(private, key.as_pem(private=True).decode())
            write_private(public, key.as_pem(private=False).decode())
        return private, public

    def announce(self, url: str, processes: Sequence[Mapping[str, Any]]) -> None:
        """Write endpoints.json: what runs where. It holds no secret."""
        listed = [{**process, "started_at": started_at(int(process["pid"]))} for process in processes]
        text = json.dumps({"url": url, "home": str(self.path), "processes": listed}, ensure_ascii=False, indent=2)
        draft = self.endpoints.with_suffix(".new")
        draft.write_text(text + "\n")
        draft.replace(self.endpoints)

    def end_leftovers(self) -> None:
        """End what an earlier run left running because it was killed itself."""
        try:
            processes = json.loads(self.endpoints.read_text())["processes"]
        except (OSError, ValueError, KeyError):
            return
        for process in processes:
            if process["pid"] != os.getpid() and process["started_at"] is not None:
                end_leftover(process["pid"], process["started_at"])
        self.endpoints.unlink(missing_ok=True)


def default_path(checkout: Path) -> Path:
    """The path of the home unless `BIHUAN_HOME` says: in the checkout, for root a folder of `/var/lib`.

    PostgreSQL does not run as root, and its own account is not let into the folders where root keeps a checkout.
    """
    if os.geteuid() != 0:
        return checkout / ".bihuan"
    return Path("/var/lib") / f"bihuan-{hashlib.sha256(str(checkout).encode()).hexdigest()[:10]}"


def write_private(path: Path, text: str) -> None:
    """Write a line or more that only the owner may read; the file appears whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with open(draft, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text.rstrip("\n") + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
