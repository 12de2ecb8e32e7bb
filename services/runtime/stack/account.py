"""The account that PostgreSQL runs as when the stack is started by root, which PostgreSQL itself refuses."""

import os
import pwd
import subprocess
from pathlib import Path

from services.runtime.stack.errors import StackError

NAME = "bihuan"


def for_postgres() -> str | None:
    """Return the account to drop to, made at the first call; None when the caller is no root and needs none."""
    if os.geteuid() != 0:
        return None
    if not _exists():
        command = ["useradd", "--system", "--no-create-home", "--user-group", "--shell", "/usr/sbin/nologin", NAME]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            if not _exists():  # another start may have made it meanwhile
                raise StackError(
                    f"PostgreSQL does not run as root: make a system account called {NAME}, or start as another user."
                ) from None
    return NAME


def hand_over(path: Path, account: str | None) -> None:
    """Give a file or folder to `account`."""
    if account:
        entry = pwd.getpwnam(account)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def reaches(path: Path, account: str | None) -> bool:
    """Whether `account` may walk to `path` and read there."""
    if account is None:
        return True
    return not _walls(path, account) and _allows(path, account, 0o005 if path.is_dir() else 0o004)


def open_the_way(folder: Path, account: str | None) -> None:
    """Let `account` pass through the folders above `folder`, without seeing what is in them.

    Only root's own folders are changed, and never root's home: whoever keeps that closed means it.
    """
    if account is None:
        return
    for wall in _walls(folder, account):
        if wall.stat().st_uid != 0 or wall == Path(pwd.getpwuid(0).pw_dir).resolve():
            raise StackError(
                f"PostgreSQL does not run as root and may not pass through {wall}: set BIHUAN_HOME to another place."
            )
        wall.chmod(wall.stat().st_mode | 0o001)


def _exists() -> bool:
    return any(entry.pw_name == NAME for entry in pwd.getpwall())


def _walls(path: Path, account: str) -> list[Path]:
    return [parent for parent in reversed(path.resolve().parents) if not _allows(parent, account, 0o001)]


def _allows(path: Path, account: str, bits: int) -> bool:
    entry, status = pwd.getpwnam(account), path.stat()
    if status.st_uid == entry.pw_uid:
        return status.st_mode >> 6 & bits == bits
    if status.st_gid == entry.pw_gid:
        return status.st_mode >> 3 & bits == bits
    return status.st_mode & bits == bits
