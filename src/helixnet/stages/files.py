"""A job's file: where it stands in the store, and how a worker gets at it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Protocol

from helixnet.errors import NotFoundError, RefusedError, UnavailableError
from helixnet.ports import ObjectRef, ObjectStore
from helixnet.stages.work import Input


class Filed(Protocol):
    """What the ledger knows of a job's file: inline, or by key and version."""

    @property
    def content(self) -> bytes | None:
        """The whole file when it is small."""
        ...

    @property
    def key(self) -> str:
        """Key in the store."""
        ...

    @property
    def version(self) -> str:
        """Version in the store; empty for a drop: nobody else writes under that key."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...


def work_key(tenant: str, job: str, name: str) -> str:
    """Return the key under which a job's file is kept."""
    return f"work/{tenant}/{job}/{name}"


async def settle(store: ObjectStore, drop: ObjectRef, key: str) -> None:
    """See that the drop stands at ``key``: whoever comes first takes it there.

    Raises:
        RefusedError: the drop is not what was accepted any more.
    """
    if not (await store.find(key) or await store.take(drop, key) or await store.find(key)):
        raise RefusedError(
            "the file changed or went away before it was taken",
            code="HX-5009",
            hint="drop the file again",
        )


@asynccontextmanager
async def lent(
    store: ObjectStore, job: Filed, start: int = 0, end: int | None = None
) -> AsyncGenerator[Input]:
    """Lend a worker the file of a job, of which it will read bytes ``[start, end)`` at most.

    Raises:
        RefusedError: the store has no such object any more.
        UnavailableError: the store can't be reached.
    """
    if job.content is not None:
        yield Input(job.content)
        return
    try:
        ref = ObjectRef(job.key, job.version, job.size)
        async with store.local(ref, start, end) as (path, place):
            if place != start:
                raise UnavailableError(f"{job.key} is lent at another place than asked for")
            yield Input(None, str(path))
    except NotFoundError as error:
        raise RefusedError(f"the stored file is gone: {error}", code="HX-5009") from error
