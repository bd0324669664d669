"""What only a bucket can do wrong: a real MinIO that is killed, paused, cut off, or not ready."""

import asyncio
import hashlib
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from miniopy_async.api import Minio as Client

from helixnet.adapters import s3_apply
from helixnet.adapters.store_s3 import S3Store
from helixnet.cli.main import run
from helixnet.errors import NotFoundError, UnavailableError, UsageError
from helixnet.ports import ObjectRef
from tests import buckets
from tests.buckets import Minio

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
MEBI = 1 << 20
PATIENCE = 3.0
BAD_URLS = (
    *("s3:", "s3://", "s3://host:9000", "s3://host:9000/A_B", "s3://host:x/bucket", "s3://h/a/b"),
    *("s3://key:secret@host/bucket", "http://host/bucket"),
)


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minio]:
    with buckets.running(tmp_path_factory.mktemp("minio")) as running:
        yield running


@pytest.fixture
async def store(minio: Minio, tmp_path: Path) -> AsyncIterator[S3Store]:
    opened = await minio.store(tmp_path / "scratch")
    yield opened
    await opened.close()


@asynccontextmanager
async def client_of(minio: Minio) -> AsyncIterator[Client]:
    """Another S3 client, as a partner has one."""
    async with Client(
        minio.server.address, *minio.keys, secure=False, region="us-east-1"
    ) as client:
        yield client


def bucket_of(store: S3Store) -> str:
    return store._bucket.name


async def content(store: S3Store, ref: ObjectRef) -> bytes:
    return b"".join([block async for block in store.read(ref)])


BIG = """
import asyncio, hashlib, os, resource, sys
from pathlib import Path
from helixnet.adapters.store_s3 import S3Store

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

async def main(url, access, secret, folder, size):
    folder, block = Path(folder), os.urandom(1 << 20)
    with (folder / "big").open("wb") as file:
        for _ in range(size):
            file.write(block)
    store = S3Store(url, access, secret, folder / "scratch")
    before = peak()
    ref = await store.put_file("inbox/t/big", folder / "big")
    at = 100 << 20
    async with store.local(ref, at, at + (5 << 20)) as (path, place):
        with path.open("rb") as file:
            file.seek(place)
            assert file.read(5 << 20) == block * 5
        found = path.stat()
        assert (place, found.st_size) == (at, size << 20)
        assert found.st_blocks * 512 < 8 << 20, found.st_blocks
    assert list((folder / "scratch").iterdir()) == []
    kept = await store.take(ref, "work/t/j/big")
    assert kept.size == size << 20
    digest = hashlib.sha256()
    async for data in store.read(kept):
        digest.update(data)
    print(peak() - before, flush=True)
    assert digest.hexdigest() == hashlib.sha256(block * size).hexdigest()
    assert await store.find("inbox/t/big") is None
    await store.close()

asyncio.run(main(*sys.argv[1:5], int(sys.argv[5])))
"""


async def test_a_large_file_costs_little_memory_and_a_part_little_disk(
    minio: Minio, tmp_path: Path
) -> None:
    """300 MiB go in and out, are moved within the server, and are never whole in memory."""
    arguments = (await minio.bucket(), *minio.keys, str(tmp_path), "300")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", BIG, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 150, "MiB over what the process had before"


async def test_a_killed_server_leaves_no_half_object(minio: Minio, tmp_path: Path) -> None:
    """The file is still here, nothing is there; and with the server everything comes back."""
    store = await minio.store(tmp_path / "scratch")
    url, path = minio.url(bucket_of(store)), tmp_path / "large"
    before = await store.put_bytes("work/t/before", b"kept")
    path.write_bytes(os.urandom(120 * MEBI))
    parts = asyncio.Event()
    watched = await minio.store(tmp_path / "s2", url, count=_after(3, parts))
    putting = asyncio.ensure_future(watched.put_file("work/t/j/large", path))
    await parts.wait()
    minio.server.kill()
    with pytest.raises(UnavailableError):
        await putting
    assert path.stat().st_size == 120 * MEBI
    for failing in (store.find("work/t/before"), store.put_bytes("work/t/x", b"x")):
        with pytest.raises(UnavailableError):
            await failing
    minio.restart()
    assert await content(store, before) == b"kept"
    assert [ref async for ref in store.list("work/", replaced=True)] == [before]
    ref = await watched.put_file("work/t/j/large", path)
    assert ref.size == 120 * MEBI
    assert not path.exists()
    await store.close()
    await watched.close()


def _after(count: int, event: asyncio.Event) -> Callable[[str], None]:
    """Set ``event`` once so many requests have been made."""
    told: list[str] = []

    def tell(operation: str) -> None:
        told.append(operation)
        if len(told) == count:
            event.set()

    return tell


async def test_a_server_killed_in_the_middle_of_a_read_is_no_short_file(
    minio: Minio, store: S3Store, tmp_path: Path
) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(60 * MEBI))
    ref = await store.put_file("work/t/j/large", path)
    blocks = store.read(ref)
    got = len(await anext(blocks))
    minio.server.kill()
    with pytest.raises(UnavailableError):
        got += sum([len(block) async for block in blocks])
    assert got < ref.size
    with pytest.raises(UnavailableError):
        async with store.local(ref):
            pytest.fail("a file that is not whole was lent")
    assert list(store.scratch.iterdir()) == []
    minio.restart()
    assert sum([len(block) async for block in store.read(ref)]) == ref.size


async def test_a_paused_server_is_not_waited_for(minio: Minio, tmp_path: Path) -> None:
    """Every operation ends by itself, and works again when the server does."""
    store = await minio.store(tmp_path / "scratch", patience=PATIENCE)
    ref = await store.put_bytes("inbox/t/x", b"data")
    path = tmp_path / "large"
    path.write_bytes(bytes(40 * MEBI))

    async def listed() -> None:
        assert [found async for found in store.list("inbox/")]

    operations: list[Callable[[], Awaitable[object]]] = [
        lambda: store.put_bytes("work/t/y", b"y" * MEBI),
        lambda: store.put_file("work/t/large", path),
        lambda: store.find("inbox/t/x"),
        lambda: content(store, ref),
        lambda: store.take(ref, "work/t/x"),
        lambda: store.remove([ref]),
        lambda: store.delete("work/t/z"),
        listed,
    ]
    minio.server.pause()
    try:
        async with asyncio.timeout(20 * PATIENCE):
            ends = await asyncio.gather(*(each() for each in operations), return_exceptions=True)
    finally:
        minio.server.resume()
    assert [type(end) for end in ends] == [UnavailableError] * len(operations)
    assert path.exists()
    assert await store.put_file("work/t/large", path)
    await store.close()


class Cutting:
    """A way to the server that breaks off after some bytes of each answer, some times."""

    def __init__(self, port: int, *, after: int, times: int) -> None:
        self._port = port
        self._after = after
        self.times = times
        self._ways: list[asyncio.Future[None]] = []
        self._server: asyncio.Server | None = None

    async def open(self, tls: ssl.SSLContext | None = None) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await asyncio.gather(*self._ways)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ways.append(asyncio.ensure_future(self._way(reader, writer)))

    async def _way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either end closes it or it is cut."""
        answers, requests = await asyncio.open_connection("127.0.0.1", self._port)
        both = {
            asyncio.ensure_future(self._carry(reader, requests, cut=False)),
            asyncio.ensure_future(self._carry(answers, writer, cut=True)),
        }
        _, left = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for each in left:
            each.cancel()
        for end in (writer, requests):
            end.transport.abort()
            with suppress(ConnectionError):
                await end.wait_closed()

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, cut: bool
    ) -> None:
        carried = 0
        try:
            while data := await source.read(65536):
                carried += len(data)
                if cut and self.times and carried > self._after:
                    self.times -= 1
                    return
                target.write(data)
                await target.drain()
        except ConnectionError:
            return


@pytest.mark.parametrize(("times", "whole"), [(2, True), (1000, False)])
async def test_a_read_that_breaks_off_goes_on_or_is_told(
    minio: Minio, store: S3Store, tmp_path: Path, times: int, *, whole: bool
) -> None:
    """What comes is complete and in order, or an error: never a shorter file."""
    data = os.urandom(5 * MEBI)
    ref = await store.put_bytes("work/t/f", data)
    way = Cutting(minio.server.ports["main"], after=2 * MEBI if whole else 1000, times=times)
    address = await way.open()
    url = f"s3+http://{address}/{bucket_of(store)}"
    cut = S3Store(url, *minio.keys, tmp_path / "s")
    if whole:
        known = ObjectRef(ref.key, ref.version, ref.size, hashlib.sha256(data).hexdigest())
        assert await content(cut, known) == data
        assert way.times == 0
    else:
        with pytest.raises(UnavailableError):
            await content(cut, ref)
        with pytest.raises(UnavailableError):
            async with cut.local(ref):
                pytest.fail("a file that is not whole was lent")
    await cut.close()
    await way.close()


async def test_what_is_not_what_was_stored_is_told(store: S3Store) -> None:
    ref = await store.put_bytes("work/t/f", b"data")
    for wrong in (
        ObjectRef(ref.key, ref.version, ref.size, "0" * 64),
        ObjectRef(ref.key, ref.version, 3),
        ObjectRef(ref.key, "", 5),
    ):
        with pytest.raises(UnavailableError):
            await content(store, wrong)


async def test_many_are_listed_in_order_with_their_versions(store: S3Store) -> None:
    """More than one page of 1,000; removed in more than one request."""
    turns = asyncio.Semaphore(16)

    async def put(number: int) -> ObjectRef:
        async with turns:
            return await store.put_bytes(f"inbox/t/{number:05}", b"x")

    put_refs = [*await asyncio.gather(*map(put, range(1201))), await put(7)]
    found = [ref async for ref in store.list("inbox/")]
    assert [ref.key for ref in found] == [f"inbox/t/{number:05}" for number in range(1201)]
    assert found[7] == put_refs[-1]
    every = [ref async for ref in store.list("inbox/", replaced=True)]
    assert [ref for ref in every if ref.key.endswith("00007")] == [put_refs[7], put_refs[-1]]
    assert set(every) == set(put_refs)
    await store.remove(every)
    assert [ref async for ref in store.list("inbox/", replaced=True)] == []


async def test_what_others_leave_in_the_bucket_disturbs_nobody(
    minio: Minio, store: S3Store
) -> None:
    """Objects beside the areas, folders made by a browser, a drop hidden by a deletion."""
    drop = await store.put_bytes("inbox/t/a.csv", b"data")
    async with client_of(minio) as client:
        for key in ("readme.txt", "inbox/t/folder/", "other/x"):
            await client._put_object(bucket_of(store), key, b"", {})
        await client.remove_object(bucket_of(store), "inbox/t/a.csv")
    assert [ref async for ref in store.list("")] == []
    assert [ref async for ref in store.list("inbox/", replaced=True)] == [drop]
    assert await store.find(drop.key) is None
    with pytest.raises(NotFoundError):
        await content(store, ObjectRef(drop.key, "", 4))
    assert await store.take(drop, "work/t/j/a.csv") is not None
    await store.delete("inbox/t/a.csv")
    async with client_of(minio) as client:
        left = await client.list_objects(
            bucket_of(store), "inbox/t/a", recursive=True, include_version=True
        )
    assert left == []


async def test_a_take_that_was_cut_off_is_ended_by_the_next(store: S3Store) -> None:
    """Killed between copy and deletion, the drop lies at both places; the next taker clears it."""
    drop = await store.put_bytes("inbox/t/a.csv", b"data")
    copied = await store._copy(drop, "work/t/j/a.csv")
    taken = await store.take(drop, "work/t/j/a.csv")
    assert taken == copied
    assert [ref async for ref in store.list("inbox/", replaced=True)] == []
    assert [ref async for ref in store.list("work/", replaced=True)] == [copied]


class TestReadiness:
    """A bucket that is not fit is told at start, in words that help; a server may come later."""

    async def test_what_is_wrong_at_the_start(self, minio: Minio, tmp_path: Path) -> None:
        async with client_of(minio) as client:
            await client.make_bucket("plain")
        missing = await minio.store(tmp_path, minio.url("missing"))
        plain = await minio.store(tmp_path, minio.url("plain"))
        stranger = S3Store(minio.url("plain"), minio.keys[0], "wrong", tmp_path)
        for store, word in ((missing, "no bucket"), (plain, "versions"), (stranger, "key")):
            with pytest.raises(UsageError, match=word) as caught:
                await store.check()
            assert caught.value.hint
            with pytest.raises(UnavailableError, match=word):
                await store.put_bytes("work/t/x", b"x")
        await _applied(minio, "plain")
        assert await plain.put_bytes("work/t/x", b"x")  # the same store, without a restart
        for store in (missing, plain, stranger):
            await store.close()

    async def test_a_server_that_is_down_at_the_start_comes_later(
        self, minio: Minio, tmp_path: Path
    ) -> None:
        url = await minio.bucket()
        minio.server.stop()
        store = await minio.store(tmp_path, url)
        with pytest.raises(UnavailableError):
            await store.check()
        with pytest.raises(UnavailableError):
            await store.find("work/t/x")
        minio.restart()
        assert await store.find("work/t/x") is None
        await store.close()

    @pytest.mark.parametrize("url", BAD_URLS)
    def test_a_url_that_names_no_bucket_is_told(self, tmp_path: Path, url: str) -> None:
        with pytest.raises(UsageError) as caught:
            S3Store(url, "a", "b", tmp_path)
        assert caught.value.hint


async def _applied(minio: Minio, bucket: str) -> None:
    async for _ in s3_apply.apply(minio.url(bucket), *minio.keys, notify=False):
        pass


class TestApply:
    """``helixnet store apply``."""

    @pytest.fixture
    def command(
        self, minio: Minio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> Callable[..., tuple[int, str, str]]:
        """Run it; returns exit status, output and errors."""
        monkeypatch.setenv("HELIXNET_STORE_ACCESS_KEY", minio.keys[0])
        monkeypatch.setenv("HELIXNET_STORE_SECRET_KEY", minio.keys[1])

        def call(*arguments: str) -> tuple[int, str, str]:
            status = run(["store", "apply", *arguments])
            return (status, *capsys.readouterr())

        return call

    def test_it_says_what_it_did_and_then_that_nothing_is_left(
        self, minio: Minio, command: Callable[..., tuple[int, str, str]]
    ) -> None:
        url = minio.url("applied")
        first = command("--store", url, "--no-notification")
        assert (first[0], first[2]) == (0, "")
        assert "bucket applied made" in first[1]
        again = command("--store", url, "--no-notification")
        assert again[1].splitlines() == [
            "bucket applied is there",
            "versions are kept",
            "the upkeep rule is set",
        ]

    def test_a_server_without_a_target_is_told(
        self, minio: Minio, command: Callable[..., tuple[int, str, str]]
    ) -> None:
        """What could be done is done."""
        status, out, errors = command("--store", minio.url("untold"))
        assert status == 2
        assert "bucket untold made" in out
        assert "MINIO_NOTIFY_KAFKA" in errors

    def test_notifications_of_the_inbox_are_set_once(
        self,
        tmp_path: Path,
        command: Callable[..., tuple[int, str, str]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A target that is down is one: events are lost then, and listings find the drops."""
        down = {"ENABLE": "on", "BROKERS": "127.0.0.1:9", "TOPIC": "helix.drops"}
        named = {f"MINIO_NOTIFY_KAFKA_{name}_HELIX": value for name, value in down.items()}
        with buckets.running(tmp_path, **named) as other:
            monkeypatch.setenv("HELIXNET_STORE_ACCESS_KEY", other.keys[0])
            monkeypatch.setenv("HELIXNET_STORE_SECRET_KEY", other.keys[1])
            url = other.url("told")
            first, again = command("--store", url), command("--store", url)
        assert (first[0], again[0]) == (0, 0)
        assert first[1].endswith("from now on\n")
        assert again[1].endswith("drops are told of to arn:minio:sqs::HELIX:kafka\n")

    def test_a_folder_needs_nothing(self, command: Callable[..., tuple[int, str, str]]) -> None:
        assert command("--store", "file:") == (
            0,
            "files live in a folder: there is nothing to be done\n",
            "",
        )

    def test_what_can_not_be_reached_is_told(
        self, command: Callable[..., tuple[int, str, str]]
    ) -> None:
        assert command("--store", "s3+http://127.0.0.1:9/bucket")[0] == 3
        assert command("--store", "s3+http://127.0.0.1/")[0] == 2


ENCRYPTED = """
import asyncio, sys
from pathlib import Path
from helixnet.adapters.store_s3 import S3Store

async def main(url, access, secret, folder):
    store = S3Store(url, access, secret, Path(folder))
    data = bytes(range(256)) * 80_000  # in parts
    (Path(folder) / "large").write_bytes(data)
    small = await store.put_bytes("inbox/t/small", b"data")
    large = await store.put_file("inbox/t/large", Path(folder) / "large")
    for ref, expected in ((small, b"data"), (large, data)):
        assert b"".join([block async for block in store.read(ref)]) == expected
    assert await store.take(small, "work/t/small")
    await store.remove([large, small])
    assert [ref.key async for ref in store.list("")] == ["work/t/small"]
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("trusted", [True, False])
async def test_requests_go_over_tls_to_who_is_trusted(
    minio: Minio, store: S3Store, tmp_path: Path, *, trusted: bool
) -> None:
    """``s3://`` is encrypted, and a certificate that nobody vouches for is refused."""
    assert await store.find("work/t/x") is None
    certificate = _certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    way = Cutting(minio.server.ports["main"], after=0, times=0)
    url = f"s3://{await way.open(tls)}/{bucket_of(store)}"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", ENCRYPTED, url, *minio.keys, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ({"SSL_CERT_FILE": str(certificate[0])} if trusted else {}),
    )
    await way.close()
    if trusted:
        assert done.returncode == 0, done.stderr
    else:
        assert "certificate verify failed" in done.stderr


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for loopback that vouches for itself; return it with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = (folder / "public.crt", folder / "private.key")
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
