"""The internal port of a process: is it alive, is it ready, how is it doing, and what services ask each other."""

import asyncio
from collections.abc import Mapping, Sequence

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from services.runtime.http.app import Lifespan, create_app
from services.runtime.http.edge import Bounds
from services.runtime.role_parts import Check, Part, publish
from services.runtime.security.auth import Authenticator
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import dependency_up, exposition

CHECK_SECONDS = 2.0
# Services send each other batches.
_BODY_BYTES = 32 * 1024 * 1024


def create_internal_app(
    parts: Sequence[Part], settings: RuntimeSettings, *, lifespan: Lifespan | None = None
) -> FastAPI:
    """Build the internal app of a process that runs `parts`; `/internal/...` wants the services' secret."""
    authenticator = Authenticator(
        verify_key_pem=None, internal_secret=settings.internal_secret.get_secret_value(), directory=None
    )
    app = create_app(
        "Bihuan, internal",
        _operations(_checks(parts)),
        *[router for part in parts for router in part.internal_routers],
        settings=settings,
        authenticator=authenticator,
        lifespan=lifespan,
        bounds=Bounds(_BODY_BYTES, settings.receive_seconds, settings.max_requests),
        limited=False,
    )
    publish(app, parts)
    return app


def _checks(parts: Sequence[Part]) -> dict[str, Check]:
    """Every dependency once, and `worker` where parts have one: all of those."""
    checks = {name: check for part in parts for name, check in part.ready.items()}
    workers = [part.alive for part in parts if part.alive]

    async def all_alive() -> None:
        for check in workers:
            await check()

    return {**checks, "worker": all_alive} if workers else checks


def _operations(checks: Mapping[str, Check]) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> Response:
        answers = await _ask_all(checks)
        ready = all(answers.values())
        dependencies = {name: "ok" if answer else "error" for name, answer in answers.items()}
        body = {"status": "ok" if ready else "error", "dependencies": dependencies}
        return JSONResponse(body, status_code=200 if ready else 503)

    @router.get("/metrics")
    async def metrics() -> Response:
        for name, answer in (await _ask_all(checks)).items():
            dependency_up.labels(name).set(answer)
        return Response(await exposition(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return router


async def _ask_all(checks: Mapping[str, Check]) -> dict[str, bool]:
    answers = await asyncio.gather(*(_ask(check) for check in checks.values()))
    return dict(zip(checks, answers, strict=True))


async def _ask(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception:  # noqa: BLE001 - whatever a dependency raises means that it is not ready
        return False
    return True
