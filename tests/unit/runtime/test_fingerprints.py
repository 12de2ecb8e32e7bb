"""Fingerprints of bodies: equal for equal JSON, and the same as those that are stored."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from services.runtime.postgres.idempotency import _body_hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": [2]}', '{"b":[2],"a":1}'),
        ('{"a": 1}', '{"a": 1.0}'),
        ('{"a": [{"b": 10000000000000000}]}', '{"a": [{"b": 1e16}]}'),
        ('{"a": -0.0}', '{"a": 0}'),
        ('{"a": 15e3}', '{"a": 15000}'),
        ('{"a": "1.0", "b": 2.0}', '{"a": "1.0", "b": 2}'),
    ],
)
def test_equal_json_has_an_equal_fingerprint(one: str, other: str) -> None:
    assert _body_hash(json.loads(one), "secret") == _body_hash(json.loads(other), "secret")


@pytest.mark.parametrize(
    ("one", "other"), [('{"a": 1}', '{"a": 1.5}'), ('{"a": "1.0"}', '{"a": "1"}'), ('{"a": 1e-5}', '{"a": 0}')]
)
def test_other_json_has_another_fingerprint(one: str, other: str) -> None:
    assert _body_hash(json.loads(one), "secret") != _body_hash(json.loads(other), "secret")


@pytest.mark.parametrize("body", [{}, {"渠道": "门店", "b": [1, None, True]}, {"a": "1.0 e+"}, {"a": 1.5}])
def test_a_fingerprint_is_the_stored_one(body: Any) -> None:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert _body_hash(body, "secret") == hmac.new(b"secret", canonical.encode(), hashlib.sha256).hexdigest()
