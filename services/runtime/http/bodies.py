"""JSON as every reader agrees on it: what PostgreSQL or other parsers would read differently is refused (I18)."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.runtime.errors import MalformedJson, ValidationFailed
from services.runtime.http.problems import pointer

DEEPEST = 64
_LARGEST_INTEGER = 2**63 - 1
_DIGITS_OF_SAFE_INTEGERS = 18
# Escapes are the only way for a NUL or a lone surrogate into valid UTF-8 JSON; most bodies have neither.
_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}

Where = tuple[int | str, ...]


def parse_json(body: bytes) -> Any:
    """Parse a body. Refused: other encodings, duplicate keys, NaN and infinities, integers beyond 64 bits, depth."""
    try:
        parsed = _decoder.decode(body.decode())
    except UnicodeDecodeError as error:
        raise MalformedJson({"en": "The body is not UTF-8.", "zh": "请求正文不是 UTF-8 编码。"}) from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise MalformedJson from error
    if body.count(b"[") + body.count(b"{") > DEEPEST:
        _check_depth(parsed)
    if _SUSPICIOUS.search(body):
        _check_strings(parsed)
    return parsed


def parse_literal(text: str) -> Any:
    """The number, true, false or null that JSON would read in `text`; `text` itself where it reads none."""
    if text in _WORDS:
        return _WORDS[text]
    if not _NUMBER.fullmatch(text):
        return text
    try:
        return _decoder.decode(text)
    except ValueError as error:
        raise MalformedJson from error


def is_storable(text: str) -> bool:
    """Whether PostgreSQL and UTF-8 take `text`: no NUL, no lone surrogate."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _integer(digits: str) -> int:
    if len(digits) <= _DIGITS_OF_SAFE_INTEGERS:
        return int(digits)
    # Far too long a number is not worth the quadratic time of reading it.
    if len(digits) > _DIGITS_OF_SAFE_INTEGERS + 2 or abs(number := int(digits)) > _LARGEST_INTEGER:
        raise ValueError("integer beyond 64 bits")
    return number


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("number beyond a double")
    return number


def _constant(name: str) -> float:
    raise ValueError(name)


_decoder = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_integer, parse_float=_finite, parse_constant=_constant)


def _check_depth(parsed: Any) -> None:
    level = [parsed]
    for _ in range(DEEPEST):
        level = [child for value in level for child in _nested(value)]
        if not level:
            return
    raise _too_deep()


def _nested(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value
    return [child for child in children if isinstance(child, dict | list)]


def _too_deep() -> MalformedJson:
    return MalformedJson(
        {"en": f"The body nests deeper than {DEEPEST} levels.", "zh": f"请求正文嵌套超过 {DEEPEST} 层。"}
    )


def _check_strings(parsed: Any) -> None:
    for where in _unstorable(parsed, ()):
        raise ValidationFailed.at(
            pointer(where),
            "invalid_characters",
            {"en": "NUL and lone surrogates are no text", "zh": "文本不能含有 NUL 或单独的代理字符"},
        )


def _unstorable(value: Any, where: Where) -> Iterator[Where]:
    if isinstance(value, str):
        if not is_storable(value):
            yield where
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unstorable(item, (*where, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            if not is_storable(key):
                yield where
            yield from _unstorable(item, (*where, key))
