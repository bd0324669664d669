"""The one loop of every stage: claim what waits, work on it, keep the leases, let go at the end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import structlog
from sqlalchemy import Connection

from helixnet.errors import UnavailableError
from helixnet.events import Event
from helixnet.jobs import RunState
from helixnet.ledger.leases import Lease
from helixnet.ports import Ledger
from helixnet.stages.crew import cancel

RELEASE_SECONDS: Final = 2.0
GATHER_SECONDS: Final = 0.02  # that a busy stage lets work gather before it claims again
log = structlog.get_logger()


class Claim(Protocol):
    """Something leased from the ledger."""

    @property
    def lease(self) -> Lease:
        """What fences this worker's writes."""
        ...


C = TypeVar("C", bound=Claim)


@dataclass(frozen=True, slots=True)
class Dealt(Generic[C]):
    """What a claim gave.

    Args:
        batches: none of them empty.
        more: whether it took as much as it asked for, so that some may be left.
    """

    batches: Sequence[Sequence[C]]
    more: bool


class Stage(Protocol[C]):
    """One use case: what it takes from the ledger, and what it does with it."""

    @property
    def slots(self) -> int:
        """How many batches it works on at a time."""
        ...

    async def claim(self, room: int) -> Dealt[C]:
        """Lease at most ``room`` batches of work; none when nothing waits."""
        ...

    def renew(self, conn: Connection, held: Sequence[Lease], seconds: float) -> set[int]:
        """Extend leases; what is missing from the returned ids is lost."""
        ...

    def release(self, conn: Connection, held: Sequence[Lease]) -> int:
        """Give work back undone, and the attempt with it; returns how much was still held."""
        ...

    async def handle(self, batch: Sequence[C]) -> None:
        """Do the work and commit its effects, each fenced by its lease.

        Raises:
            UnavailableError: the ledger can't be reached; the leases will run out.
        """
        ...


@dataclass(frozen=True, slots=True)
class Times:
    """How a stage keeps time, in seconds.

    Args:
        lease: how long a claim lasts.
        renew: how often it is extended.
        poll: longest delay when a signal was lost.
        stop: what a stop gives to work in hand.
    """

    lease: float
    renew: float
    poll: float
    stop: float


class Service(Generic[C]):
    """Runs one stage until it is stopped.

    Args:
        stage: what to run.
        name: for logs.
        ledger: that it claims from.
        times: how it keeps time.
    """

    def __init__(self, stage: Stage[C], *, name: str, ledger: Ledger, times: Times) -> None:
        self._stage = stage
        self._name = name
        self._ledger = ledger
        self._times = times
        self._bell = asyncio.Event()
        self._stopping = False
        self._hungry = False  # whether the last claim may have left some for want of room
        self._active: dict[asyncio.Task[None], list[Lease]] = {}

    async def listen(
        self,
        subscribe: Callable[[], AsyncIterator[Sequence[Event]]],
        *,
        state: RunState | None = None,
    ) -> None:
        """Ring the bell for every batch of signals: they wake, and say nothing more.

        Args:
            subscribe: gives them.
            state: events of other states are no signals; None when all are.
        """
        while True:
            try:
                async for batch in subscribe():
                    if state is None or any(event.data.get("state") == state for event in batch):
                        self._bell.set()
            except UnavailableError as error:
                log.warning("signals unavailable", stage=self._name, error=str(error))
                await asyncio.sleep(self._times.poll)

    async def run(self) -> None:
        """Work until :meth:`stop`; an error that is not the world's ends the process."""
        while not self._stopping:
            self._bell.clear()
            try:
                await self._claim()
                await self._wait()
            except UnavailableError as error:
                log.warning("ledger unavailable", stage=self._name, error=str(error))
                await asyncio.sleep(self._times.poll)
        await self._drain()

    async def keep_leases(self) -> None:
        """Extend what is held; work whose leases are all lost is ended."""
        while True:
            await asyncio.sleep(self._times.renew)
            with suppress(UnavailableError):
                await self._renew()

    def stop(self) -> None:
        """Take nothing new; :meth:`run` ends when what is in hand has ended or was released."""
        self._stopping = True
        self._bell.set()

    async def _claim(self) -> None:
        """Take what there is room for."""
        self._check()
        room = self._stage.slots - len(self._active)
        if room <= 0:
            self._hungry = True
            return
        dealt = await self._stage.claim(room)
        self._hungry = dealt.more
        for batch in dealt.batches:
            task = asyncio.create_task(self._stage.handle(batch), name=self._name)
            self._active[task] = [item.lease for item in batch]
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Look for more only where the last claim left some, and at errors at once."""
        if self._hungry or task.cancelled() or task.exception() is not None:
            self._bell.set()

    def _check(self) -> None:
        """Forget what has ended; raise what must not be lived with."""
        for task in [task for task in self._active if task.done()]:
            del self._active[task]
            if task.cancelled():
                continue
            error = task.exception()
            if isinstance(error, UnavailableError):
                log.warning("work not committed", stage=self._name, error=str(error))
            elif error is not None:
                raise error

    async def _wait(self) -> None:
        """Wait for a signal; a busy stage then claims what else has come, in one transaction."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), self._times.poll)
        busy = [task for task in self._active if not task.done()]
        if busy and not self._stopping:
            await asyncio.wait(busy, timeout=GATHER_SECONDS, return_when=asyncio.FIRST_COMPLETED)

    async def _drain(self) -> None:
        """Give what is in hand its time to end, then release it."""
        if self._active:
            await asyncio.wait(list(self._active), timeout=self._times.stop)
        left = [(task, leases) for task, leases in self._active.items() if not task.done()]
        await cancel(task for task, _ in left)
        held = [lease for _, leases in left for lease in leases]
        if held:
            await self._release(held)

    async def _release(self, held: Sequence[Lease]) -> None:
        """Give work back; without a ledger that answers, it comes back when its leases end."""
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._ledger.do(lambda conn: self._stage.release(conn, held))
        except (UnavailableError, TimeoutError) as error:
            log.warning("work not released", stage=self._name, count=len(held), error=str(error))
        else:
            log.info("work released", stage=self._name, count=len(held))

    async def _renew(self) -> None:
        held = {task: leases for task, leases in self._active.items() if not task.done()}
        every = [lease for leases in held.values() for lease in leases]
        if not every:
            return
        kept = await self._ledger.do(lambda conn: self._stage.renew(conn, every, self._times.lease))
        for task, leases in held.items():
            if not task.done() and not any(lease.id in kept for lease in leases):
                log.info("work lost", stage=self._name, count=len(leases))
                task.cancel()
