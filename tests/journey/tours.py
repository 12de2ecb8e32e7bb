"""The tours of our pages, as somebody copies them into a shell."""

import os
import re
import subprocess
from pathlib import Path

from tests.stack import CHECKOUT, Stack

_BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
_REFUSAL = re.compile(r'"type":"urn:bihuan:problem:(\w+)"')
_HURRY = "sleep() { command sleep 0.1; }\n"


def copy_into_a_shell(page: str, stack: Stack, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run every command of `page` in `folder`, in one shell. Pauses are for readers: they are cut."""
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    commands = _HURRY + "".join(_BLOCK.findall((CHECKOUT / page).read_text(encoding="utf-8")))
    return subprocess.run(
        ["bash"],
        cwd=folder,
        env={**os.environ, "BIHUAN_HOME": str(stack.home), "BIHUAN_PORT": str(stack.port)},
        input=commands,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refusals(output: str) -> list[str]:
    """Codes of the problem documents in what a tour showed, in their order."""
    return _REFUSAL.findall(output)
