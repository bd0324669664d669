"""Errors mean an action, decided here and nowhere else.

A record's error never comes this far: it is set aside as data. What the person must correct ends
the run FAILED; what the world lacks at the moment waits without blame; anything else ends one
attempt and is kept with its traceback for operators.
"""

import traceback
from dataclasses import dataclass
from typing import Final

from helixnet.errors import (
    ContextError,
    DriftError,
    HelixNetError,
    NotFoundError,
    RefusedError,
    RejectedError,
    UnavailableError,
    UsageError,
)
from helixnet.ledger.leases import Failure, Lease
from helixnet.ports import Ended

FIRST_RETRY: Final = 0.5
LONGEST_RETRY: Final = 60.0
WORLD_RETRY: Final = 5.0
MAX_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True)
class Refused:
    """The file as a whole ends FAILED; ``error`` has code, message and hint."""

    error: dict[str, object]


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt later; ``counted`` False when the work is not to blame."""

    error: dict[str, object]
    counted: bool

    def failure(self, lease: Lease, attempts: int) -> Failure:
        """Return what the ledger is told; the wait doubles with each attempt up to a minute."""
        wait = min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY) if self.counted else 0.0
        seconds = wait if self.counted else WORLD_RETRY
        return Failure(lease.id, lease.epoch, self.error, seconds, self.counted)


class EndedError(Exception):
    """A worker ended with the only item it was given."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.reason)
        self.ended = ended


def failure_of(error: Exception, lease: Lease, attempts: int) -> Failure:
    """Return what the ledger is told where nothing can be refused any more: it is tried again."""
    action = decide(error)
    if isinstance(action, Refused):
        action = Retry(action.error, counted=True)
    return action.failure(lease, attempts)


def decide(error: Exception | Ended) -> Refused | Retry:
    """Say what an error of a run, part or delivery means."""
    match error:
        case Ended():
            message = error.reason.strip().rpartition("\n")[2]
            found = {"code": "", "message": message, "traceback": error.reason}
            if error.reason.startswith("HX-"):
                found["code"] = error.reason[:7]
            return Retry(dict(found), counted=error.begun)
        case EndedError():
            return decide(error.ended)
        case ContextError():
            problems = [str(problem) for problem in error.problems[:MAX_PROBLEMS]]
            first = next(iter(error.problems), None)
            code = str(getattr(first, "code", ""))
            return Refused({"code": code, "message": str(first), "problems": problems})
        case RejectedError() if error.code.startswith("HX-4"):  # no record's fault, the context's
            return Refused({"code": error.code, "message": str(error), "hint": error.hint})
        case RefusedError() | UsageError() | NotFoundError():
            return Refused(_refusal(error))
        case UnavailableError():
            return Retry({"code": error.code, "message": str(error)}, counted=False)
        case _:
            text = "".join(traceback.format_exception(error))
            message = f"{type(error).__name__}: {error}"
            return Retry({"code": "", "message": message, "traceback": text}, counted=True)


def _refusal(error: HelixNetError) -> dict[str, object]:
    found: dict[str, object] = {"code": error.code, "message": str(error), "hint": error.hint}
    if isinstance(error, DriftError):
        found |= {"drift": list(error.drift), "patch": list(error.patch)}
    return found
