"""Worker processes: started fresh, replaced when they die, gone when the server is gone."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from socket import socketpair
from typing import Self, TypeVar, cast

from helixnet.adapters.worker import BEAT, BEGUN, DONE, Beat
from helixnet.errors import UnavailableError
from helixnet.ports import Ended

START_SECONDS = 60.0  # more for the first word: imports take long on a busy machine
A = TypeVar("A")
R = TypeVar("R")


class _Slot:
    """Place of one child process, its life line, and the socket to it."""

    def __init__(self, preload: str) -> None:
        self._preload = preload
        self.started = False  # whether the child has said so
        self._child: tuple[subprocess.Popen[bytes], Connection] | None = None

    def ready(self) -> Connection:
        """Return the socket to a living child, started if there is none."""
        if self._child and self._child[0].poll() is not None:
            self.end()
        if self._child is None:
            self.started = False
            self._child = self._start()
        return self._child[1]

    def kill(self) -> None:
        """End the child from another thread; whoever talks to it notices."""
        if self._child:
            with suppress(ProcessLookupError):
                self._child[0].kill()

    def end(self) -> int | None:
        """See that the child is gone and return how it ended."""
        if self._child is None:
            return None
        process, link = self._child
        self._child = None
        process.kill()
        status = process.wait()
        link.close()
        if process.stdin:
            process.stdin.close()
        return status

    def _start(self) -> tuple[subprocess.Popen[bytes], Connection]:
        ours, theirs = socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", "helixnet.adapters.worker"]
            try:
                process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    [*command, str(theirs.fileno()), self._preload],
                    stdin=subprocess.PIPE,  # the life line
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
            except OSError as error:
                ours.close()
                raise UnavailableError(f"no worker can be started: {error.strerror}") from error
        return process, Connection(ours.detach())


class ProcessWorkers:
    """See :class:`helixnet.ports.Workers`.

    Args:
        size: how many processes.
        preload: module that each imports at once.
        stall_seconds: time without progress after which a worker is ended.
    """

    def __init__(self, size: int, *, preload: str, stall_seconds: float) -> None:
        self._size = size
        self._stall = stall_seconds
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="worker")
        self._slots = [_Slot(preload) for _ in range(size)]
        # Last in, first out: the worker whose plans are warm is the one asked next.
        self._idle: asyncio.LifoQueue[_Slot] = asyncio.LifoQueue()

    async def __aenter__(self) -> Self:
        """Start the processes, without waiting for their imports."""
        for slot in self._slots:
            slot.ready()
            self._idle.put_nowait(slot)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every process now; what is in hand is reported as ended."""
        for slot in self._slots:
            slot.kill()
        await asyncio.to_thread(self._threads.shutdown)
        for slot in self._slots:
            slot.end()

    @property
    def size(self) -> int:
        """See the port."""
        return self._size

    @property
    def free(self) -> int:
        """See the port."""
        return self._idle.qsize()

    async def run(
        self, function: Callable[[A, Beat], R], items: Sequence[A]
    ) -> Sequence[R | Ended]:
        """See the port."""
        slot = await self._idle.get()
        work = asyncio.get_running_loop().run_in_executor(
            self._threads, self._drive, slot, function, items
        )
        # The slot comes back when its thread is done, also when the caller was cancelled.
        work.add_done_callback(lambda _: self._idle.put_nowait(slot))
        try:
            return cast("Sequence[R | Ended]", await asyncio.shield(work))
        except asyncio.CancelledError:
            slot.kill()
            raise

    def _drive(
        self, slot: _Slot, function: Callable[[A, Beat], R], items: Sequence[A]
    ) -> list[object]:
        """Talk to one worker until every item has an answer (in a thread)."""
        link = slot.ready()
        done: list[object] = []
        begun = True  # dying before the first word counts against the first item
        try:
            link.send((function, items))
            while len(done) < len(items):
                if not link.poll(self._stall if slot.started else START_SECONDS + self._stall):
                    raise TimeoutError
                kind, value = link.recv()
                slot.started = True
                if kind == BEGUN:
                    begun = True
                elif kind != BEAT:
                    done.append(value if kind == DONE else Ended(str(value), begun=True))
                    begun = False
        except (EOFError, OSError) as error:
            reason = f"the worker process ended with status {slot.end()}"
            if isinstance(error, TimeoutError):
                reason = f"HX-6004: no progress for {self._stall:g} s; the worker was ended"
            if begun:
                done.append(Ended(reason, begun=True))
            done += [Ended(reason, begun=False)] * (len(items) - len(done))
        return done
