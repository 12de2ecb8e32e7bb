"""A whole Bihuan in this process: every part on real servers, with the people of a service centre."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from joserfc.jwk import OKPKey

from services.commands.serve import ASSEMBLIES, public_app
from services.console import assembly as console
from services.console.settings import ConsoleSettings
from services.contracts.alert import RaiseAlert
from services.contracts.directory import Scope, StaffRole
from services.contracts.names import Role
from services.directory import assembly as directory
from services.directory.settings import DirectorySettings
from services.intake import assembly as intake
from services.intake.settings import IntakeSettings
from services.notify import assembly as notify
from services.notify.settings import NotifySettings
from services.runtime.errors import Unavailable
from services.runtime.http.internal import create_internal_app
from services.runtime.http.local_endpoints import answering_each_other
from services.runtime.http.server import build_server
from services.runtime.postgres.database import Database
from services.runtime.role_parts import Part
from services.runtime.security.auth import Authenticator, mint_token
from services.runtime.service_client import ServiceClient
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import configure_logs
from services.survey import assembly as survey
from services.survey.settings import SurveySettings
from services.workflow import assembly as workflow
from services.workflow.settings import WorkflowSettings
from tests.ports import free_port
from tests.services.repeats import until_known

ADMIN_KEY = "bh_" + "A" * 43
SECRET = "between-services"
DEPARTMENTS: Mapping[str, Sequence[str]] = {
    "after-sales": ("product_fault", "service_attitude", "usage_question"),
    "logistics": ("logistics_delay",),
}
OWN, OTHER = DEPARTMENTS
PEOPLE: Mapping[str, tuple[StaffRole, str | None]] = {
    "李雷": (StaffRole.CLERK, OWN),
    "林涛": (StaffRole.HANDLER, OWN),
    "周强": (StaffRole.DEPARTMENT_HEAD, OWN),
    "王芳": (StaffRole.SUPERVISOR, OWN),
    "吴刚": (StaffRole.MANAGER, OWN),
    "郑洁": (StaffRole.AUDITOR, None),
    "孙磊": (StaffRole.ADMIN, None),
    "赵敏": (StaffRole.HANDLER, OTHER),
    "钱进": (StaffRole.CLERK, OTHER),
    "许晴": (StaffRole.DEPARTMENT_HEAD, OTHER),
    "何洁": (StaffRole.SUPERVISOR, OTHER),
    "高原": (StaffRole.MANAGER, OTHER),
}
"""Everybody's role and department; 韩梅梅 is the customer. 赵敏 and those after her are of another department."""

_BUILDS: Mapping[Role, tuple[Callable[[Any], AbstractAsyncContextManager[Part]], type[RuntimeSettings]]] = {
    Role.INTAKE: (intake.assemble, IntakeSettings),
    Role.RELAY: (intake.assemble_relay, IntakeSettings),
    Role.TICKETS: (workflow.assemble, WorkflowSettings),
    Role.TICKETS_WORKER: (workflow.assemble_worker, WorkflowSettings),
    Role.DIRECTORY: (directory.assemble, DirectorySettings),
    Role.NOTIFY: (notify.assemble, NotifySettings),
    Role.NOTIFY_WORKER: (notify.assemble_worker, NotifySettings),
    Role.SURVEY: (survey.assemble, SurveySettings),
    Role.SURVEY_WORKER: (survey.assemble_worker, SurveySettings),
    Role.CONSOLE: (console.assemble, ConsoleSettings),
}
assert _BUILDS.keys() <= ASSEMBLIES.keys()
_serial = itertools.count(1)
LIMITS = httpx.Limits(keepalive_expiry=1.0)
"""An idle connection is let go long before the server does, after five seconds: no request meets its hanging up."""


@dataclass
class System:
    """The public API as everybody sees it. `url` is the public address, `internal` the internal one."""

    url: str
    internal: str
    http: httpx.AsyncClient
    database: Database
    signing_key: bytes
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    async def call(
        self, method: str, path: str, body: Any = None, *, by: str | None = "李雷", **headers: str
    ) -> httpx.Response:
        """Ask the public API. `by` is a person's name, a key's name, or None for nobody."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if by is not None:
            given["Authorization"] = f"Bearer {self.tokens[by]}"
        return await self.http.request(method, path, json=body, headers=given)

    async def insist(self, path: str, body: Any = None, *, by: str | None = "李雷", **headers: str) -> httpx.Response:
        """POST until it is known what came of it."""
        headers.setdefault("Idempotency_Key", secrets.token_hex(16))
        return await until_known(partial(self.call, "POST", path, body, by=by, **headers))

    async def peek(self, path: str, *, by: str | None = "李雷") -> httpx.Response:
        """GET a stream that has no end, and hang up after the first piece of it."""
        given = {} if by is None else {"Authorization": f"Bearer {self.tokens[by]}"}
        async with self.http.stream("GET", path, headers=given) as answer:
            begun = await anext(answer.aiter_bytes(), b"")
            return httpx.Response(answer.status_code, headers=answer.headers, content=begun)

    async def get(self, path: str, *, by: str = "李雷", **params: Any) -> Any:
        """GET something that must be shown."""
        query = f"?{httpx.QueryParams(params)}" if params else ""
        answer = await self.call("GET", path + query, by=by)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def survey_page(self, survey_id: str, *, by: str = "王芳") -> str:
        """The path of a survey's page, by the link that somebody is given to hand over."""
        answer = await self.call("POST", f"/v1/surveys/{survey_id}/hand-over-link", {}, by=by)
        assert answer.status_code == 200, answer.text
        return str(urlsplit(answer.json()["link"]).path)

    async def register(self, *, by: str = "李雷", **changes: Any) -> str:
        """Register a feedback of 韩梅梅 about a refrigerator; answers the ticket number."""
        answer = await self.insist("/v1/feedback", feedback(**changes), by=by)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ticket_no"])

    async def do(
        self, ticket_no: str, command: str, body: Mapping[str, Any] | None = None, *, by: str, **headers: str
    ) -> dict[str, Any]:
        """Give a command that must be taken; answers the ticket."""
        answer = await self.insist(f"/v1/tickets/{ticket_no}/{command}", body or {}, by=by, **headers)
        assert answer.status_code == 200, f"{command}: {answer.status_code} {answer.text}"
        view: dict[str, Any] = answer.json()
        return view

    async def give(
        self, ticket_no: str, command: str, body: Mapping[str, Any] | None = None, *, by: str, **headers: str
    ) -> httpx.Response:
        """Give a command, whatever the answer."""
        return await self.call("POST", f"/v1/tickets/{ticket_no}/{command}", body or {}, by=by, **headers)

    async def accepted(self, *, owner: str | None = "林涛", **changes: Any) -> str:
        """A ticket that 李雷 has accepted for an owner."""
        ticket_no = await self.register(**changes)
        await self.do(ticket_no, "accept", {"owner": self.ids[owner]} if owner else {}, by="李雷")
        return ticket_no

    async def resolved(self, **changes: Any) -> str:
        """A ticket that 林涛 has resolved."""
        ticket_no = await self.accepted(**changes)
        await self.do(ticket_no, "resolve", {"result": "resolved", "summary": "压缩机已更换"}, by="林涛")
        return ticket_no

    async def closed(self, **changes: Any) -> str:
        """A ticket whose customer is satisfied."""
        ticket_no = await self.resolved(**changes)
        await self.do(ticket_no, "record-callback", {"outcome": "satisfied", "channel": "phone"}, by="李雷")
        return ticket_no

    async def hire(self, name: str, role: StaffRole, department: str | None) -> None:
        """Make a member of staff and sign them in."""
        username = "".join(f"{ord(letter):x}" for letter in name)
        body = {"username": username, "name": name, "roles": [role], "department": department}
        answer = await self.call("POST", "/v1/staff", body, by="admin")
        assert answer.status_code == 201, answer.text
        self.ids[name] = answer.json()["id"]
        self.tokens[name] = mint_token(
            self.signing_key,
            staff_id=self.ids[name],
            name=name,
            username=username,
            roles=[role],
            department=department,
        )

    async def issue_key(self, name: str, *scopes: Scope, department: str | None = None) -> str:
        """Make an API key that `by=name` uses; answers the name."""
        body = {"name": name, "scopes": scopes, "department": department}
        answer = await self.call("POST", "/v1/api-keys", body, by="admin")
        assert answer.status_code == 201, answer.text
        self.tokens[name], self.ids[name] = answer.json()["key"], answer.json()["id"]
        return name


def feedback(**changes: Any) -> dict[str, Any]:
    """A complete feedback of 韩梅梅; every one has a customer and a serial number of its own."""
    serial = f"{next(_serial):06}{secrets.randbelow(10**4):04}"
    body: dict[str, Any] = {
        "channel": "phone",
        "customer": {"name": "韩梅梅", "phone": f"+8613{serial[-9:]}"},
        "product": {"model": "BCD-500", "serial_no": f"SER{serial}"},
        "kind": "fault",
        "category": "product_fault",
        "urgency": "normal",
        "description": "冰箱不制冷",
    }
    return {**body, **changes}


def path_of(template: str, **values: str) -> str:
    """A path template with its parameters filled in and quoted."""
    return template.format(**{name: quote(value, safe="") for name, value in values.items()})


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    """Return as soon as it holds; fail when it does not in time."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what is waited for is another task's doing
            await asyncio.sleep(0.02)


async def surveyed(system: System, **changes: Any) -> str:
    """The id of the survey that a customer was just sent, after the closing of their ticket."""
    found: list[str] = []
    ticket_no = await system.closed(**changes)

    async def is_sent() -> bool:
        page = await system.get("/v1/surveys", by="郑洁", ticket_no=ticket_no, state="sent")
        found.extend(survey["id"] for survey in page["items"])
        return bool(found)

    await until(is_sent)
    return found[0]


async def listening(system: System) -> str:
    """The id of a webhook of the department's, whose receiver is not there."""
    wanted = {"url": "http://127.0.0.1:9/hooks", "types": ["ticket.merged"], "department": OWN}
    answer = await system.call("POST", "/v1/webhooks", wanted, by="孙磊")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def noticed(system: System, ticket_no: str) -> str:
    """The id of the first notice that was sent about a ticket."""
    found: list[str] = []

    async def is_sent() -> bool:
        page = await system.get("/v1/notices", by="郑洁", ticket_no=ticket_no, state="sent", kind="received")
        found.extend(notice["id"] for notice in page["items"])
        return bool(found)

    await until(is_sent, 30)
    return found[0]


async def alerted(system: System, ticket_no: str) -> str:
    """The id of an alert about a ticket: somebody rated it low."""
    now = datetime.now(UTC)
    asked = {"ticket_no": ticket_no, "cycle": 1, "threshold": "low_rating", "raised_at": now, "due_at": now}
    body = RaiseAlert.model_validate(asked).model_dump(mode="json")
    peer, found = ServiceClient(system.internal, SECRET), list[str]()

    async def is_raised() -> bool:
        with suppress(Unavailable):
            found.append((await peer.post("/internal/alerts", body))["id"])
        return bool(found)

    try:
        await until(is_raised, 30)
    finally:
        await peer.close()
    return found[0]


@asynccontextmanager
async def running(
    database_url: str,
    temporal_address: str,
    folder: Path,
    *,
    namespace: str = "default",
    roles: Sequence[Role] = tuple(_BUILDS),
    over_http: bool = False,
    **settings: Any,
) -> AsyncIterator[System]:
    """Start these roles on one database and one engine, with everybody hired and signed in. `over_http`: they ask each
    other as roles of several processes do."""
    configure_logs("WARNING")
    pair = OKPKey.generate_key("Ed25519")
    (folder / "signing.pem").write_bytes(pair.as_pem(private=True))
    (folder / "verify.pem").write_bytes(pair.as_pem(private=False))
    internal_port = free_port()
    internal = f"http://127.0.0.1:{internal_port}"
    values: dict[str, Any] = {
        "database_url": database_url,
        "database_role": "bihuan_app",
        "temporal_address": temporal_address,
        "temporal_namespace": namespace,
        "port": free_port(),
        "internal_port": internal_port,
        "intake_url": internal,
        "tickets_url": internal,
        "directory_url": internal,
        "notify_url": internal,
        "survey_url": internal,
        "internal_secret": SECRET,
        "link_secret": "links",
        "signing_key_file": folder / "signing.pem",
        "verify_key_file": folder / "verify.pem",
        "rate_limit": "1000000/minute",
        "anonymous_rate_limit": "1000000/minute",
        "webhook_networks": "127.0.0.0/8",
        **settings,
    }
    async with AsyncExitStack() as stack:
        parts = [await stack.enter_async_context(_part(role, values)) for role in roles]
        url = await _serve(stack, parts, RuntimeSettings(**values))
        if not over_http:
            stack.enter_context(answering_each_other(parts))
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=30, limits=LIMITS)
        )
        database = Database(database_url, role="bihuan_app", application_name="tests")
        stack.push_async_callback(database.dispose)
        system = System(url, internal, http, database, pair.as_pem(private=True), {"admin": ADMIN_KEY})
        await _staff(system)
        yield system


def _part(role: Role, values: Mapping[str, Any]) -> Any:
    assemble, settings = _BUILDS[role]
    return assemble(settings(**values))


async def _serve(stack: AsyncExitStack, parts: Sequence[Part], settings: RuntimeSettings) -> str:
    """Put the parts behind their two ports; answers the public address."""
    peer = ServiceClient(settings.directory_url, SECRET)
    stack.push_async_callback(peer.close)
    assert settings.verify_key_file
    authenticator = Authenticator(
        verify_key_pem=settings.verify_key_file.read_bytes(), internal_secret=SECRET, directory=peer
    )
    stack.push_async_callback(authenticator.close)
    internal = create_internal_app(parts, settings)
    await stack.enter_async_context(
        _listening(build_server(internal, host="127.0.0.1", port=settings.internal_port, settings=settings))
    )
    public = public_app(parts, settings, authenticator)
    port = await stack.enter_async_context(
        _listening(build_server(public, host="127.0.0.1", port=settings.port, settings=settings))
    )
    return f"http://127.0.0.1:{port}"


@asynccontextmanager
async def _listening(server: Any) -> AsyncIterator[int]:
    task = asyncio.create_task(server.serve())

    async def is_up() -> bool:
        return bool(server.started) or task.done()

    await until(is_up)
    try:
        yield server.port
    finally:
        server.should_exit = True
        await task


async def _staff(system: System) -> None:
    """The first start, the departments, and everybody in `PEOPLE`."""
    async with httpx.AsyncClient(base_url=system.internal, trust_env=False) as http:
        first = {"username": "admin", "password": "correct horse battery", "key": ADMIN_KEY}
        answer = await http.post(
            "/internal/bootstrap", json=first, headers={"Authorization": f"Bearer {SECRET}"}, timeout=30
        )
        assert answer.status_code == 200, answer.text
    for department, categories in DEPARTMENTS.items():
        body = {"id": department, "name": department, "categories": categories}
        answer = await system.call("POST", "/v1/departments", body, by="admin")
        assert answer.status_code == 201, answer.text
    for name, (role, department_of) in PEOPLE.items():
        await system.hire(name, role, department_of)
