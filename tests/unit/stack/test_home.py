"""`BIHUAN_HOME` belongs to one stack and to one person."""

import os
import stat
from pathlib import Path

import pytest

from services.runtime.stack import home as homes
from services.runtime.stack.errors import StackError
from services.runtime.stack.home import Home, write_private


@pytest.fixture
def place(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    return made


def test_a_second_holder_is_refused_and_told_who_holds_it(place: Home) -> None:
    with place.lock(), pytest.raises(StackError, match=str(os.getpid())), Home(place.path).lock():
        pass
    with Home(place.path).lock():
        assert (place.path / "lock").read_text() == str(os.getpid())


def test_a_secret_is_made_once_and_read_by_its_owner_alone(place: Home) -> None:
    first = place.secret("internal")
    assert place.secret("internal") == first
    assert place.secret("links") != first
    assert stat.S_IMODE((place.path / "secrets" / "internal").stat().st_mode) == 0o600


def test_the_signing_keys_stay_the_same(place: Home) -> None:
    private, public = place.signing_keys()
    before = private.read_text(), public.read_text()
    assert "PRIVATE" in before[0]
    assert "PRIVATE" not in before[1]
    place.signing_keys()
    assert (private.read_text(), public.read_text()) == before


def test_a_private_file_cut_short_before_is_written_whole(tmp_path: Path) -> None:
    (tmp_path / "key.new").write_text("half of")
    write_private(tmp_path / "key", "whole")
    assert (tmp_path / "key").read_text() == "whole\n"
    assert not (tmp_path / "key.new").exists()


def test_a_namesake_of_an_old_process_is_left_alone(place: Home) -> None:
    place.announce("http://127.0.0.1:1", [{"name": "web", "pid": os.getppid()}])
    text = place.endpoints.read_text()
    place.endpoints.write_text(text.replace('"started_at": 1', '"started_at": 2'))
    place.end_leftovers()
    os.kill(os.getppid(), 0)
    assert not place.endpoints.exists()


def test_a_home_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="BIHUAN_HOME"):
        Home(tmp_path / "file" / "home").prepare()


def test_root_keeps_its_home_out_of_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert homes.default_path(tmp_path).parent == Path("/var/lib")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert homes.default_path(tmp_path) == tmp_path / ".bihuan"
