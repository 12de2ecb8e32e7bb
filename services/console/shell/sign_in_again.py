"""The sign-in in the way of a page: leads back to it, and what was typed into a form is carried along.

A token lives for an hour and ends while somebody types. The form's fields travel through the sign-in page as hidden
fields and are offered for sending afterwards; a password is never among them, and nothing is kept on the server.
"""

from collections.abc import Iterable
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from services.console.public_api.client import ApiProblem
from services.console.service import Page, page_of
from services.contracts.lines import one_line
from services.runtime.pages.forms import Form, read_form

HOME = "/"
CARRIED = "carried."
_NEVER_CARRIED = frozenset({"password", "current", "new", "repeated"})
_HIDDEN = frozenset({"key", "version", "basis"})
_LIVE = "live"


async def ask_to_sign_in(request: Request) -> Response:
    """Answer somebody who is not, or no longer, signed in."""
    if request.query_params.get("part") == _LIVE:
        # A part of a page cannot show a sign-in: the script reloads the whole.
        return Response(status_code=401, headers={"HX-Refresh": "true", "Cache-Control": "no-store"})
    if request.method != "POST":
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?to={quote(target, safe='')}", status_code=303)
    form = await read_form(request)
    return sign_in_page(page_of(request), target=request.url.path, carried=carried_fields(form), ended=True, status=401)


def sign_in_page(
    page: Page,
    *,
    target: str,
    carried: Iterable[tuple[str, str]] = (),
    ended: bool = False,
    error: str = "",
    username: str = "",
    status: int = 200,
) -> Response:
    """The sign-in; `carried` are the fields of a form that waits for it."""
    return page.render(
        "sign_in.html",
        status=status,
        target=target,
        carried=list(carried),
        ended=ended,
        error=error,
        username=username,
    )


def unsent_page(page: Page, form: Form, problem: ApiProblem) -> Response:
    """A form that could not be sent and whose page cannot be shown: it waits here to be sent again as it was."""
    carried = carried_fields(form)
    shown = [value for name, value in carried if name not in _HIDDEN and value]
    return page.render("unsent.html", status=problem.status, target=page.request.url.path, carried=carried, shown=shown)


def carried_fields(form: Form) -> list[tuple[str, str]]:
    """The fields of a form that may travel."""
    return [(name, value) for name, value in form.fields if name not in _NEVER_CARRIED]


def target_of(given: str) -> str:
    """The address to which a sign-in leads: a path of this site alone, never another one's address."""
    is_own = given.startswith("/") and not given.startswith(("//", "/\\")) and given == one_line(given)
    return given if is_own else HOME
