"""Files that are in the store already: found within the tenant's own prefixes only."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

from helixnet.errors import (
    HelixNetError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
    UsageError,
)
from helixnet.gateway.finding import refused
from helixnet.gateway.options import Gateway
from helixnet.gateway.problems import REFUSED_REQUEST, TOO_LARGE
from helixnet.ports import Identity, ObjectRef

AREAS: Final = frozenset({"inbox", "work", "results"})
_MAX_NAME: Final = 200  # bytes; folders take 255
_DEEP_ENOUGH: Final = 3  # area/tenant/name


async def forget(services: Gateway, key: str) -> None:
    """Take a file away that no job has; nothing for an empty key."""
    if key:
        with suppress(UnavailableError, NotFoundError):
            await services.store.delete(key)


@asynccontextmanager
async def forgotten_when_refused(services: Gateway, key: str) -> AsyncGenerator[None]:
    """Take the file away again when its job is refused in the block.

    Where the answer to a commit was lost, the job may have been made: then its file stays.
    """
    try:
        yield
    except UnavailableError:
        raise
    except HelixNetError:
        await forget(services, key)
        raise


def file_name(name: str) -> str:
    """Return a name that is safe as the last segment of a key."""
    plain = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable())
    cut = plain.encode()[:_MAX_NAME].decode("utf-8", "ignore").strip()
    return cut if cut not in {"", ".", ".."} else "file"


async def find_object(services: Gateway, caller: Identity, tenant: str, key: str) -> ObjectRef:
    """Return the present version of an object of the tenant; asking for another's is kept.

    Raises:
        NotFoundError: there is none, or it is another tenant's: both look the same.
        UsageError: it is no key.
    """
    segments = key.split("/")
    if len(segments) < _DEEP_ENOUGH or segments[0] not in AREAS or ".." in segments:
        raise UsageError(
            f"not a key of a stored file: {key[:200]!r}",
            code=REFUSED_REQUEST,
            hint="such as inbox/<tenant>/<folder>/<name>",
        )
    own = segments[1] == tenant
    if not own:
        await refused(services, caller, f"object/{key}")
    ref = await services.store.find(key) if own else None
    if ref is None:
        raise NotFoundError(f"there is no object {key[:200]}")
    return ref


async def read_whole(services: Gateway, ref: ObjectRef, *, limit: int) -> bytes:
    """Return an object's bytes.

    Raises:
        TooLargeError: it is over ``limit``.
    """
    if ref.size > limit:
        raise TooLargeError(f"{ref.key} is over the limit of {limit} bytes", code=TOO_LARGE)
    return b"".join([block async for block in services.store.read(ref)])


async def copy_object(services: Gateway, ref: ObjectRef, key: str) -> ObjectRef:
    """Return ``ref``'s bytes under a key of a new job; what was there stays as it is."""
    path = services.settings.scratch / uuid4().hex
    try:
        with path.open("xb") as file:
            async for block in services.store.read(ref):
                await asyncio.to_thread(file.write, block)
        return await services.store.put_file(key, path)
    finally:
        path.unlink(missing_ok=True)
