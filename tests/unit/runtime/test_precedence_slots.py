"""Slots go by precedence, then in turn; none is lost with whoever is cancelled."""

import asyncio

from services.runtime.precedence_slots import PrecedenceSlots


async def queued(slots: PrecedenceSlots, *precedences: int) -> tuple[list[int], list[asyncio.Task[None]]]:
    """Ask for slots in this order; answers the order in which they were given, as it grows, and the tasks."""
    served: list[int] = []

    async def want(number: int, precedence: int) -> None:
        await slots.acquire(precedence)
        served.append(number)

    tasks = [asyncio.create_task(want(*each)) for each in enumerate(precedences)]
    await asyncio.sleep(0)
    return served, tasks


async def test_who_waits_is_served_by_precedence_and_then_in_turn() -> None:
    slots = PrecedenceSlots(1)
    served, tasks = await queued(slots, 2, 2, 0, 1, 0)
    assert served == [0]
    for _ in tasks[1:]:
        slots.release()
    await asyncio.gather(*tasks)
    assert served == [0, 2, 4, 3, 1]


async def test_so_many_are_served_at_once() -> None:
    slots = PrecedenceSlots(2)
    served, tasks = await queued(slots, 0, 0, 0)
    assert served == [0, 1]
    slots.release()
    await asyncio.gather(*tasks)
    slots.release()
    slots.release()
    assert (await queued(slots, 0, 0, 0))[0] == [0, 1]


async def test_a_slot_is_not_lost_with_whoever_is_cancelled_before_it_or_as_they_get_it() -> None:
    slots = PrecedenceSlots(1)
    served, tasks = await queued(slots, 0, 0, 0, 0)
    tasks[1].cancel()
    await asyncio.wait([tasks[1]])
    slots.release()
    tasks[2].cancel()
    await asyncio.wait([tasks[2]])
    await tasks[3]
    assert served == [0, 3]
