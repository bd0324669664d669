"""Object store on a versioned bucket: MinIO, or any server that speaks S3."""

import asyncio
import errno
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from miniopy_async.api import Minio
from miniopy_async.commonconfig import ComposeSource, CopySource
from miniopy_async.datatypes import Object
from miniopy_async.deleteobjects import DeleteObject

from helixnet.adapters import s3_read, s3_upload
from helixnet.adapters.s3_bucket import ATTEMPTS, Bucket
from helixnet.adapters.s3_errors import FAULTS, told
from helixnet.adapters.store_address import address_of
from helixnet.adapters.store_keys import Count, is_key, segments_of, uncounted
from helixnet.errors import NotFoundError, UnavailableError
from helixnet.ports import ObjectRef, StoreTraits

PATIENCE: Final = 30.0
COPY: Final = 64 << 20  # bytes that one request copies, so that it is soon over
PAGE: Final = 1000  # entries of a listing that one request brings
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_XML: Final = re.compile(r"[\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")


class S3Store:
    """See :class:`helixnet.ports.ObjectStore`. Versions are the bucket's own.

    Nothing is ever hidden by a delete marker: what is deleted is deleted by its version.

    Args:
        url: ``s3://host:port/bucket``, or ``s3+http://…`` without TLS.
        access_key: of a user who may read and write the bucket.
        secret_key: of the same.
        scratch: local folder for what is lent to workers; made if it is not there.
        patience: seconds that the server may be silent within a request.
        count: told the kind of each request.

    Raises:
        UsageError: ``url`` names no bucket.
    """

    traits = StoreTraits(whole=True, costly=True, door="bucket")

    def __init__(
        self,
        url: str,
        access_key: str,
        secret_key: str,
        scratch: Path,
        *,
        patience: float = PATIENCE,
        count: Count = uncounted,
    ) -> None:
        self._bucket = Bucket(
            address_of(url), access_key, secret_key, patience=patience, count=count
        )
        self._scratch = scratch
        scratch.mkdir(parents=True, exist_ok=True)

    @property
    def scratch(self) -> Path:
        """A local folder for files on their way in or out."""
        return self._scratch

    async def check(self) -> None:
        """See that the bucket is there and versioned.

        Raises:
            UsageError: it is not; ``helixnet store apply`` makes it so.
            UnavailableError: the server can't be reached now; requests will see to it later.
        """
        await self._bucket.check()

    async def put_file(self, key: str, path: Path) -> ObjectRef:
        """See the port; a file over 8 MiB goes in parts of 16 MiB, one in memory at a time."""
        ref = await s3_upload.put_file(self._bucket, key, path, attempts=_attempts(key))
        await asyncio.to_thread(path.unlink, missing_ok=True)
        return ref

    async def put_bytes(self, key: str, data: bytes, *, durable: bool = True) -> ObjectRef:
        """See the port; always durable."""
        return await s3_upload.put_bytes(self._bucket, key, data, attempts=_attempts(key))

    @asynccontextmanager
    async def local(
        self, ref: ObjectRef, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[tuple[Path, int]]:
        """See the port: a sparse file of the object's size, with these bytes at their own place."""
        path = self._scratch / uuid4().hex
        try:
            await self._fetch(ref, start, end, path)
            yield path, start
        finally:
            path.unlink(missing_ok=True)

    async def _fetch(self, ref: ObjectRef, start: int, end: int | None, path: Path) -> None:
        place = start
        try:
            with path.open("xb", buffering=0) as file:
                file.truncate(ref.size)
                async for block in self.read(ref, start, end):
                    await asyncio.to_thread(os.pwrite, file.fileno(), block, place)
                    place += len(block)
        except OSError as error:
            code = "HX-7004" if error.errno in _FULL else ""
            raise UnavailableError(f"{path}: {error.strerror}", code=code) from error

    def read(self, ref: ObjectRef, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """See the port; the content hash is compared when the whole is read and it is known."""
        segments_of(ref.key)
        stop = ref.size if end is None else min(end, ref.size)
        return s3_read.read(self._bucket, ref, start, max(start, stop))

    async def find(self, key: str, version: str = "") -> ObjectRef | None:
        """See the port."""
        segments_of(key)
        try:
            found = await self._bucket.call(
                "head",
                key,
                lambda client: client.stat_object(
                    self._bucket.name, key, version_id=version or None
                ),
                version=version,
            )
        except NotFoundError:
            return None
        return _ref(found)

    async def list(self, prefix: str, *, replaced: bool = False) -> AsyncIterator[ObjectRef]:
        """See the port."""
        same: list[ObjectRef] = []
        async for entry in self._versions(prefix):
            if entry.is_delete_marker or not (replaced or entry.is_latest == "true"):
                continue
            ref = _ref(entry)
            if same and same[0].key != ref.key:
                for older in reversed(same):  # the bucket tells the newest first
                    yield older
                same.clear()
            if is_key(ref.key):
                same.append(ref)
        for older in reversed(same):
            yield older

    async def take(self, ref: ObjectRef, key: str) -> ObjectRef | None:
        """See the port: a copy within the server, then the drop goes, by its version."""
        segments_of(key)
        kept = await self.find(key)
        try:
            if kept is None or kept.size != ref.size:
                kept = await self._copy(ref, key)
            elif await self.find(ref.key, ref.version) is None:
                return None
        except NotFoundError:
            return None
        await self.remove([ref])
        return kept

    async def remove(self, refs: Sequence[ObjectRef]) -> None:
        """See the port; up to 1,000 in one request."""
        for start in range(0, len(refs), PAGE):
            chosen = [(ref.key, ref.version) for ref in refs[start : start + PAGE]]
            await self._remove(chosen)

    async def delete(self, key: str) -> None:
        """See the port; every version goes, and the marks of those who deleted it otherwise."""
        segments_of(key)
        found = [
            (key, entry.version_id or "")
            async for entry in self._versions(key)
            if entry.object_name == key
        ]
        for start in range(0, len(found), PAGE):
            await self._remove(found[start : start + PAGE])

    async def close(self) -> None:
        """Close the connections."""
        await self._bucket.close()

    async def _versions(self, prefix: str) -> AsyncIterator[Object]:
        """Yield all that the bucket holds below ``prefix``, a page at a time."""
        await self._bucket.ready()
        seen = 0
        try:
            async for entry in self._bucket.client.list_objects(
                self._bucket.name, prefix=prefix, recursive=True, include_version=True
            ):
                if seen % PAGE == 0:
                    self._bucket.count("list")
                seen += 1
                yield entry
        except FAULTS as error:
            raise told(error, prefix) from error
        if not seen:
            self._bucket.count("list")

    async def _copy(self, ref: ObjectRef, key: str) -> ObjectRef:
        """Have the server copy; a large object in pieces, so that no request is silent for long."""
        bucket = self._bucket
        if ref.size <= COPY:
            whole = CopySource(bucket.name, ref.key, version_id=ref.version)
            made = await bucket.call(
                "copy",
                ref.key,
                lambda client: client.copy_object(bucket.name, key, whole),
                version=ref.version,
            )
        else:
            made = await bucket.call(
                "copy",
                ref.key,
                lambda client: client.compose_object(bucket.name, key, _pieces(bucket.name, ref)),
                version=ref.version,
                bounded=False,
            )
        return ObjectRef(key, made.version_id or "", ref.size)

    async def _remove(self, chosen: Sequence[tuple[str, str]]) -> None:
        """Delete versions, together unless a name does not go into the XML of such a request."""
        plain = [(key, version) for key, version in chosen if _XML.fullmatch(key)]
        single = sorted(set(chosen) - set(plain)) if len(plain) > 1 else list(chosen)
        if len(plain) > 1:
            await self._bucket.call("delete", plain[0][0], lambda client: self._many(client, plain))
        for key, version in single:
            with suppress(NotFoundError):
                await self._bucket.call(
                    "delete",
                    key,
                    lambda client, key=key, version=version: client.remove_object(
                        self._bucket.name, key, version_id=version
                    ),
                    version=version,
                )

    async def _many(self, client: Minio, chosen: Sequence[tuple[str, str]]) -> None:
        objects = [DeleteObject(key, version) for key, version in chosen]
        for error in await client.remove_objects(self._bucket.name, objects):
            raise UnavailableError(f"{error.name} can't be deleted: {error.code} {error.message}")


def _attempts(key: str) -> int:
    """A drop is put once: one that was stored although it failed would become two jobs."""
    segments = segments_of(key)
    return 1 if segments[0] == "inbox" else ATTEMPTS


def _pieces(bucket: str, ref: ObjectRef) -> "list[ComposeSource]":
    return [
        ComposeSource(
            bucket,
            ref.key,
            version_id=ref.version,
            offset=start,
            length=min(COPY, ref.size - start),
        )
        for start in range(0, ref.size, COPY)
    ]


def _ref(found: Object) -> ObjectRef:
    return ObjectRef(found.object_name or "", found.version_id or "", found.size or 0)
