"""What an error of Postgres or of the way to it means: again, later, or never."""

import errno
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from helixnet.errors import UnavailableError, UsageError

_AGAIN: Final = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_FULL: Final = "53100"
_NUL: Final = "22021"
_DENIED: Final = "42501"
_GONE: Final = ("08", "57P", "25P03")
_LATER: Final = (
    "08",  # the connection is gone
    "53",  # no room, too many connections
    "57P",  # shutting down, crashed, starting up, a session ended
    "57014",  # cancelled: it took too long
    "25P03",  # idle in a transaction for too long, as after a pause of this process
    "25006",  # a standby, for now
    "58",  # the machine below
)
_REFUSED: Final = {
    "28": "name the role in the ledger URL, its password in HELIXNET_LEDGER_PASSWORD_FILE",
    "3D": "create the database, or name another in the ledger URL",
}


def sqlstate(error: BaseException) -> str:
    """Return the SQLSTATE of a database error; empty when there is none."""
    for link in (error, getattr(error, "orig", None), error.__cause__):
        found = getattr(link, "sqlstate", None)
        if isinstance(found, str):
            return found
    return ""


def may_repeat(error: BaseException) -> bool:
    """Whether the same transaction may succeed at once: it lost a race, or a plan is outdated."""
    outdated = type(getattr(error, "orig", error)).__name__ == "InvalidCachedStatementError"
    return outdated or sqlstate(error) in _AGAIN


def is_lost(error: BaseException) -> bool:
    """Whether the connection can't be used any more."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or sqlstate(error).startswith(_GONE)
    driver = type(error).__module__.startswith("asyncpg")
    return isinstance(error, (OSError, TimeoutError)) or driver


def translated(error: BaseException, where: str) -> BaseException:
    """Return what a database error means for the caller; other errors come back as they are.

    Args:
        error: as it came.
        where: the database's address, without a password.
    """
    state = sqlstate(error)
    if state == _FULL or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
        return UnavailableError(
            f"no room left for {where}; nothing accepted is lost",
            code="HX-7004",
            hint="free room on the database's disk, then try again",
        )
    if state == _NUL:
        return UsageError("a text holds a NUL character, which the database can't store")
    if isinstance(error, PoolTimeoutError):
        return UnavailableError(f"{where} is busy: no connection came free")
    if is_lost(error) or state.startswith(_LATER) or state in _AGAIN:
        reason = getattr(error, "orig", error)
        text = str(reason).removeprefix(f"{type(reason).__name__}: ").strip()
        return UnavailableError(f"{where} can't be used now: {text or type(reason).__name__}")
    return error


def refused(error: BaseException, where: str) -> BaseException:
    """Return what an error means while connecting for the first time."""
    state = sqlstate(error)
    hint = next((text for prefix, text in _REFUSED.items() if state.startswith(prefix)), None)
    if hint is not None:
        return UsageError(f"{where} refuses: {getattr(error, 'orig', error)}", hint=hint)
    if state == _DENIED:
        return UsageError(
            f"{where}: the role lacks a right: {getattr(error, 'orig', error)}",
            hint="run helixnet db upgrade as the owner of the tables: it grants what is needed",
        )
    return translated(error, where)
