"""The program of one worker process: take items, do them, and end when the server ends.

``python -m helixnet.adapters.worker FD MODULE``: FD is a socket to the server, MODULE is imported
ahead of the first item. Standard input is the life line: its end means that the server is gone,
however it went.
"""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, TypeAlias

BEGUN, DONE, FAILED, BEAT = "begun", "done", "failed", "beat"
BEAT_SECONDS: Final = 1.0
Beat: TypeAlias = Callable[[], None]
Task: TypeAlias = tuple[Callable[[object, Beat], object], Sequence[object]]


def main(arguments: Sequence[str]) -> None:
    """Serve items until the server goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the group; the server decides
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    with suppress(OSError):  # where the system knows it: short of memory, end a worker first
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")
    import_module(arguments[1])
    with Connection(int(arguments[0])) as server, suppress(EOFError, OSError):
        server.send((BEAT, None))  # started: from now on silence is a stall
        while True:
            _serve(server, server.recv())


def _end_with_the_server() -> None:
    while os.read(sys.stdin.fileno(), 64):
        pass
    os._exit(1)


def _serve(server: Connection, task: Task) -> None:
    function, items = task
    beat = _beat(server)
    for number, item in enumerate(items):
        server.send((BEGUN, number))
        try:
            result = function(item, beat)
        except MemoryError:
            os._exit(1)  # what is left of this process can't be trusted
        except BaseException:  # noqa: BLE001 - whatever it is, it ends this item, not the worker
            server.send((FAILED, traceback.format_exc()))
        else:
            server.send((DONE, result))


def _beat(server: Connection) -> Beat:
    """Make the callable that tells progress, at most once a second."""
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last >= BEAT_SECONDS:
            last = time.monotonic()
            server.send((BEAT, None))

    return beat


if __name__ == "__main__":
    main(sys.argv[1:])
