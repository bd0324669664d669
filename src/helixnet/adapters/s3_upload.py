"""Files into a bucket: one request while they are small, else in parts, one in memory at a time."""

import asyncio
import io
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from miniopy_async.datatypes import MultipartUploader

from helixnet.adapters.s3_bucket import Bucket
from helixnet.adapters.s3_errors import FAULTS, passes, told
from helixnet.errors import UnavailableError
from helixnet.ports import ObjectRef

PART: Final = 16 << 20
MOST_PARTS: Final = 10_000  # what S3 allows
MOST_WHOLE: Final = 8 << 20  # bytes that go in one request


async def put_bytes(bucket: Bucket, key: str, data: bytes, *, attempts: int) -> ObjectRef:
    """Store ``data``; readers see all or nothing.

    Raises:
        UnavailableError: it may not be stored.
    """
    made = await bucket.call(
        "put",
        key,
        lambda client: client.put_object(
            bucket.name, key, io.BytesIO(data), len(data), part_size=len(data)
        ),
        attempts=attempts,
    )
    return _ref(key, made.version_id, len(data))


async def put_file(bucket: Bucket, key: str, path: Path, *, attempts: int) -> ObjectRef:
    """Store a local file, which stays where it is.

    Raises:
        UnavailableError: it may not be stored, or ``path`` can't be read.
    """
    try:
        size = (await asyncio.to_thread(path.stat)).st_size
        if size <= MOST_WHOLE:
            data = await asyncio.to_thread(path.read_bytes)
            return await put_bytes(bucket, key, data, attempts=attempts)
    except OSError as error:
        raise UnavailableError(f"{path}: {error.strerror}") from error
    await bucket.ready()
    for attempt in range(1, attempts + 1):
        try:
            return await _put_parts(bucket, key, path, size)
        except FAULTS as error:
            if attempt == attempts or not passes(error):
                raise told(error, key) from error
        await bucket.pause(attempt)
    raise UnavailableError(key)


async def _put_parts(bucket: Bucket, key: str, path: Path, size: int) -> ObjectRef:
    """Upload part after part; what breaks off leaves nothing that a reader sees."""
    uploader = bucket.client.multipart_uploader(bucket.name, key)
    length = max(PART, -(-size // MOST_PARTS))
    with path.open("rb") as file:
        try:
            for number in range(1, -(-size // length) + 1):
                await _put_part(bucket, uploader, file, number, length)
            bucket.count("put")
            async with asyncio.timeout(bucket.patience):
                made = await uploader.complete()
        except BaseException:
            # Not by the uploader's own context, which completes what has failed.
            with suppress(*FAULTS):
                async with asyncio.timeout(bucket.patience):
                    await uploader.abort()
            raise
    return _ref(key, made.version_id, size)


async def _put_part(
    bucket: Bucket, uploader: MultipartUploader, file: BinaryIO, number: int, length: int
) -> None:
    data = await asyncio.to_thread(os.pread, file.fileno(), length, (number - 1) * length)
    bucket.count("put")
    async with asyncio.timeout(bucket.patience):
        await uploader.upload_part(io.BytesIO(data), number)


def _ref(key: str, version: str | None, size: int) -> ObjectRef:
    if not version:
        raise UnavailableError(f"{key}: the bucket gave no version; it may not be stored")
    return ObjectRef(key, version, size)
