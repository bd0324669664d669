"""The process in which templates run: it can be ended, is limited, and outlives nobody.

``python -m helixnet.engine.mapping.templates.worker FD``; what goes over the socket is told in
:mod:`helixnet.engine.mapping.templates.renderer`. The limits are the kernel's: processor time a
record (SIGPROF ends the process, even inside one long operation) and memory. When the parent is
gone the socket ends, and so does this process, at the latest when its record is done or out of
time.
"""

import decimal
import json
import resource
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

from jinja2 import Template, TemplateError

from helixnet.engine.context.model import Lookup
from helixnet.engine.mapping.templates.language import environment, render
from helixnet.engine.values.arithmetic import EXACT
from helixnet.engine.values.faults import ValueFault

READY: Final = b"R"
TEXT: Final = b"T"
FAULT: Final = b"F"


@dataclass(frozen=True, slots=True)
class Job:
    """What the process works on, sent once.

    Args:
        files: of the bundle.
        entry: the template's name in it.
        lookups: by name.
        seconds: processor time a record may take.
        output: most bytes of a record's output.
        memory: most bytes of data of the process.
    """

    files: Mapping[str, bytes]
    entry: str
    lookups: Mapping[str, Lookup]
    seconds: float
    output: int
    memory: int


def serve(link: Connection) -> None:
    """Render batch after batch until the other side hangs up."""
    job: Job = link.recv()
    _limit_memory(job.memory)
    decimal.setcontext(EXACT.copy())  # arithmetic in a template is exact or a fault
    template = _template(job)
    link.send_bytes(READY)
    while True:
        records: list[Mapping[str, Any]] = link.recv()
        link.send_bytes(READY)
        for record in records:
            signal.setitimer(signal.ITIMER_PROF, job.seconds)
            answer = _answer(template, record, job.output)
            signal.setitimer(signal.ITIMER_PROF, 0)
            link.send_bytes(answer)


def _template(job: Job) -> Template | ValueFault:
    try:
        return environment(job.files, job.lookups).get_template(job.entry)
    except TemplateError as error:
        return ValueFault("HX-2008", f"{job.entry}: {error.message or type(error).__name__}")


def _answer(template: Template | ValueFault, record: Mapping[str, Any], limit: int) -> bytes:
    try:
        if isinstance(template, ValueFault):
            raise template
        return TEXT + render(template, record, limit).encode()
    except ValueFault as fault:
        return FAULT + json.dumps([fault.code, fault.message, fault.hint]).encode()


def _limit_memory(size: int) -> None:
    with suppress(ValueError, OSError):  # not every system heeds it
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def main() -> None:
    """Serve the socket whose file descriptor is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    with suppress(EOFError, OSError):
        serve(Connection(int(sys.argv[1])))


if __name__ == "__main__":
    main()
