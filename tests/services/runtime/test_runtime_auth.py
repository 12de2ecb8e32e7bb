"""Callers: tokens offline, keys through the directory, the services' secret."""

import asyncio
import base64
import hmac
import json
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from joserfc import jwt
from joserfc.jwk import OKPKey

from services.runtime.errors import NotFound, Unauthenticated, Unavailable
from services.runtime.http.internal import create_internal_app
from services.runtime.role_parts import Part
from services.runtime.security import auth
from services.runtime.security.auth import Authenticator, Caller, PeerDep, key_hash, mint_token
from services.runtime.service_client import ServiceClient
from services.runtime.settings import RuntimeSettings
from tests.services.runtime.conftest import KeyPair, serving
from tests.services.runtime.sample_app import SECRET

KEY = "bh_" + "k" * 43


class FakeDirectory:
    """The part of the directory that keys need."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {
            key_hash(KEY): {"id": "key-1", "name": "shop", "scopes": ["tickets:read"], "department": "repairs"}
        }
        self.asked = 0

    def part(self) -> Part:
        """The internal endpoint as a part of a process."""
        router = APIRouter()

        @router.post("/internal/keys/introspect")
        async def introspect(question: dict[str, str], peer: PeerDep) -> dict[str, Any]:
            self.asked += 1
            if question["key_hash"] not in self.keys:
                raise NotFound
            return self.keys[question["key_hash"]]

        return Part(name="directory", internal_routers=[router])


def lilei(keys: KeyPair, lifetime: timedelta = timedelta(hours=1)) -> str:
    return mint_token(
        keys.private, staff_id="staff-1", name="李雷", username="lilei", roles=["clerk"], department="repairs",
        lifetime=lifetime,
    )  # fmt: skip


def offline(keys: KeyPair, secret: str = SECRET) -> Authenticator:
    return Authenticator(verify_key_pem=keys.public, internal_secret=secret, directory=None)


async def test_a_staff_token_is_checked_without_asking_anybody(keys: KeyPair) -> None:
    caller = await offline(keys).authenticate("Bearer " + lilei(keys))
    assert caller == Caller("staff", "staff-1", "李雷", "lilei", frozenset({"clerk"}), frozenset(), "repairs")


async def test_a_token_is_good_until_it_expires(keys: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    token = lilei(keys, timedelta(minutes=10))
    known = offline(keys)
    monkeypatch.setattr(auth, "time", lambda: now + 590)
    await known.authenticate("Bearer " + token)
    monkeypatch.setattr(auth, "time", lambda: now + 601)
    for authenticator in (known, offline(keys)):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate("Bearer " + token)


async def test_a_token_that_is_known_vouches_for_no_other(keys: KeyPair) -> None:
    known = offline(keys)
    token = lilei(keys)
    await known.authenticate("Bearer " + token)
    with pytest.raises(Unauthenticated):
        await known.authenticate("Bearer " + token[:-4] + "AAAA")


async def test_a_token_by_another_hand_is_refused(keys: KeyPair) -> None:
    claims = {"iss": "bihuan", "sub": "staff-1", "name": "x", "username": "x", "roles": ["admin"], "department": None,
              "exp": time.time() + 60}  # fmt: skip
    theirs = OKPKey.generate_key("Ed25519")
    forged = [
        jwt.encode({"alg": "Ed25519"}, claims, theirs, algorithms=["Ed25519"]),
        _signed_with_the_public_key(claims, keys),
        "eyJhbGciOiJub25lIn0." + lilei(keys).split(".")[1] + ".",
        lilei(keys)[:-4] + "AAAA",
        jwt.encode({"alg": "Ed25519"}, {**claims, "iss": "else"}, OKPKey.import_key(keys.private), ["Ed25519"]),
        jwt.encode({"alg": "Ed25519"}, {"iss": "bihuan"}, OKPKey.import_key(keys.private), ["Ed25519"]),
        jwt.encode({"alg": "Ed25519"}, {**claims, "exp": "soon"}, OKPKey.import_key(keys.private), ["Ed25519"]),
    ]
    for token in forged:
        with pytest.raises(Unauthenticated):
            await offline(keys).authenticate("Bearer " + token)


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer ÿ", "Bearer " + "x" * 9000,
                                   "Bearer a.b.c", "Bearer bh_"])  # fmt: skip
async def test_what_is_no_token_is_nobody(keys: KeyPair, given: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await offline(keys).authenticate(given)


async def test_an_empty_secret_lets_nobody_in(keys: KeyPair) -> None:
    assert (await offline(keys).authenticate("Bearer " + SECRET)).kind == "service"
    with pytest.raises(Unauthenticated):
        await offline(keys, secret="").authenticate("Bearer x")


async def test_a_key_is_known_by_its_hash_and_remembered_for_ten_seconds(
    keys: KeyPair, settings: RuntimeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, now = FakeDirectory(), time.monotonic()
    monkeypatch.setattr(auth, "monotonic", lambda: now)
    app = create_internal_app([directory.part()], settings.model_copy(update={"internal_secret": _secret(SECRET)}))
    async with serving(app, settings) as server:
        peer = ServiceClient(f"http://127.0.0.1:{server.port}", SECRET)
        known = Authenticator(verify_key_pem=None, internal_secret=SECRET, directory=peer)
        caller = await known.authenticate("Bearer " + KEY)
        assert caller == Caller("api_key", "key-1", "shop", None, frozenset(), frozenset({"tickets:read"}), "repairs")
        directory.keys.clear()
        now += 9.9
        assert await known.authenticate("Bearer " + KEY) == caller
        now += 0.2
        with pytest.raises(Unauthenticated):
            await known.authenticate("Bearer " + KEY)
        assert directory.asked == 2
        await peer.close()


async def test_requests_that_bring_a_key_at_the_same_moment_ask_the_directory_once(
    keys: KeyPair, settings: RuntimeSettings
) -> None:
    directory = FakeDirectory()
    app = create_internal_app([directory.part()], settings.model_copy(update={"internal_secret": _secret(SECRET)}))
    async with serving(app, settings) as server:
        peer = ServiceClient(f"http://127.0.0.1:{server.port}", SECRET)
        known = Authenticator(verify_key_pem=None, internal_secret=SECRET, directory=peer)
        waiting = [asyncio.create_task(known.authenticate("Bearer " + KEY)) for _ in range(20)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        assert {getattr(answer, "id", answer) for answer in answers[1:]} == {"key-1"}
        assert directory.asked == 1
        await peer.close()


async def test_a_directory_that_is_down_is_unavailable_not_a_refusal(keys: KeyPair) -> None:
    peer = ServiceClient("http://127.0.0.1:1", SECRET)
    with pytest.raises(Unavailable):
        await Authenticator(verify_key_pem=None, internal_secret=SECRET, directory=peer).authenticate("Bearer " + KEY)
    await peer.close()


async def test_the_caller_reaches_the_endpoint(base: str, keys: KeyPair) -> None:
    async with httpx.AsyncClient(base_url=base) as client:
        answer = await client.get("/v1/me", headers={"Authorization": "bearer " + lilei(keys)})
        assert answer.json() == {"kind": "staff", "id": "staff-1", "roles": ["clerk"], "department": "repairs"}


async def test_without_a_sign_in_the_answer_says_how(base: str) -> None:
    async with httpx.AsyncClient(base_url=base) as client:
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            answer = await client.get("/v1/me", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_endpoint_without_a_sign_in_does_not_mind_a_bad_token(base: str) -> None:
    async with httpx.AsyncClient(base_url=base) as client:
        assert (await client.get("/v1/orders/1", headers={"Authorization": "Bearer nonsense"})).status_code == 200


async def test_staff_are_no_peers(base: str, keys: KeyPair) -> None:
    async with httpx.AsyncClient(base_url=base) as client:
        staff = await client.get("/internal/secret", headers={"Authorization": "Bearer " + lilei(keys)})
        assert (staff.status_code, staff.json()["code"]) == (403, "forbidden")
        peer = await client.get("/internal/secret", headers={"Authorization": "Bearer " + SECRET})
        assert peer.json() == {"kind": "service"}


def _signed_with_the_public_key(claims: dict[str, Any], keys: KeyPair) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
    signed = head + b"." + base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    mac = base64.urlsafe_b64encode(hmac.digest(keys.public, signed, "sha256")).rstrip(b"=")
    return (signed + b"." + mac).decode()


def _secret(text: str) -> Any:
    return RuntimeSettings(internal_secret=text).internal_secret
