"""A reader's last deed, told once: on the page that follows a form, and on no later visit.

In the address it would stay in bookmarks and be said again for ever. The cookie gives no right and lives two minutes;
without cookies the page says the same by its state.
"""

from fastapi import Request, Response

_COOKIE = "bihuan_done"
_KEPT_SECONDS = 120


def announce(request: Request, response: Response, path: str, word: str) -> Response:
    """Let the next page at `path` tell it."""
    response.set_cookie(
        _COOKIE,
        word,
        max_age=_KEPT_SECONDS,
        path=path,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


def announcement(request: Request) -> str:
    """The word that the page is to tell; empty for nothing."""
    return request.cookies.get(_COOKIE, "")


def forget_announcement(response: Response, path: str) -> Response:
    """Tell it no second time."""
    response.delete_cookie(_COOKIE, path=path)
    return response
