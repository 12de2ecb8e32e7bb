"""Files that pages load come from npm with a lock, are copied at set-up, and are all there."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.programs import CHECKOUT, front_end

CONSOLE = CHECKOUT / "services" / "console"
_NAMED = re.compile(r"vendor/([\w./-]+\.(?:js|css))")


def test_every_package_is_locked_by_its_hash_and_to_no_registry() -> None:
    packages = json.loads((CHECKOUT / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        assert not name or package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, f"{name}: npm install ran without .npmrc"


def test_every_file_of_a_package_that_pages_name_is_copied() -> None:
    folder = front_end()
    templates = [file.read_text(encoding="utf-8") for file in CONSOLE.rglob("*.html")]
    named = {path for text in templates for path in _NAMED.findall(text)}
    assert named
    assert {path for path in named if not (folder / path).is_file()} == set()


def test_no_page_loads_anything_from_elsewhere() -> None:
    for file in (CHECKOUT / "services").rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"""<(?:script|link|img|iframe)\b[^>]*(?:src|href)=["'](?:https?:)?//""", text), file


@pytest.mark.parametrize(("required", "status"), [("", 0), ("required", 1)])
def test_without_the_registry_the_set_up_says_so_and_stops_only_where_it_must(
    tmp_path: Path, required: str, status: int
) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is missing, and fetching it would need the network that this test denies")
    for name in (".npmrc", "package.json", "package-lock.json", "deploy/front_end.sh", "deploy/uv.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / name, tmp_path / name)
    away = {"npm_config_registry": "http://127.0.0.1:9", "npm_config_cache": str(tmp_path / "cache")}
    command = ["sh", str(tmp_path / "deploy" / "front_end.sh")]
    environment = {**os.environ, **away, "FRONT_END": required}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status
    assert "check the network and npm's configuration" in done.stderr
    assert ("everything else works" in done.stderr) is (status == 0)
