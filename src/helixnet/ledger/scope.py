"""Whose rows the request in hand may touch: the database's own wall asks for it.

Every query names its tenant already; this is the second wall, for the query that forgets. The
gateway's role sees only what its transaction's tenant owns (``migrations/v0003``), and its
ledger tells the database what stands here.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

NOBODY: Final = ""
EVERYBODY: Final = "*"  # no tenant can have this name

_tenant: ContextVar[str] = ContextVar("helixnet_tenant", default=NOBODY)


def present() -> str:
    """Return the tenant of the request in hand: ``""`` sees nothing, ``*`` everything."""
    return _tenant.get()


def limit_to(tenant: str) -> None:
    """Let the rest of this request touch the rows of ``tenant`` only."""
    _tenant.set(NOBODY if tenant == EVERYBODY else tenant)


def lift() -> None:
    """Let the rest of this request or task touch the rows of every tenant."""
    _tenant.set(EVERYBODY)


@contextmanager
def lifted() -> Generator[None]:
    """Touch the rows of every tenant within the block, as to find out whose something is."""
    before = _tenant.set(EVERYBODY)
    try:
        yield
    finally:
        _tenant.reset(before)
