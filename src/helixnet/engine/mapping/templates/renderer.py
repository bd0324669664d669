"""``template: NAME.j2``: renders records in a process that can be ended, and says what went wrong.

Over the socket go, pickled, one :class:`~helixnet.engine.mapping.templates.worker.Job` and then
batches of records; back come bytes only, for what a template writes is never trusted: ready, and
for each record a text or a fault.
"""

import json
import signal
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from socket import socketpair
from typing import Any, Final, Self

from helixnet.engine.context.model import Lookup
from helixnet.engine.mapping.templates.worker import FAULT, Job
from helixnet.engine.values.faults import ValueFault
from helixnet.errors import UnavailableError

TIME_LIMIT: Final = 2.0
OUTPUT_LIMIT: Final = 1024 * 1024
MEMORY_LIMIT: Final = 512 * 1024 * 1024
START_SECONDS: Final = 60.0
PATIENCE: Final = 10  # a process on a busy machine may take so many times its processor time
MAX_STARTS: Final = 2  # of one record that ends its process without being out of time


class TemplateRenderer:
    """Renders records with one template; to be closed, or used in ``with``.

    The process is started by the first record and anew after one that had to be ended, so one
    bad record costs its own result only.

    Args:
        bundle_files: files of the bundle; includes come from nowhere else.
        entry: name of the template in it.
        lookups: tables by name.
        time_limit: seconds of processor time a record.
        output_limit: bytes of output a record.
        memory_limit: bytes of data of the process, where the system heeds it.
    """

    def __init__(
        self,
        bundle_files: Mapping[str, bytes],
        entry: str,
        *,
        lookups: Mapping[str, Lookup] | None = None,
        time_limit: float = TIME_LIMIT,
        output_limit: int = OUTPUT_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        files, tables = dict(bundle_files), dict(lookups or {})
        self._job = Job(files, entry, tables, time_limit, output_limit, memory_limit)
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; the next record would start it anew."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def render(self, records: Sequence[Mapping[str, Any]]) -> list[str | ValueFault]:
        """Render each record.

        Args:
            records: the names that the template sees, each record its own.

        Returns:
            for each record its text, or the fault: HX-2008 the template failed, HX-6004 it took
            too long, HX-6005 it wrote or needed too much, or the fault of a filter.

        Raises:
            UnavailableError: the process can't be started.
        """
        results: list[str | ValueFault] = []
        starts = 0
        while len(results) < len(records):
            child = self._child = self._child or _Child(self._job)
            before = len(results)
            try:
                child.render(records[before:], results)
            except (EOFError, OSError) as error:
                status = child.end()
                self._child = None
                starts = starts + 1 if len(results) == before else 1
                fault = self._fault(status, error)
                if fault.code == "HX-6004" or starts >= MAX_STARTS:
                    results.append(fault)
                    starts = 0
        return results

    def _fault(self, status: int, error: Exception) -> ValueFault:
        if status == -signal.SIGPROF or isinstance(error, TimeoutError):
            seconds = self._job.seconds
            return ValueFault("HX-6004", f"the template takes more than {seconds:g} s a record")
        return ValueFault("HX-2008", f"the template ended its process (status {status})")


class _Child:
    """One process and the socket to it; gone when this object is gone."""

    def __init__(self, job: Job) -> None:
        ours, theirs = socketpair()
        with theirs:
            number = theirs.fileno()
            command = [sys.executable, "-P", "-m", "helixnet.engine.mapping.templates.worker"]
            try:
                process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    [*command, str(number)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[number],
                )
            except OSError as error:
                ours.close()
                raise UnavailableError(f"no template process: {error.strerror}") from error
        self._job = job
        self._link = Connection(ours.detach())
        self._process = process
        self._finalizer = weakref.finalize(self, _end, process, self._link)
        try:
            self._link.send(job)
            self._receive(START_SECONDS)
        except (EOFError, OSError) as error:
            status = self.end()
            raise UnavailableError(f"the template process ended with status {status}") from error

    def render(self, records: Sequence[Mapping[str, Any]], results: list[str | ValueFault]) -> None:
        """Append the result of each record; EOFError or OSError when the process is lost."""
        self._link.send(list(records))
        self._receive(START_SECONDS)
        seconds = self._job.seconds * PATIENCE
        for _ in records:
            answer = self._receive(seconds)
            if answer[:1] == FAULT:
                code, message, hint = json.loads(answer[1:])
                results.append(ValueFault(code, message, None, hint))
            else:
                results.append(answer[1:].decode())

    def end(self) -> int:
        """See that the process is gone and return its status."""
        self._finalizer()
        return self._process.returncode

    def _receive(self, seconds: float) -> bytes:
        if not self._link.poll(seconds):
            raise TimeoutError
        return self._link.recv_bytes(self._job.output + 64 * 1024)


def _end(process: "subprocess.Popen[bytes]", link: Connection) -> None:
    link.close()
    if process.poll() is None:
        process.kill()
    process.wait()
