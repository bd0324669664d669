"""Bytes out of a bucket: of one version, all of them, gone on with where the connection broke."""

import hashlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import ClientResponse
from miniopy_async.api import Minio

from helixnet.adapters.s3_bucket import ATTEMPTS, Bucket
from helixnet.adapters.s3_errors import FAULTS, told
from helixnet.adapters.store_keys import BLOCK
from helixnet.errors import UnavailableError
from helixnet.ports import ObjectRef

_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class ShortReadError(UnavailableError):
    """The bytes ended before the object did."""


async def read(bucket: Bucket, ref: ObjectRef, start: int, stop: int) -> AsyncIterator[bytes]:
    """Yield bytes ``[start, stop)`` of exactly this version.

    Raises:
        NotFoundError: there is no such object or version.
        UnavailableError: the server can't be reached, or what it gives is short or not what
            ``ref`` says.
    """
    if start == stop and ref.size:
        await _expect(bucket, ref)
        return
    digest = hashlib.sha256() if ref.sha256 and (start, stop) == (0, ref.size) else None
    place, failures = start, 0
    while True:
        try:
            async for block in _blocks(bucket, ref, place, stop):
                if digest is not None:
                    digest.update(block)
                place += len(block)
                failures = 0
                yield block
            break
        except ShortReadError:
            failures += 1
            if failures == ATTEMPTS:
                raise
            await bucket.pause(failures)
    if digest is not None and digest.hexdigest() != ref.sha256:
        raise UnavailableError(f"{ref.key}: the bytes that came are not those that were stored")


async def _expect(bucket: Bucket, ref: ObjectRef) -> None:
    """See that the version is there, where no byte of it is asked for."""
    await bucket.call(
        "head",
        ref.key,
        lambda client: client.stat_object(bucket.name, ref.key, version_id=ref.version or None),
        version=ref.version,
    )


async def _blocks(bucket: Bucket, ref: ObjectRef, start: int, stop: int) -> AsyncIterator[bytes]:
    place = start
    async with _opened(bucket, ref, start, stop) as response:
        try:
            async for block in response.content.iter_chunked(BLOCK):
                place += len(block)
                yield block
        except TimeoutError as error:
            raise told(error, ref.key) from error
        except FAULTS as error:
            raise ShortReadError(f"{ref.key} breaks off at byte {place}") from error
    if place != stop:
        raise ShortReadError(f"{ref.key} ends at byte {place}, not {stop}")


@asynccontextmanager
async def _opened(
    bucket: Bucket, ref: ObjectRef, start: int, stop: int
) -> AsyncGenerator[ClientResponse]:
    """Ask for bytes; the connection goes back when the block ends, read to the end or not."""
    length = 0 if (start, stop) == (0, ref.size) else stop - start  # 0 is all there is

    async def get(client: Minio) -> ClientResponse:
        return await client.get_object(
            bucket.name, ref.key, start, length, version_id=ref.version or None
        )

    async with await bucket.call("get", ref.key, get, version=ref.version) as response:
        found = _size(response)
        if found != ref.size:
            raise UnavailableError(f"{ref.key} has {found} bytes in the store, not {ref.size}")
        yield response


def _size(response: ClientResponse) -> int:
    """Return the size of the whole object of which this answer is all or a part."""
    part = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return int(part[3]) if part else int(response.headers.get("Content-Length", -1))
