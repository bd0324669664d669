"""Buckets of a real MinIO, for tests that need one: each test has its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from scripts.stack import minio
from scripts.stack.server import Server

from helixnet.adapters import s3_apply
from helixnet.adapters.store_s3 import S3Store


@dataclass
class Minio:
    """A server of its own: a test may stop, pause and kill it."""

    server: Server

    @property
    def keys(self) -> tuple[str, str]:
        """Its access key and secret key."""
        return self.server.secrets["access_key"], self.server.secrets["secret_key"]

    def url(self, bucket: str) -> str:
        return f"s3+http://{self.server.address}/{bucket}"

    def restart(self) -> None:
        self.server = self.server.restart()

    async def bucket(self) -> str:
        """Make a bucket that is ready for use; return the store setting for it."""
        url = self.url(f"b-{uuid4().hex}")
        async for _ in s3_apply.apply(url, *self.keys, notify=False):
            pass
        return url

    async def store(self, scratch: Path, url: str = "", **more: Any) -> S3Store:
        """Open a bucket, a new one unless it is named."""
        return S3Store(url or await self.bucket(), *self.keys, scratch, **more)


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Minio]:
    """Run a MinIO on ``folder`` while the block lasts."""
    made = Minio(minio.start(folder, settings=settings))
    try:
        yield made
    finally:
        made.server.stop()
