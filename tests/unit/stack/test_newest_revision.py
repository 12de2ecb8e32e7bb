"""A start runs migrations when there are new ones, and only then."""

from pathlib import Path

from alembic.script import ScriptDirectory

from services.commands.local.machine import CHECKOUT, newest_revision


def test_the_newest_revision_is_the_one_that_no_other_follows(tmp_path: Path) -> None:
    for revision, before in (("0001", None), ("0003", "0001"), ("0002", "0003")):
        quoted = f'"{before}"' if before else "None"
        lines = f'revision: str = "{revision}"\ndown_revision: str | None = {quoted}\n'
        (tmp_path / f"{revision}_x.py").write_text(lines)
    assert newest_revision(tmp_path) == "0002"


def test_it_is_alembic_s_own() -> None:
    assert newest_revision() == ScriptDirectory(str(CHECKOUT / "services/migrations")).get_current_head()
