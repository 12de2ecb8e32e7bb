"""Trying a policy or calendar on tickets before it is published, publishing it, and what became of it."""

from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from services.console.forms.values import number
from services.console.promises import catalogue, in_force, previews
from services.console.public_api.client import ApiProblem, path
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_said
from services.contracts.permissions import Action
from services.runtime.errors import NotFound
from services.runtime.pages.forms import new_key, read_form, require_key

router = page_router()
KINDS = {"policies": Action.WRITE_POLICY, "calendars": Action.WRITE_CALENDAR}
_LISTED = 200
_PREVIEW_SECONDS = 75.0
"""A little more than a preview takes at most."""
_SLOW = frozenset({HTTPStatus.SERVICE_UNAVAILABLE})


@router.get("/publications")
async def list_publications(page: PageDep, cursor: str = "") -> Response:
    """List what was published, latest first."""
    return page.render(
        "publications.html",
        found=await page.desk.get("/v1/publications", limit=50, cursor=cursor or None),
        directory=await page.console.names.directory(page.desk),
        titles=await catalogue.titles(page),
        tabs=catalogue.tabs(page),
    )


@router.get("/publications/{identifier}")
async def show_publication(page: PageDep, identifier: str, part: str = "", cursor: str = "") -> Response:
    """Show how far a publication is, what it changed and what failed."""
    address = path("v1", "publications", identifier)
    return page.render(
        "publication_live.html" if part == "live" else "publication.html",
        publication=await page.desk.get(address),
        changes=await page.desk.get(f"{address}/changes", limit=100, moved="true", cursor=cursor or None),
        directory=await page.console.names.directory(page.desk),
        titles=await catalogue.titles(page),
        tabs=catalogue.tabs(page),
        may_write=Action.WRITE_POLICY in page.reader.allowed,
        cursor=cursor,
        key=new_key,
    )


@router.post("/publications/{identifier}/retry")
async def retry_publication(request: Request, page: PageDep, identifier: str) -> Response:
    """Try the tickets again that could not be recalculated."""
    key = require_key(await read_form(request))
    await page.desk.post(path("v1", "publications", identifier, "retry"), key=key)
    return see_said(path("publications", identifier))


@router.get("/policies/{identifier}/preview")
@router.get("/calendars/{identifier}/preview")
async def show_preview(
    request: Request, page: PageDep, identifier: str, version: int | None = None, cursor: str = ""
) -> Response:
    """Show what publishing a version of a policy or calendar would change; the latest by default."""
    return await _preview(page, _kind(request), identifier, version, cursor)


@router.post("/policies/{identifier}/publish")
@router.post("/calendars/{identifier}/publish")
async def publish(request: Request, page: PageDep, identifier: str) -> Response:
    """Publish a version, with or without recalculating open tickets, and lead to the publication's progress."""
    form, kind = await read_form(request), _kind(request)
    key, version = require_key(form), number(form.one("version"))
    if version is None:
        raise NotFound
    beside = form.one("beside")
    if beside and beside != await in_force.read(page, kind, identifier):
        return await _preview(page, kind, identifier, version, "", outdated=True)
    body = {"version": version, "recalculate": form.one("recalculate") == "true"}
    publication = await page.desk.post(path("v1", kind, identifier, "publish"), body, key=key)
    return see_said(path("publications", str(publication["id"])))


def _kind(request: Request) -> str:
    """Policies or calendars, by the first part of the address."""
    return request.url.path.split("/")[1]


async def _preview(
    page: Page, kind: str, identifier: str, version: int | None, cursor: str, *, outdated: bool = False
) -> Response:
    """The page of a preview; `outdated`: something was published since."""
    address = path("v1", kind, identifier)
    latest = await page.desk.get(address)
    tried = latest["version"] if version is None else version
    body: dict[str, Any] = {"version": tried, "items": {"limit": _LISTED, **({"cursor": cursor} if cursor else {})}}
    beside = await in_force.read(page, kind, identifier)
    try:
        found = await page.desk.post(f"{address}/preview", body, seconds=_PREVIEW_SECONDS)
    except ApiProblem as problem:
        if problem.status not in _SLOW:
            raise
        found = None
    versions = await catalogue.versions(page, kind, latest)
    return page.render(
        "preview.html",
        status=HTTPStatus.CONFLICT if outdated else HTTPStatus.OK,
        outdated=outdated,
        beside=beside,
        kind=kind,
        subject=latest,
        title=(await catalogue.reading(page)).title(latest),
        version=tried,
        is_published=any(each["version"] == tried and each.get("published_at") for each in versions),
        found=found,
        moves=previews.moves(found["items"], page.present()) if found else [],
        shift=lambda seconds: previews.shift(seconds, page.present()),
        columns=previews.columns(found["items"], page.present()) if found else [],
        tabs=catalogue.tabs(page),
        may_write=KINDS[kind] in page.reader.allowed,
        cursor=cursor,
        key=new_key,
    )
