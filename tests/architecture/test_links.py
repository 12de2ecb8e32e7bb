"""Targets of our pages are there: files and headings that they link, modules and folders that they name."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.programs import CHECKOUT

_LINK = re.compile(r"!?\[[^\]]*\]\((?!\w+:)(?P<target>[^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_NOT_OURS = {"node_modules", "vendor"}
_NAME = re.compile(r"`(?P<name>[a-z_]+(?:/[\w.-]+)+)`")
_ROOMS = {folder.name for folder in (CHECKOUT / "services").iterdir() if folder.is_dir()}
_FOLDERS = {"services", "tests", "deploy", "docs"}
_MADE_BY_SCRIPT = "deploy/secrets"


def test_every_link_between_our_pages_leads_somewhere() -> None:
    broken = [f"{page.relative_to(CHECKOUT)}: {target}" for page in _pages() for target in broken_links(page)]
    assert broken == []


@pytest.mark.parametrize("target", ["gone.md", "other.md#gone", "#gone", "folder/gone.png"])
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, target: str) -> None:
    (tmp_path / "other.md").write_text("# Here\n")
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\nSee [there]({target}).\n")
    assert list(broken_links(page)) == [target]


@pytest.mark.parametrize("target", ["other.md", "other.md#it-is-here", "#page", "https://example.com/gone"])
def test_a_link_that_leads_somewhere_is_none(tmp_path: Path, target: str) -> None:
    (tmp_path / "other.md").write_text("# It is here!\n")
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\nSee [there]({target}), and not `[code](gone.md)`.\n")
    assert list(broken_links(page)) == []


def test_every_module_and_folder_that_our_pages_name_is_there() -> None:
    gone = [f"{page.relative_to(CHECKOUT)}: {name}" for page in _pages() for name in unknown_names(page)]
    assert gone == []


def test_a_module_that_has_moved_away_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    there = "`runtime/turns.Turns`, `runtime/http`, `services/run.py`, `tests/reference`, `deploy/compose.yaml`"
    page.write_text(f"{there}, `application/json`, `runtime/gone`, `tests/gone.py`\n")
    assert list(unknown_names(page)) == ["runtime/gone", "tests/gone.py"]


def broken_links(page: Path) -> Iterator[str]:
    """Targets of links of `page` that are not there."""
    for found in _LINK.finditer(_CODE.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = unquote(found["target"]).partition("#")
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            yield found["target"]


def unknown_names(page: Path) -> Iterator[str]:
    """Names of modules, folders and files in `page` that are not there."""
    for found in _NAME.finditer(page.read_text(encoding="utf-8")):
        name = found["name"]
        room = name.partition("/")[0]
        if name.startswith(_MADE_BY_SCRIPT):
            continue
        if (room in _FOLDERS and not _exists(CHECKOUT / name)) or (
            room in _ROOMS and not _exists(CHECKOUT / "services" / name)
        ):
            yield name


def _exists(path: Path) -> bool:
    """Whether there is such a file or folder, or such a module, of which the name may add what is in it."""
    return path.exists() or path.with_name(f"{path.name.partition('.')[0]}.py").exists()


def _anchors(page: Path) -> set[str]:
    """The anchors that a forge makes of a page's headings."""
    titles = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def _pages() -> Iterator[Path]:
    for file in sorted(CHECKOUT.rglob("*.md")):
        folders = file.relative_to(CHECKOUT).parts[:-1]
        if not any(each.startswith(".") or each in _NOT_OURS for each in folders):
            yield file
