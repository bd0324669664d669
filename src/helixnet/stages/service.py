"""The one loop of every stage: claim what waits, work on it, keep the leases, let go at the end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

import structlog
from sqlalchemy import Connection

from helixnet.errors import UnavailableError
from helixnet.events import Event
from helixnet.ledger.leases import Lease
from helixnet.ports import Ledger

log = structlog.get_logger()


class Claim(Protocol):
    """Something leased from the ledger."""

    @property
    def lease(self) -> Lease:
        """What fences this worker's writes."""
        ...


C = TypeVar("C", bound=Claim)
Renew = Callable[[Connection, Sequence[Lease], float], set[int]]
Release = Callable[[Connection, Sequence[Lease]], int]


class Stage(Protocol[C]):
    """One use case: what it takes from the ledger, and what it does with it."""

    @property
    def name(self) -> str:
        """For logs."""
        ...

    @property
    def slots(self) -> int:
        """How many batches it works on at a time."""
        ...

    @property
    def renew(self) -> Renew:
        """The ledger's function that extends leases."""
        ...

    @property
    def release(self) -> Release:
        """The ledger's function that gives leases back."""
        ...

    async def claim(self, room: int) -> Sequence[Sequence[C]]:
        """Lease at most ``room`` batches of work; none when nothing waits."""
        ...

    async def handle(self, batch: Sequence[C]) -> None:
        """Do the work and commit its effects, each fenced by its lease.

        Raises:
            UnavailableError: the ledger can't be reached; the leases will run out.
        """
        ...


class Service(Generic[C]):
    """Runs one stage until it is stopped.

    Args:
        stage: what to run.
        ledger: that it claims from.
        lease_seconds: how long a claim lasts.
        renew_seconds: how often it is extended.
        poll_seconds: longest delay when a signal was lost.
        stop_seconds: time that a stop gives to work in hand.
    """

    def __init__(
        self,
        stage: Stage[C],
        *,
        ledger: Ledger,
        lease_seconds: float,
        renew_seconds: float,
        poll_seconds: float,
        stop_seconds: float,
    ) -> None:
        self._stage = stage
        self._ledger = ledger
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds
        self._poll_seconds = poll_seconds
        self._stop_seconds = stop_seconds
        self._bell = asyncio.Event()
        self._stopping = False
        self._active: dict[asyncio.Task[None], list[Lease]] = {}

    async def listen(self, signals: AsyncIterator[Sequence[Event]]) -> None:
        """Ring the bell for every batch of signals: they wake, and say nothing more."""
        async for _ in signals:
            self._bell.set()

    async def run(self) -> None:
        """Work until :meth:`stop`; an error that is not the world's ends the process."""
        while not self._stopping:
            self._bell.clear()
            try:
                if not await self._claim():
                    await self._wait()
            except UnavailableError as error:
                log.warning("ledger unavailable", stage=self._stage.name, error=str(error))
                await asyncio.sleep(self._poll_seconds)
        await self._drain()

    async def keep_leases(self) -> None:
        """Extend what is held; work whose leases are all lost is ended."""
        while True:
            await asyncio.sleep(self._renew_seconds)
            with suppress(UnavailableError):
                await self._renew()

    def stop(self) -> None:
        """Take nothing new; :meth:`run` ends when what is in hand has ended or was released."""
        self._stopping = True
        self._bell.set()

    async def _claim(self) -> bool:
        self._check()
        room = self._stage.slots - len(self._active)
        batches = await self._stage.claim(room) if room > 0 else ()
        for batch in batches:
            task = asyncio.create_task(self._stage.handle(batch), name=self._stage.name)
            self._active[task] = [item.lease for item in batch]
            task.add_done_callback(lambda _: self._bell.set())
        return bool(batches)

    def _check(self) -> None:
        """Forget what has ended; raise what must not be lived with."""
        for task in [task for task in self._active if task.done()]:
            del self._active[task]
            if task.cancelled():
                continue
            error = task.exception()
            if isinstance(error, UnavailableError):
                log.warning("work not committed", stage=self._stage.name, error=str(error))
            elif error is not None:
                raise error

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), self._poll_seconds)

    async def _drain(self) -> None:
        """Give what is in hand its time to end, then release it."""
        if self._active:
            await asyncio.wait(list(self._active), timeout=self._stop_seconds)
        left = [(task, leases) for task, leases in self._active.items() if not task.done()]
        for task, _ in left:
            task.cancel()
        await asyncio.gather(*(task for task, _ in left), return_exceptions=True)
        held = [lease for _, leases in left for lease in leases]
        if held:
            await self._ledger.do(lambda conn: self._stage.release(conn, held))
            log.info("work released", stage=self._stage.name, count=len(held))

    async def _renew(self) -> None:
        held = {task: leases for task, leases in self._active.items() if not task.done()}
        every = [lease for leases in held.values() for lease in leases]
        if not every:
            return
        kept = await self._ledger.do(
            lambda conn: self._stage.renew(conn, every, self._lease_seconds)
        )
        for task, leases in held.items():
            if not task.done() and not any(lease.id in kept for lease in leases):
                log.info("work lost", stage=self._stage.name, count=len(leases))
                task.cancel()
