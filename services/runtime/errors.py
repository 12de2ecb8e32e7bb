"""Refusals: named exceptions with an HTTP status and a stable code (api.md, "Rules for every endpoint").

Whoever refuses raises one of these; the HTTP edge turns it into a problem document. Nobody reads an error's text
to decide: `code` says what happened.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NotRequired, TypedDict

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

    `title` and `detail` are for a person and replace the catalogue's text: one text, or one per language
    (`{"en": ..., "zh": ...}`).
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"

    def __init__(
        self,
        detail: Words = "",
        *,
        code: str | None = None,
        title: Words = "",
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code or self.default_code
        self.title, self.titles = _split(title)
        self.detail, self.details = _split(detail)
        self.extra: dict[str, Any] = dict(extra or {})
        self.headers: dict[str, str] = dict(headers or {})
        super().__init__(self.detail or self.code)


class MalformedJson(Refusal):
    """The body is not JSON that every reader agrees on: syntax, encoding, duplicate keys, NaN, depth."""

    status = 400
    default_code = "malformed_json"


class MalformedYaml(Refusal):
    """The body is not YAML that says what it seems to say; `errors` names the line."""

    status = 400
    default_code = "malformed_yaml"

    def __init__(self, line: int, message: Words) -> None:
        error: FieldError = {"pointer": "", "code": self.default_code, "message": message, "line": line}
        english, chinese = (message, message) if isinstance(message, str) else (message["en"], message["zh"])
        super().__init__({"en": f"Line {line}: {english}", "zh": f"第 {line} 行：{chinese}"}, extra={"errors": [error]})


class MalformedRequest(Refusal):
    """The request itself is broken: target, headers or encoding."""

    status = 400
    default_code = "malformed_request"


class Unauthenticated(Refusal):
    """Nobody, or nobody known, is asking."""

    status = 401
    default_code = "unauthenticated"

    def __init__(self, detail: Words = "", *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer", **(headers or {})})


class Forbidden(Refusal):
    """The caller is known and may not."""

    status = 403
    default_code = "forbidden"


class NotFound(Refusal):
    """No such thing, or none that the caller may know of."""

    status = 404
    default_code = "not_found"


class MethodNotAllowed(Refusal):
    """The path exists, not for this method."""

    status = 405
    default_code = "method_not_allowed"


class RequestTimedOut(Refusal):
    """The client began a request and did not finish it in time."""

    status = 408
    default_code = "request_timeout"


class Conflict(Refusal):
    """The state refuses; name why by `code`, for instance `illegal_transition` with `extra={"allowed": [...]}`."""

    status = 409
    default_code = "conflict"


class StaleVersion(Refusal):
    """`If-Match` names another version than the current one."""

    status = 412
    default_code = "stale_version"


class TooLarge(Refusal):
    """The body is larger than the limit."""

    status = 413
    default_code = "too_large"


class UnsupportedMediaType(Refusal):
    """The body is of a type that the endpoint does not take."""

    status = 415
    default_code = "unsupported_media_type"


class ValidationFailed(Refusal):
    """The input is well-formed and wrong; `errors` says where."""

    status = 422
    default_code = "validation_failed"

    def __init__(self, errors: Sequence[FieldError], detail: Words = "") -> None:
        super().__init__(detail, extra={"errors": list(errors)})
        self.errors = list(errors)

    @classmethod
    def at(cls, pointer: str, code: str, message: Words) -> "ValidationFailed":
        """Refuse one field."""
        return cls([{"pointer": pointer, "code": code, "message": message}])


class IdempotencyKeyReused(Refusal):
    """The same `Idempotency-Key` came with another body."""

    status = 422
    default_code = "idempotency_key_reused"


class RateLimited(Refusal):
    """Too many requests of one caller."""

    status = 429
    default_code = "rate_limited"

    def __init__(self, retry_after: int = 1, detail: Words = "") -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})
        self.retry_after = retry_after


class HeadersTooLarge(Refusal):
    """The request's head is larger than the limit."""

    status = 431
    default_code = "headers_too_large"


class Unavailable(Refusal):
    """A dependency is down or overloaded; what was asked may or may not have happened: repeat with the same key."""

    status = 503
    default_code = "unavailable"

    def __init__(self, detail: Words = "", *, code: str | None = None, retry_after: int = 2) -> None:
        super().__init__(detail, code=code, headers={"Retry-After": str(retry_after)})
        self.retry_after = retry_after


def _split(words: Words) -> tuple[str, dict[str, str]]:
    return (words, {}) if isinstance(words, str) else (words.get("en", ""), dict(words))
