"""What an S3 server can answer besides what is asked of it, and what callers are told then."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from helixnet.adapters.store_s3 import S3Store
from helixnet.errors import HelixNetError, NotFoundError, UnavailableError, UsageError
from helixnet.ports import ObjectRef

pytestmark = pytest.mark.contract
VERSIONED = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def fault(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>as told</Message></Error>".encode()


@dataclass
class Answering:
    """The HTTP edge: a server whose bucket is fit, and that answers everything else the same."""

    status: str = "200 OK"
    body: bytes = b""
    kind: str = "application/xml"
    headers: str = ""
    asked: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request = head.partition("\r\n")[0]
        length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
        await reader.readexactly(int(length or 0))
        status, body, kind, headers = self.status, self.body, self.kind, self.headers
        if "?versioning" in request:
            status, body, kind, headers = "200 OK", VERSIONED, "application/xml", ""
        else:
            self.asked.append(request.partition(" ")[0])
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            f"Connection: close\r\n{headers}\r\n".encode()
        )
        if not request.startswith("HEAD"):
            writer.write(body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def server() -> AsyncIterator[Answering]:
    answering = Answering()
    listening = await asyncio.start_server(answering.serve, "127.0.0.1", 0)
    answering.port = listening.sockets[0].getsockname()[1]
    yield answering
    listening.close()
    await listening.wait_closed()


@pytest.fixture
async def store(server: Answering, tmp_path: Path) -> AsyncIterator[S3Store]:
    opened = S3Store(f"s3+http://127.0.0.1:{server.port}/bucket", "key", "secret", tmp_path)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("status", "body", "expected", "code"),
    [
        ("507 Insufficient Storage", fault("XMinioStorageFull"), UnavailableError, "HX-7004"),
        ("400 Bad Request", fault("XMinioAdminBucketQuotaExceeded"), UnavailableError, "HX-7004"),
        ("503 Service Unavailable", fault("SlowDown"), UnavailableError, ""),
        ("500 Internal Server Error", fault("InternalError"), UnavailableError, ""),
        ("403 Forbidden", fault("RequestTimeTooSkewed"), UnavailableError, ""),
        ("403 Forbidden", fault("AccessDenied"), UnavailableError, ""),
        ("404 Not Found", fault("NoSuchBucket"), UnavailableError, ""),
        ("400 Bad Request", fault("XMinioInvalidObjectName"), UsageError, ""),
        ("200 OK", b"", UnavailableError, ""),  # no version: it may not be stored
    ],
)
async def test_a_put_that_fails_says_what_to_do(
    server: Answering,
    store: S3Store,
    status: str,
    body: bytes,
    expected: type[HelixNetError],
    code: str,
) -> None:
    server.status, server.body = status, body
    with pytest.raises(expected) as caught:
        await store.put_bytes("work/t/x", b"data")
    assert type(caught.value) is expected
    assert caught.value.code == code


@pytest.mark.parametrize("kind", ["application/xml", "text/html"])
async def test_what_fails_for_a_moment_is_asked_again_and_not_for_ever(
    server: Answering, store: S3Store, kind: str
) -> None:
    """Three times altogether, whoever answers so; a drop once, for twice would be two jobs."""
    server.status, server.kind, server.body = "503 Busy", kind, fault("SlowDown")
    with pytest.raises(UnavailableError):
        await store.put_bytes("work/t/x", b"data")
    assert server.asked == ["PUT"] * 3
    server.asked.clear()
    with pytest.raises(UnavailableError):
        await store.put_bytes("inbox/t/x", b"data")
    assert server.asked == ["PUT"]


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion"])
async def test_what_is_gone_is_not_asked_for_again(
    server: Answering, store: S3Store, code: str
) -> None:
    server.status, server.body = "404 Not Found", fault(code)
    with pytest.raises(NotFoundError):
        await anext(aiter(store.read(ObjectRef("work/t/x", "v", 4))))
    assert server.asked == ["GET"]


async def test_an_answer_that_is_no_s3_answer_is_not_believed(
    server: Answering, store: S3Store
) -> None:
    """A portal's page with status 200, where a file or a list is expected."""
    server.body, server.kind = b"<html>please log in</html>", "text/html"
    with pytest.raises(UnavailableError):
        await anext(aiter(store.read(ObjectRef("work/t/x", "v", 4))))
    with pytest.raises(UnavailableError):
        await anext(aiter(store.list("inbox/")))
    with pytest.raises(UnavailableError):
        await store.take(ObjectRef("inbox/t/x", "v", 4), "work/t/x")


async def test_what_was_stored_packed_is_read_packed(server: Answering, store: S3Store) -> None:
    """A file that says of itself that it is gzip is the partner's: its bytes are as they are."""
    packed = b"\x1f\x8b\x08\x00 not even gzip"
    server.body, server.headers = packed, "Content-Encoding: gzip\r\n"
    ref = ObjectRef("work/t/x", "v", len(packed))
    assert b"".join([block async for block in store.read(ref)]) == packed
