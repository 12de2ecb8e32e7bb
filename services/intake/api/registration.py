"""The registration of feedback over HTTP (api.md)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.access.rights import allowed_to
from services.contracts.feedback import Feedback
from services.contracts.names import Role
from services.contracts.permissions import Action
from services.intake.feedback.origins import origin_of
from services.intake.schemas import Registered
from services.intake.service import Intake
from services.runtime.http.direct_routes import DirectRoute
from services.runtime.http.openapi import LOCATED
from services.runtime.postgres.idempotency import replay_headers
from services.runtime.role_parts import service
from services.runtime.security.auth import Caller

router = APIRouter(tags=["intake"], route_class=DirectRoute)

FeedbackSender = Annotated[Caller, Depends(allowed_to(Action.REGISTER_FEEDBACK))]


@router.post("/v1/feedback", status_code=201, response_model=Registered, responses=LOCATED)
async def register_feedback(request: Request, feedback: Feedback, caller: FeedbackSender) -> Response:
    """Register a feedback: it gets its ticket number and promised times, and is never lost from then on.

    Needs a channel and a description; from forms and programs also a name and one contact. What else is missing is
    told in `missing` and asked for at the review. The same `Idempotency-Key` and body answer the same ticket.
    """
    intake: Intake = service(request, Role.INTAKE)
    origin = origin_of(caller, feedback.channel, intake.idempotency.keyed(request, caller))
    receipt = await intake.registrar.register(feedback, origin)
    headers = {
        "Location": f"/v1/tickets/{receipt.registered.ticket_no}",
        **replay_headers(repeated=receipt.replayed),
    }
    content = receipt.registered.model_dump_json()
    return Response(content, status_code=201, headers=headers, media_type="application/json")
