"""Imports between rooms, and a reference that shares no line with what it judges (architecture.md)."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.programs import CHECKOUT

REFERENCE = CHECKOUT / "tests" / "reference"
ASKS_THE_REAL_ONE = {"ticket_driver.py", "previews.py"}
"""Ask the code that is judged, so that both can be compared; they work nothing out."""
MAY_SHARE = "services.contracts"


def test_services_meet_only_where_the_import_rules_let_them(tmp_path: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--cache-dir", tmp_path], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_reference_works_everything_out_anew() -> None:
    judges = [file for file in REFERENCE.glob("*.py") if file.name not in ASKS_THE_REAL_ONE]
    shared = {name for file in judges for name in _imported(file) if name.startswith("services.")}
    assert judges
    assert [name for name in sorted(shared) if not name.startswith(MAY_SHARE)] == []


def _imported(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
