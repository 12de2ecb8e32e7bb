"""Whether a form was sent from our own page."""

from urllib.parse import urlsplit

from fastapi import Request

from services.runtime.errors import Forbidden

_OTHERS = frozenset({"cross-site", "same-site"})
_HIDDEN = "null"


def require_same_site(request: Request) -> None:
    """Refuse a POST that a page of somebody else caused.

    Browsers say so in `Sec-Fetch-Site`; older ones in `Origin`. An origin of `null` passes: our pages send no referrer,
    and old browsers then hide the origin of our own forms too. Where a cookie signs somebody in, that is not enough.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site in _OTHERS:
            raise Forbidden(code="foreign_form")
        return
    origin = request.headers.get("origin", _HIDDEN)
    if origin not in {_HIDDEN, ""} and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden(code="foreign_form")
