"""The engine's store: what a running server has lost is noticed, and what it cannot start from is cleared away."""

from collections.abc import Callable
from pathlib import Path

import pytest

from services.runtime.stack.store import Store

DATABASE = b"SQLite format 3\0" + bytes(84)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "temporal.db"
    path.write_bytes(DATABASE)
    (tmp_path / "temporal.db-wal").write_bytes(b"log")
    return path


def _replace(path: Path) -> None:
    fresh = path.with_name("fresh")
    fresh.write_bytes(DATABASE)
    fresh.replace(path)


@pytest.mark.parametrize("lose", [Path.unlink, _replace, lambda path: path.write_bytes(b"")])
def test_a_store_that_is_deleted_replaced_or_emptied_is_lost(file: Path, lose: Callable[[Path], object]) -> None:
    store = Store(file)
    store.prepare()
    assert [store.is_lost(), store.is_lost()] == [False, False]
    lose(file)
    assert store.is_lost()
    store.prepare()
    assert not store.is_lost()


def test_a_store_that_grows_is_not_lost(file: Path) -> None:
    store = Store(file)
    store.prepare()
    assert not store.is_lost()
    file.write_bytes(DATABASE + bytes(4096))
    assert not store.is_lost()


def test_a_store_that_is_not_made_yet_is_not_lost(tmp_path: Path) -> None:
    store = Store(tmp_path / "temporal.db")
    store.prepare()
    assert not store.is_lost()
    store.path.touch()
    assert not store.is_lost()
    store.path.write_bytes(DATABASE)
    assert [store.is_lost(), store.is_lost()] == [False, False]


def test_a_start_keeps_a_whole_store_with_its_log(file: Path) -> None:
    Store(file).prepare()
    assert sorted(path.name for path in file.parent.iterdir()) == ["temporal.db", "temporal.db-wal"]


@pytest.mark.parametrize("content", [b"", b"SQLite", None])
def test_a_log_without_its_database_is_cleared_away(file: Path, content: bytes | None) -> None:
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    Store(file).prepare()
    assert not list(file.parent.iterdir())
