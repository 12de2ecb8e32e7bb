"""Sessions of staff: which tokens still count, by a copy of the directory's word that costs no request a question."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.runtime.errors import Unauthenticated, Unavailable
from services.runtime.security import sessions
from services.runtime.security.auth import Authenticator, mint_token
from services.runtime.security.sessions import Session, StaffStanding
from services.runtime.service_client import ServiceClient
from tests.services.runtime.conftest import KeyPair
from tests.services.runtime.sample_app import SECRET

LI_LEI = StaffStanding("staff-1", "李雷", "lilei", frozenset({"clerk"}), "repairs", True, 2, None)
BELIEVED = 60.0


class FakeDirectory(ServiceClient):
    """One person, as the directory would tell of them; None while it is away."""

    def __init__(self) -> None:
        super().__init__("http://directory", SECRET)
        self.generation = 1
        self.person: StaffStanding | None = LI_LEI
        self.ended: list[str] = []
        self.is_away = False
        self.asked = 0

    async def get(self, path: str, **params: str | int) -> Any:
        """Answer a question about sessions, one that was signed out at a time."""
        assert path == "/internal/sessions"
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_away:
            raise Unavailable
        return self._news(int(params["generation"]), int(params["position"]))

    def becomes(self, person: StaffStanding | None) -> None:
        """Somebody changes them."""
        self.person, self.generation = person, self.generation + 1

    def _news(self, generation: int, position: int) -> dict[str, Any]:
        known = generation == self.generation
        one = [{"id": id_, "expires_at": 2e10} for id_ in self.ended[position : position + 1]]
        told = [] if self.person is None else [{**vars(self.person), "roles": sorted(self.person.roles)}]
        return {
            "generation": self.generation,
            "staff": None if known else told,
            "position": position + len(one),
            "ended": one,
            "more": position + len(one) < len(self.ended),
        }


class FakeClock:
    """The monotonic clock of the copy; it stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Time in the tests' hand, and nobody who follows in the background."""
    clock = FakeClock()
    monkeypatch.setattr(sessions, "monotonic", clock)
    monkeypatch.setattr(sessions.Sessions, "follow", lambda _: None)
    return clock


@pytest.fixture
def directory() -> FakeDirectory:
    """A directory that is there."""
    return FakeDirectory()


@pytest.fixture
def door(keys: KeyPair, directory: FakeDirectory) -> Authenticator:
    """A port behind which the directory is known."""
    return Authenticator(verify_key_pem=keys.public, internal_secret="", directory=directory, believed_seconds=BELIEVED)


def token(keys: KeyPair, *, generation: int = 2) -> str:
    return "Bearer " + mint_token(
        keys.private, staff_id="staff-1", name="old", username="old", roles=["admin"], department=None,
        generation=generation, lifetime=timedelta(hours=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("generation", "is_kept", "active", "ends"),
    [
        (1, False, True, True),
        (2, False, True, False),
        (3, False, True, False),
        (1, True, True, False),
        (2, False, False, True),
        (1, True, False, True),
    ],
    ids=["before the new password", "since it", "newer than the copy", "kept", "left", "kept and left"],
)
def test_a_new_password_ends_older_sessions_but_the_kept_one_and_leaving_ends_all(
    generation: int, is_kept: bool, active: bool, ends: bool
) -> None:
    person = replace(LI_LEI, active=active, kept_session="mine" if is_kept else "another")
    assert person.ends(Session("mine", generation, 0.0)) is ends


async def test_a_caller_has_the_rights_of_this_moment_and_not_those_of_the_token(
    keys: KeyPair, door: Authenticator, clock: FakeClock
) -> None:
    caller = await door.authenticate(token(keys))
    assert (caller.name, caller.username, caller.roles) == ("李雷", "lilei", frozenset({"clerk"}))
    assert caller.department == "repairs"


async def test_somebody_whom_the_copy_does_not_know_yet_is_who_the_token_says(
    keys: KeyPair, door: Authenticator, directory: FakeDirectory, clock: FakeClock
) -> None:
    directory.becomes(None)
    assert (await door.authenticate(token(keys))).name == "old"


async def test_signing_out_ends_one_session_and_no_other(
    keys: KeyPair, door: Authenticator, directory: FakeDirectory, clock: FakeClock
) -> None:
    first, second = token(keys), token(keys)
    caller = await door.authenticate(first)
    assert caller.session
    # Two questions: news come in parts.
    directory.ended = ["somebody else's", caller.session.id]
    clock.now += sessions.FRESH_SECONDS + 0.1
    with pytest.raises(Unauthenticated):
        await door.authenticate(first)
    assert door.staff_behind(first.removeprefix("Bearer ")) is None
    assert (await door.authenticate(second)).id == "staff-1"


async def test_a_fresh_copy_asks_nobody_and_an_old_one_asks_once_before_it_is_believed(
    keys: KeyPair, door: Authenticator, directory: FakeDirectory, clock: FakeClock
) -> None:
    mine = token(keys)
    await asyncio.gather(*(door.authenticate(mine) for _ in range(20)))
    clock.now += sessions.FRESH_SECONDS
    await door.authenticate(mine)
    assert directory.asked == 1
    directory.becomes(replace(LI_LEI, active=False))
    clock.now += 0.1
    ends = await asyncio.gather(*(door.authenticate(mine) for _ in range(20)), return_exceptions=True)
    assert {type(each) for each in ends} == {Unauthenticated}
    assert directory.asked == 2


@pytest.mark.parametrize(("after", "is_believed"), [(BELIEVED - 1, True), (BELIEVED, True), (BELIEVED + 1, False)])
async def test_while_the_directory_is_away_staff_go_on_for_a_bounded_time(
    keys: KeyPair, door: Authenticator, directory: FakeDirectory, clock: FakeClock, after: float, is_believed: bool
) -> None:
    mine = token(keys)
    await door.authenticate(mine)
    directory.is_away = True
    clock.now += after
    if is_believed:
        assert (await door.authenticate(mine)).id == "staff-1"
        return
    for _ in range(3):
        with pytest.raises(Unavailable) as refused:
            await door.authenticate(mine)
    assert int(refused.value.headers["Retry-After"]) > 0
    # Nobody waits for a directory that did not answer just now.
    assert directory.asked == 2


async def test_a_process_that_never_heard_from_the_directory_lets_no_token_in(
    keys: KeyPair, door: Authenticator, directory: FakeDirectory, clock: FakeClock
) -> None:
    directory.is_away = True
    with pytest.raises(Unavailable):
        await door.authenticate(token(keys))


async def test_what_ended_stays_ended_while_the_directory_is_away(
    keys: KeyPair, door: Authenticator, directory: FakeDirectory, clock: FakeClock
) -> None:
    directory.becomes(replace(LI_LEI, generation=3))
    with pytest.raises(Unauthenticated):
        await door.authenticate(token(keys))
    directory.is_away = True
    clock.now += BELIEVED
    with pytest.raises(Unauthenticated):
        await door.authenticate(token(keys))


async def test_news_reach_whoever_waits_for_them_without_a_request(
    keys: KeyPair, door: Authenticator, directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "RENEW_SECONDS", 0.01)
    mine = token(keys)
    await door.authenticate(mine)
    news = door.news
    directory.becomes(replace(LI_LEI, active=False))
    async with asyncio.timeout(10):
        await news.wait()
    assert door.staff_behind(mine.removeprefix("Bearer ")) is None
    await door.close()


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Time in the tests' hand, while a copy follows without a pause."""
    passing = FakeClock()
    monkeypatch.setattr(sessions, "monotonic", passing)
    monkeypatch.setattr(sessions, "RENEW_SECONDS", 0)
    return passing


async def _let_it_follow(directory: FakeDirectory) -> int:
    """Give the copy time; answers how often it asked."""
    before = directory.asked
    for _ in range(50):
        await asyncio.sleep(0)
    return directory.asked - before


@pytest.mark.parametrize(("unasked", "rests"), [(sessions.ASKED_SECONDS, False), (sessions.ASKED_SECONDS + 1, True)])
async def test_a_copy_that_nobody_asks_rests(
    keys: KeyPair, door: Authenticator, directory: FakeDirectory, passing: FakeClock, unasked: float, rests: bool
) -> None:
    await door.authenticate(token(keys))
    passing.now += unasked
    await _let_it_follow(directory)
    assert (await _let_it_follow(directory) == 0) is rests
    await door.close()


async def test_a_resting_copy_is_renewed_before_it_is_believed_and_follows_again(
    keys: KeyPair, door: Authenticator, directory: FakeDirectory, passing: FakeClock
) -> None:
    mine = token(keys)
    await door.authenticate(mine)
    passing.now += sessions.ASKED_SECONDS + 1
    await _let_it_follow(directory)
    directory.becomes(replace(LI_LEI, active=False))
    with pytest.raises(Unauthenticated):
        await door.authenticate(mine)
    assert await _let_it_follow(directory) > 0
    await door.close()
