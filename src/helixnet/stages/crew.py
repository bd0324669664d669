"""The tasks of a process: when one of them ends by an error, the process has failed."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final

import structlog

ASK_SECONDS: Final = 0.2
ASKED: Final = 10
log = structlog.get_logger()


class Crew:
    """Starts tasks and watches over them.

    ``failed`` ends when a task ends by an error, with that error.
    """

    def __init__(self) -> None:
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.failed.add_done_callback(lambda ended: ended.exception())  # it may go unread
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        """Run ``work`` until the server ends."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def end(self) -> None:
        """Cancel what still runs."""
        await cancel(self._tasks)


async def cancel(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks, again if they go on, and wait a short time for their end.

    A task can lose its cancellation: `asyncio.wait_for` swallows one that comes in the same moment
    as its result, up to Python 3.11.
    """
    left = {task for task in tasks if not task.done()}
    for _ in range(ASKED):
        if not left:
            return
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=ASK_SECONDS)
    log.warning("tasks left", names=sorted(task.get_name() for task in left))
