"""The stack as a target: four services, two of them mappers, beside four servers of its own."""

import random
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientError
from miniopy_async.error import MinioException
from scripts.stack import postgres
from scripts.stack.server import Server

from helixnet.crashpoints import POINTS
from tests.chaos.nemesis import FAULTS
from tests.chaos.victims import Victim
from tests.scenario.running import session_of
from tests.scenario.stack import StackHelix
from tests.servers import Backing, backing

START_SECONDS: Final = 120.0
OUTAGE_SECONDS: Final = 3.0  # the most that an ended server stays away
AT: Final = {  # where the points lie, by the first word of their names; the publisher is in all
    "gateway": ("gateway", "publisher"),
    "ingest": ("ingest", "inbox", "publisher"),
    "mapper": ("mapper", "publisher"),
    "sink": ("sink", "deliver", "publisher"),
}


class ServiceVictim:
    """One service process. See :class:`tests.chaos.victims.Victim`."""

    def __init__(self, helix: StackHelix, name: str) -> None:
        self.name = name
        self._helix = helix
        service = name.partition("-")[0]
        own = AT[service]
        no_children = {"child", "stall"} if service == "gateway" else set[str]()
        self.faults: Sequence[str] = tuple(kind for kind in FAULTS if kind not in no_children)
        self.points: Sequence[str] = tuple(p for p in POINTS if p.partition(".")[0] in own)

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        return self._helix.processes[self.name]

    def start(self, *, crash_at: str = "") -> None:
        armed = self._helix.settings
        self._helix.settings = armed | ({"crash_at": crash_at} if crash_at else {})
        self._helix.start_one(self.name)
        self._helix.settings = armed
        end = time.monotonic() + START_SECONDS
        while self.status() is None and not self._ready():
            assert time.monotonic() < end, self._helix.log_of(self.name).read_text("utf-8")[-2000:]
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            return self._helix.ready(self.name)
        except AssertionError:  # it has ended: the status says how
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(START_SECONDS)

    def stop(self) -> int:
        self._process.terminate()
        try:
            return self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def pause(self) -> None:
        if self.status() is None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self.status() is None:
            self._process.send_signal(signal.SIGCONT)

    def status(self) -> int | None:
        return self._process.poll()

    def children(self) -> list[int]:
        return [pid for pid in session_of(self._process.pid) if pid != self._process.pid]


class ServerVictim:
    """Kafka, MinIO or Postgres: it ends, stays away for a moment, and comes back on its data."""

    faults: Sequence[str] = ("kill",)
    points: Sequence[str] = ()

    def __init__(self, backing: Backing, name: str) -> None:
        self.name = name
        self._backing = backing
        self._dice = random.Random(name)  # noqa: S311 - no secret

    @property
    def _server(self) -> Server:
        return self._backing.servers[self.name]

    def start(self, *, crash_at: str = "") -> None:
        assert not crash_at
        self._backing.servers[self.name] = self._server.restart()

    def kill(self) -> None:
        self._server.kill()
        time.sleep(self._dice.uniform(0, OUTAGE_SECONDS))

    def stop(self) -> int:
        self._server.stop()
        return 0

    def pause(self) -> None:
        self._server.pause()

    def resume(self) -> None:
        self._server.resume()

    def status(self) -> int | None:
        return None if self._server.running() else -signal.SIGKILL

    def children(self) -> list[int]:
        return []


class Stacked:
    """See :class:`tests.chaos.victims.Target`.

    Args:
        folder: for servers, processes and logs.
        settings: of every process, beside those that give work enough parts.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._settings = {"workers": "1", "part_size": "65536", **settings}
        self._resources = ExitStack()
        self._helix: StackHelix | None = None
        self._victims: dict[str, Victim] = {}

    @property
    def helix(self) -> StackHelix:
        """What was started."""
        assert self._helix is not None, "start the target first"
        return self._helix

    @property
    def url(self) -> str:
        return self.helix.url

    @property
    def victims(self) -> Mapping[str, Victim]:
        return self._victims

    def start(self) -> None:
        servers = self._folder / "servers"
        servers.mkdir()
        beside = self._resources.enter_context(backing(servers))
        self._helix = StackHelix(
            self._folder / "helix" / "data", beside, {"mapper": 2}, **self._settings
        )
        self.helix.start()
        self._victims = {name: ServiceVictim(self.helix, name) for name in self.helix.names}
        for name in ("kafka", "minio", "postgres"):
            self._victims[name] = ServerVictim(beside, name)

    def stop(self) -> Mapping[str, int]:
        try:
            if self._helix is None:
                return {}
            for process in self.helix.processes.values():
                process.terminate()
            return {
                name: process.wait(START_SECONDS) for name, process in self.helix.processes.items()
            }
        finally:
            for process in self._helix.processes.values() if self._helix else ():
                with suppress(ProcessLookupError):
                    process.kill()
            self._resources.close()

    def drop(self, tenant: str, flow: str, name: str, content: bytes) -> None:
        try:
            self.helix.drop(tenant, flow, name, content)
        except (MinioException, ClientError, TimeoutError) as error:
            raise OSError(f"{name}: {error}") from error

    def evidence(self) -> dict[str, Any]:
        servers = self.helix.servers
        minio, database = servers["minio"], servers["postgres"]
        return {
            "shape": "stack",
            "url": self.url,
            "kafka": servers["kafka"].address,
            "store": [minio.address, minio.secrets["access_key"], minio.secrets["secret_key"]],
            "bucket": self.helix.name,
            "database": postgres.url(database, database=self.helix.name),
            "password": database.secrets[postgres.OWNER],
        }

    def describe(self) -> str:
        return ", ".join(str(self.helix.log_of(name)) for name in self.helix.names)
