"""A part: what one role contributes to a process, opened and closed by its service's `assembly.assemble`."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from services.runtime.errors import Refusal
from services.runtime.service_client import ServiceClient

Check = Callable[[], Awaitable[object]]
"""A readiness check: returns when the dependency answers, raises when it does not."""
DrawRefusal = Callable[[Request, Refusal], Awaitable[Response | None]]
"""Draws a refusal for the readers of one part's pages; None for everybody else."""


@dataclass(frozen=True)
class Part:
    """Routers for the public and the internal port, what is sent to others, dependencies by name for `/readyz`, the
    service's own object, its clients of other services, and the pages that its readers get for refusals. `alive` raises
    what ended its worker: parts of one process share dependencies, each has a worker of its own."""

    name: str
    routers: list[APIRouter] = field(default_factory=list)
    internal_routers: list[APIRouter] = field(default_factory=list)
    webhooks: list[APIRouter] = field(default_factory=list)
    ready: dict[str, Check] = field(default_factory=dict)
    alive: Check | None = None
    state: object = None
    clients: Sequence[ServiceClient] = ()
    refuse: DrawRefusal | None = None


def publish(app: FastAPI, parts: Iterable[Part]) -> None:
    """Put every part's service object where its endpoints look for it: `app.state.parts[name]`."""
    app.state.parts = {part.name: part.state for part in parts}


def service(request: Request, name: str) -> Any:
    """Return the service object that the part called `name` published."""
    return request.app.state.parts[name]


@dataclass(frozen=True)
class Published:
    """The dependency on the service object that the part called `name` published."""

    name: str

    async def __call__(self, request: Request) -> Any:  # FastAPI would start a thread for a plain function
        """Look it up."""
        return service(request, self.name)


def service_of(name: str) -> Any:
    """The same as a dependency, for each service to give its type: `Annotated[Intake, service_of(Role.INTAKE)]`."""
    return Depends(Published(name))
