"""Named places at which a test may end the process, as a power cut in that very moment would.

What is promised must hold wherever a process dies, and random kills seldom meet the few
milliseconds between an effect and what follows from it. Unless a process was started with the
setting ``crash_at`` each place costs the look into an empty dictionary.
"""

import os
import re
from typing import Final

from helixnet.errors import UsageError

STATUS: Final = 137  # as a process ended by SIGKILL
POINTS: Final = {
    "gateway.stored": "the uploaded file is in the store, no row speaks of it",
    "gateway.committed": "the job is durable, the client has no answer",
    "ingest.indexed": "the file was passed over, its parts are not written",
    "ingest.committed": "runs were started or refused, nobody was woken",
    "mapper.stored": "the output of parts is in the store, their rows do not say so",
    "mapper.committed": "parts are done, nobody was woken",
    "sink.copied": "manifest and small results are in the store, the run is open",
    "sink.committed": "runs are final, their events are unsent",
    "publisher.sent": "events were sent and are not marked",
    "deliver.between": "some documents of a delivery were told, others not",
    "inbox.accepted": "drops became jobs and still lie in the inbox",
}
_FORM: Final = re.compile(r"([a-z.]+)(?::([1-9]\d{0,5}))?")
_armed: dict[str, int] = {}  # of this process: point to passings left; set once, at its start


def arm(at: str) -> None:
    """Let the process end at a point: ``stage.point``, or ``stage.point:n`` for the n-th passing.

    Raises:
        UsageError: there is no such point.
    """
    _armed.clear()
    if not at:
        return
    match = _FORM.fullmatch(at)
    if match is None or match[1] not in POINTS:
        raise UsageError(f"crash_at: there is no point {at!r}", hint=f"of {', '.join(POINTS)}")
    _armed[match[1]] = int(match[2] or 1)


def reach(point: str) -> None:
    """End the process without any farewell if it is armed for this passing of ``point``."""
    if point in _armed:
        _armed[point] -= 1
        if _armed[point] == 0:
            os._exit(STATUS)
