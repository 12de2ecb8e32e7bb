"""Versions that a request insists on: `If-Match` and `If-None-Match` (RFC 9110, section 13.1)."""

import re
from typing import Any, Protocol

from fastapi import Request
from fastapi.responses import JSONResponse

from services.runtime.errors import StaleVersion, ValidationFailed

IfMatch = frozenset[str]
"""The tags of which one must be current."""
ANY: IfMatch = frozenset({"*"})
_TAG = re.compile(r'[ \t]*(?:((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)')
_WEAK = "W/"


class Versioned(Protocol):
    """A message that shows the version of what it tells of."""

    @property
    def version(self) -> int: ...

    def model_dump(self, *, mode: str) -> dict[str, Any]: ...


def etag(version: int | str) -> str:
    """Write a version, or a fingerprint, as an `ETag`."""
    return f'"{version}"'


def versioned(view: Versioned) -> JSONResponse:
    """Answer a thing with its version as the `ETag`."""
    return JSONResponse(view.model_dump(mode="json"), headers={"ETag": etag(view.version)})


def if_match(request: Request) -> IfMatch | None:
    """Return the tags that `If-Match` lists; None without one, `ANY` with `*`, 422 for what is no list of tags.

    A weak tag never matches, so a list of nothing else matches nothing.
    """
    given = _listed(request, "if-match")
    if given is None or given == ANY:
        return given
    return frozenset(tag for tag in given if not tag.startswith(_WEAK))


def require_version(demanded: IfMatch | None, version: int, *, exists: bool = True) -> None:
    """Go on if the current version is one of those demanded; `*` demands that there `exists` one.

    Raises:
        StaleVersion: it is another one; `version` tells which.
    """
    if demanded is None or (exists if demanded == ANY else etag(version) in demanded):
        return
    raise StaleVersion(extra={"version": version})


def is_known(request: Request, version: int | str) -> bool:
    """Whether `If-None-Match` names this version, be it weakly: the caller has it already."""
    known = _listed(request, "if-none-match") or frozenset()
    return known == ANY or etag(version) in {tag.removeprefix(_WEAK) for tag in known}


def _listed(request: Request, header: str) -> frozenset[str] | None:
    lines = request.headers.getlist(header)
    if not lines:
        return None
    given = ", ".join(lines).strip(" \t")
    if given == "*":
        return ANY
    tags, place = set[str](), 0
    while place < len(given):
        found = _TAG.match(given, place)
        if found is None:
            raise _unreadable(header)
        tags |= {found[1]} - {None}
        place = found.end()
    if not tags:
        raise _unreadable(header)
    return frozenset(tags)


def _unreadable(header: str) -> ValidationFailed:
    return ValidationFailed.at(
        "/If-Match" if header == "if-match" else "/If-None-Match",
        "invalid_version",
        {
            "en": 'give `*`, or versions in quotes, as in `ETag`: "12", or "12", "13"',
            "zh": '请填写 `*`，或按 `ETag` 的写法填写带引号的版本："12"，或 "12", "13"',
        },
    )
