"""Playing scripts: one case's commands in order, several cases at once."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.commands.rehearsal.event_map import Script
from services.commands.rehearsal.requests import RefusedRequest, RequestSender, Unanswered

FEEDBACK = "feedback"


@dataclass(frozen=True)
class Latency:
    """Time that one answer took, repeats included."""

    request: str
    seconds: float


@dataclass
class Ending:
    """Outcome of a case: what its ticket says of itself when everything was sent."""

    script: Script
    ticket_no: str | None = None
    phase: str | None = None
    close_reason: str | None = None
    refusal: str | None = None
    silence: str | None = None
    latencies: list[Latency] = field(default_factory=list)

    @property
    def is_as_the_log_says(self) -> bool:
        """Whether the ticket is where the log leaves the case."""
        return self.phase == self.script.ends


async def play(
    sender: RequestSender, scripts: Sequence[Script], *, at_once: int, finished: Callable[[Ending], None]
) -> Sequence[Ending]:
    """Play all scripts as fast as the API answers; the log's own times are not replayed."""
    waiting = iter(scripts)
    endings: list[Ending] = []

    async def work() -> None:
        for script in waiting:
            ending = await _play_case(sender, script)
            endings.append(ending)
            finished(ending)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return endings


async def _play_case(sender: RequestSender, script: Script) -> Ending:
    ending = Ending(script)
    try:
        await _send(sender, script, ending)
        ticket = await sender.get(f"/v1/tickets/{ending.ticket_no}")
    except RefusedRequest as refusal:
        ending.refusal = str(refusal)
    except Unanswered as silence:
        ending.silence = str(silence)
    else:
        ending.phase, ending.close_reason = ticket["phase"], ticket["close_reason"]
    return ending


async def _send(sender: RequestSender, script: Script, ending: Ending) -> None:
    began = time.perf_counter()
    ending.ticket_no = (await sender.post("/v1/feedback", script.feedback))["ticket_no"]
    ending.latencies.append(Latency(FEEDBACK, time.perf_counter() - began))
    for step in script.steps:
        began = time.perf_counter()
        await sender.post(f"/v1/tickets/{ending.ticket_no}/{step.name}", step.body)
        ending.latencies.append(Latency(step.name, time.perf_counter() - began))
