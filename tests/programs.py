"""Programs that some tests drive and not every machine has; without one (deploy/programs.sh), they skip and say so."""

import shutil
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
_TOOLS = CHECKOUT / ".tools"
_UNPACKED = _TOOLS / "programs" / "bin"
_DEBIAN = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}

CHROMIUM_FLAGS = ("--no-sandbox", "--disable-background-networking")


def program(name: str) -> str:
    """Return the path of `name`, or skip the test with the name of Debian's package."""
    found = shutil.which(name) or shutil.which(name, path=str(_UNPACKED))
    if found is None:
        pytest.skip(f"{name} is missing (Debian package {_DEBIAN.get(name, name)}; deploy/programs.sh fetches it)")
    return found


def chromium() -> str:
    """Return the path of Chromium for Playwright's `executable_path`, or skip the test."""
    return program("chromium")


def axe() -> str:
    """Return the source of axe-core, which judges a page's accessibility, or skip the test."""
    script = _TOOLS / "front-end" / "axe.min.js"
    if not script.exists():
        pytest.skip("axe-core is missing (deploy/front_end.sh dev fetches it from npm)")
    return script.read_text(encoding="utf-8")


def front_end() -> Path:
    """Return the folder of the packages that pages load, or skip the test."""
    folder = CHECKOUT / "services" / "console" / "static" / "vendor"
    if not folder.is_dir():
        pytest.skip("the packages of pages are missing (deploy/front_end.sh fetches them from npm)")
    return folder
