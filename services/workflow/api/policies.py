"""HTTP of policies: versions, drafts and publication, their lint and their order, and the packs (api.md "Policy")."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from services.access.rights import allowed_to
from services.contracts.base import Code, Nothing
from services.contracts.permissions import Action
from services.contracts.policy import PackId
from services.promises.faults import Fault
from services.promises.policy_packs import pack
from services.runtime.http.conditions import etag, if_match, versioned
from services.runtime.http.openapi import CONDITIONAL, VERSIONED
from services.runtime.http.paging import CursorQuery, LimitQuery, page, page_of
from services.runtime.http.problems import preferred_language
from services.runtime.http.source_lines import Positions
from services.runtime.http.yaml_routes import TAKES_YAML, WrittenRoute, faults_of, positions_of
from services.runtime.security.auth import Caller
from services.workflow.policies import policy_schemas as answers
from services.workflow.policies.linting import TURNS
from services.workflow.policies.policies import Put
from services.workflow.service import TicketsDep

router = APIRouter(tags=["promises"], route_class=WrittenRoute)

PolicyReader = Annotated[Caller, Depends(allowed_to(Action.READ_POLICY))]
PolicyWriter = Annotated[Caller, Depends(allowed_to(Action.WRITE_POLICY))]
Version = Annotated[int, Query(ge=1, le=2**31 - 1)]


@dataclass(frozen=True)
class Author:
    """The author of a policy: their language, and where things stand in what they sent."""

    language: str
    positions: Positions

    def told(self, faults: Sequence[Fault]) -> list[dict[str, Any]]:
        """Faults as they are answered."""
        return [
            {
                "pointer": each.pointer,
                "line": self.positions.line_of(each.pointer),
                "code": each.code,
                "level": each.level,
                "message": each.says(self.language),
            }
            for each in faults
        ]


async def author_of(request: Request) -> Author:
    """Whoever sent this request."""
    return Author(preferred_language(request.headers.get("accept-language")), await positions_of(request))


AuthorDep = Annotated[Author, Depends(author_of)]


@router.get("/v1/policies", response_model=answers.PolicyPage)
async def list_policies(
    tickets: TicketsDep, _: PolicyReader, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Response:
    """List the latest version of every policy, in the order in which they are tried."""
    shown = [policy.model_dump(mode="json") for policy in await tickets.policies.register.policies()]
    return JSONResponse(page_of(shown, lambda item: str(item["id"]), limit, cursor))


@router.post(
    "/v1/policies/lint",
    dependencies=[TURNS.of_question()],
    response_model=answers.Faults,
    openapi_extra={
        "requestBody": {
            **TAKES_YAML["requestBody"],
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PolicyBody"}}},
        }
    },
)
async def lint_policy(
    request: Request,
    tickets: TicketsDep,
    caller: PolicyWriter,
    author: AuthorDep,
    written: Annotated[dict[str, Any], Body()],
) -> Response:
    """Check a policy as `PUT` would, without storing it: every error and warning with its line. With an `id` it is
    checked in that policy's place."""

    async def work() -> dict[str, Any]:
        try:
            draft = answers.PolicyBody.model_validate(written)
        except ValidationError as error:
            return {"faults": _unreadable(request, author, error, written)}
        return {"faults": author.told(await tickets.policies.linting.faults(draft.id, draft))}

    return await tickets.idempotency.once_computed(request, caller, work)


@router.get("/v1/policies/{policy_id}", response_model=answers.RegisteredPolicy, responses=VERSIONED)
async def read_policy(tickets: TicketsDep, _: PolicyReader, policy_id: str, version: Version | None = None) -> Response:
    """Show one version of a policy, the latest by default."""
    return versioned(await tickets.policies.register.policy(policy_id, version))


@router.get("/v1/policies/{policy_id}/versions", response_model=answers.PolicyVersions)
async def list_policy_versions(
    tickets: TicketsDep, _: PolicyReader, policy_id: str, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Response:
    """List the versions of a policy, the latest first."""
    shown = [version.model_dump(mode="json") for version in await tickets.policies.register.versions(policy_id)]
    return JSONResponse(page_of(shown, lambda item: str(item["version"]), limit, cursor))


@router.get("/v1/policies/{policy_id}/compare", response_model=answers.Differences)
async def compare_policy_versions(
    tickets: TicketsDep,
    _: PolicyReader,
    policy_id: str,
    older: Annotated[int, Query(alias="from", ge=1, le=2**31 - 1)],
    newer: Annotated[int, Query(alias="to", ge=1, le=2**31 - 1)],
) -> Response:
    """Show everything in which two versions of a policy differ."""
    return JSONResponse(page(await tickets.policies.compare(policy_id, older, newer), None))


@router.put(
    "/v1/policies/{policy_id}",
    dependencies=[TURNS.of_change()],
    response_model=answers.StoredPolicy,
    responses=VERSIONED,
    openapi_extra={**CONDITIONAL, **TAKES_YAML},
)
async def put_policy(
    request: Request,
    tickets: TicketsDep,
    caller: PolicyWriter,
    author: AuthorDep,
    policy_id: Code,
    draft: Annotated[answers.PolicyBody, Body()],
    publish: Annotated[bool, Query(description="Apply it to new tickets at once.")] = False,
) -> Response:
    """Store the next version of a policy, from JSON or YAML; with `publish=true` it applies to new tickets at once.
    What says the same as the latest version, and is published or not as that one is, is answered with that version."""
    expected = if_match(request)
    put = await tickets.policies.put(policy_id, draft, caller, author.language, publish=publish, if_match=expected)
    return JSONResponse(_put_view(put, author), headers={"ETag": etag(put.policy.version)})


@router.post("/v1/policies/{policy_id}/retire", response_model=answers.RegisteredPolicy)
async def retire_policy(
    request: Request,
    tickets: TicketsDep,
    caller: PolicyWriter,
    policy_id: str,
    _: Annotated[Nothing, Body()],
) -> Response:
    """Apply a policy to no new ticket any more. Open tickets keep it; publishing a version brings it back."""

    async def work() -> dict[str, Any]:
        return (await tickets.policies.retire(policy_id)).model_dump(mode="json")

    return await tickets.idempotency.once_computed(request, caller, work)


@router.get("/v1/policy-order", response_model=answers.OrderView, dependencies=[TURNS.of_question()])
async def read_policy_order(tickets: TicketsDep, _: PolicyReader, author: AuthorDep) -> Response:
    """Show the order in which policies are tried: the first that applies wins."""
    return JSONResponse(await _order(tickets, author))


@router.put("/v1/policy-order", response_model=answers.OrderView, dependencies=[TURNS.of_change()])
async def put_policy_order(
    tickets: TicketsDep, _: PolicyWriter, author: AuthorDep, order: Annotated[answers.Order, Body()]
) -> Response:
    """Change the order; it counts for tickets that are registered or accepted from now on. Name every policy once."""
    await tickets.policies.reorder(order.ids)
    return JSONResponse(await _order(tickets, author))


@router.get("/v1/policy-packs", response_model=answers.Packs)
async def list_policy_packs(_: PolicyReader) -> Response:
    """Show the packs that ship with Bihuan, D0 to D4."""
    shown = [pack(id_).model_dump(mode="json") for id_ in PackId]
    for each in shown:
        each["policies"] = [{**policy, "version": None} for policy in each["policies"]]
        for policy in each["policies"]:
            policy.pop("published_at")
    return JSONResponse(page(shown, None))


@router.post(
    "/v1/policy-packs/{pack_id}/adopt",
    response_model=answers.Adopted,
    dependencies=[TURNS.of_change()],
)
async def adopt_policy_pack(
    request: Request,
    tickets: TicketsDep,
    caller: PolicyWriter,
    author: AuthorDep,
    pack_id: Annotated[PackId, Path()],
    asked: Annotated[answers.Adopt, Body()],
) -> Response:
    """Make policies of a pack: for every ticket, or for some kinds or departments only, which are then tried before the
    policies for every ticket. With `publish` they apply to new tickets at once."""

    async def work() -> dict[str, Any]:
        puts = await tickets.policies.adopt(pack_id, asked, caller, author.language)
        return page([_put_view(put, author) for put in puts], None)

    return await tickets.idempotency.once_computed(request, caller, work)


def _put_view(put: Put, author: Author) -> dict[str, Any]:
    return {**put.policy.model_dump(mode="json"), "warnings": author.told(put.warnings)}


async def _order(tickets: TicketsDep, author: Author) -> dict[str, Any]:
    hidden = await tickets.policies.linting.order_faults()
    return {"ids": await tickets.policies.register.order(), "warnings": author.told(hidden)}


def _unreadable(request: Request, author: Author, error: ValidationError, written: Any) -> list[dict[str, Any]]:
    found = faults_of(error.errors(), written, request.headers.get("accept-language"))
    return [{**each, "line": author.positions.line_of(each["pointer"]), "level": "error"} for each in found]
