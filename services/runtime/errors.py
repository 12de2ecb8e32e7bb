"""Refusals: named exceptions with an HTTP status and a stable code (api.md, "Rules for every endpoint").

Whoever refuses raises one of these; the HTTP edge turns it into a problem document. Nobody reads an error's text
to decide: `code` says what happened.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NotRequired, TypedDict

from services.wording import Wording

Words = str | Mapping[str, str]
"""A text for people, or one per language (`en`, `zh`)."""


class FieldError(TypedDict):
    """One thing wrong with the input; `pointer` is a JSON pointer into the body, or `/` and a parameter's name; `line`,
    from 1, is told of bodies that people write by hand."""

    pointer: str
    code: str
    message: Words
    line: NotRequired[int]


class Refusal(Exception):
    """A request is answered with a problem document.

    `detail` is for a person and replaces the catalogue's text: one text, or one per language
    (`{"en": ..., "zh": ...}`). Each class of refusals is declared with its status and code, and with the wording of its
    service where that has a `title` or a `detail` of its own for the code.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"
    wording: ClassVar[Wording | None] = None

    def __init_subclass__(
        cls, *, status: int | None = None, code: str | None = None, wording: Wording | None = None
    ) -> None:
        cls.status, cls.default_code = status or cls.status, code or cls.default_code
        cls.wording = wording or cls.wording

    def __init__(
        self,
        detail: Words = "",
        *,
        code: str | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code or self.default_code
        self.titles = self._told("title")
        self.detail, self.details = _split(detail or self._told("detail"))
        self.extra: dict[str, Any] = dict(extra or {})
        self.headers: dict[str, str] = dict(headers or {})
        super().__init__(self.detail or self.code)

    def _told(self, kind: str) -> dict[str, str]:
        if self.wording is None or self.code not in self.wording.both.codes[kind]:
            return {}
        return self.wording.told(kind, self.code)


class MalformedJson(Refusal, status=400, code="malformed_json"):
    """The body is not JSON that every reader agrees on: syntax, encoding, duplicate keys, NaN, depth."""


class MalformedYaml(Refusal, status=400, code="malformed_yaml"):
    """The body is not YAML that says what it seems to say; `errors` names the line."""

    def __init__(self, line: int, message: Words) -> None:
        error: FieldError = {"pointer": "", "code": self.default_code, "message": message, "line": line}
        english, chinese = (message, message) if isinstance(message, str) else (message["en"], message["zh"])
        super().__init__({"en": f"Line {line}: {english}", "zh": f"第 {line} 行：{chinese}"}, extra={"errors": [error]})


class MalformedRequest(Refusal, status=400, code="malformed_request"):
    """The request itself is broken: target, headers or encoding."""


class Unauthenticated(Refusal, status=401, code="unauthenticated"):
    """Nobody, or nobody known, is asking."""

    def __init__(self, detail: Words = "", *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer", **(headers or {})})


class Forbidden(Refusal, status=403, code="forbidden"):
    """The caller is known and may not."""


class NotFound(Refusal, status=404, code="not_found"):
    """No such thing, or none that the caller may know of."""


class MethodNotAllowed(Refusal, status=405, code="method_not_allowed"):
    """The path exists, not for this method."""


class RequestTimedOut(Refusal, status=408, code="request_timeout"):
    """The client began a request and did not finish it in time."""


class Conflict(Refusal, status=409, code="conflict"):
    """The state refuses; name why by `code`, for instance `illegal_transition` with `extra={"allowed": [...]}`."""


class StaleVersion(Refusal, status=412, code="stale_version"):
    """`If-Match` names another version than the current one."""


class TooLarge(Refusal, status=413, code="too_large"):
    """The body is larger than the limit."""


class UnsupportedMediaType(Refusal, status=415, code="unsupported_media_type"):
    """The body is of a type that the endpoint does not take."""


class ValidationFailed(Refusal, status=422, code="validation_failed"):
    """The input is well-formed and wrong; `errors` says where."""

    def __init__(self, errors: Sequence[FieldError], detail: Words = "") -> None:
        super().__init__(detail, extra={"errors": list(errors)})
        self.errors = list(errors)

    @classmethod
    def at(cls, pointer: str, code: str, message: Words) -> "ValidationFailed":
        """Refuse one field."""
        return cls([{"pointer": pointer, "code": code, "message": message}])


class IdempotencyKeyReused(Refusal, status=422, code="idempotency_key_reused"):
    """The same `Idempotency-Key` came with another body."""


class RateLimited(Refusal, status=429, code="rate_limited"):
    """Too many requests of one caller."""

    def __init__(self, retry_after: int = 1, detail: Words = "") -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})
        self.retry_after = retry_after


class HeadersTooLarge(Refusal, status=431, code="headers_too_large"):
    """The request's head is larger than the limit."""


class Unavailable(Refusal, status=503, code="unavailable"):
    """A dependency is down or overloaded; what was asked may or may not have happened: repeat with the same key."""

    def __init__(self, detail: Words = "", *, code: str | None = None, retry_after: int = 2) -> None:
        super().__init__(detail, code=code, headers={"Retry-After": str(retry_after)})
        self.retry_after = retry_after


def _split(words: Words) -> tuple[str, dict[str, str]]:
    return (words, {}) if isinstance(words, str) else (words.get("en", ""), dict(words))
