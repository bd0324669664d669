"""Tasks end when they are told to, also those that lose a cancellation."""

import asyncio

from helixnet.stages.crew import Crew


async def test_a_task_that_loses_its_first_cancellation_is_asked_again() -> None:
    lost: list[str] = []

    async def deaf() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append("one")

    crew = Crew()
    task = crew.start(deaf(), "deaf")
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await crew.end()
    assert (lost, task.cancelled()) == (["one"], True)
