"""The stack as a scenario meets it: four service processes beside four servers on loopback."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from jose import jwt
from miniopy_async import Minio
from scripts.stack import postgres
from scripts.stack.server import Server

from tests.scenario.running import PATIENCE, Person, eventually, free_port, pss, session_of
from tests.servers import Backing

SERVICES = ("gateway", "ingest", "mapper", "sink")
COMMANDS = (("db", "upgrade"), ("topics", "apply"), ("store", "apply"))


class StackHelix:
    """Gateway, ingest, mapper and sink, each one process or several, with a database and a bucket
    of their own.

    Args:
        data: folder for what is local to the processes.
        backing: the servers.
        counts: how many processes of a service, where it is not one.
        settings: of every process.
    """

    def __init__(
        self,
        data: Path,
        backing: Backing,
        counts: Mapping[str, int] | None = None,
        **settings: str,
    ) -> None:
        self.data = data
        self.backing = backing
        self.name = f"h{uuid4().hex[:12]}"
        self.settings = settings
        self.counts = dict.fromkeys(SERVICES, 1) | dict(counts or {})
        self.port, self.sftp_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}
        self.made = False
        self.program = [sys.executable, "-m", "helixnet"]

    @property
    def servers(self) -> dict[str, Server]:
        """The servers by name."""
        return self.backing.servers

    @property
    def names(self) -> list[str]:
        """The processes: ``mapper``, or ``mapper-1`` for a second one."""
        return [
            service if number == 0 else f"{service}-{number}"
            for service, count in self.counts.items()
            for number in range(count)
        ]

    def environment(self, role: str = postgres.OWNER) -> dict[str, str]:
        """Say where everything is, as an operator does."""
        database = postgres.url(
            self.servers["postgres"], role=role, database=self.name, driver="asyncpg"
        )
        minio = self.servers["minio"]
        clean = {name: value for name, value in os.environ.items() if name[:9] != "HELIXNET_"}
        return clean | {
            "HELIXNET_BUS": self.servers["kafka"].url,
            "HELIXNET_STORE": f"s3+http://{minio.address}/{self.name}",
            "HELIXNET_STORE_ACCESS_KEY": minio.secrets["access_key"],
            "HELIXNET_STORE_SECRET_KEY": minio.secrets["secret_key"],
            "HELIXNET_LEDGER": database,
            "HELIXNET_LEDGER_PASSWORD": self.servers["postgres"].secrets[role],
            "HELIXNET_IDENTITY": f"oidc+{self.backing.issuer}",
            "HELIXNET_PASSWORD_CLIENT": "helix-test",
            "HELIXNET_DATA": str(self.data),
            "HELIXNET_LOG_FORMAT": "json",
            **{f"HELIXNET_{name.upper()}": value for name, value in self.settings.items()},
        }

    def make(self) -> None:
        """Make database, topics and bucket, as an operator does before the first start."""
        postgres.create_database(self.servers["postgres"], self.name)
        for words in COMMANDS:
            done = self.command(*words)
            assert done.returncode == 0, done.stderr
        self.made = True

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run an operator's command on this stack."""
        return subprocess.run(
            [*self.program, *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * PATIENCE,
        )

    def start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        if not self.made:
            self.make()
        for name in self.names:
            self.start_one(name)
        for name in self.names:
            self.await_one(name)

    def start_one(self, name: str) -> None:
        """Start one process."""
        service = name.partition("-")[0]
        port = self.port if name == "gateway" else self.ports.setdefault(name, free_port())
        self.ports[name] = port
        role = postgres.GATEWAY if service == "gateway" else postgres.OWNER
        flags = [f"--port={port}"]
        flags += [f"--sftp-port={self.sftp_port}"] if name == "ingest" else ["--sftp=false"]
        with self.log_of(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*self.program, "service", service, *flags],
                env=self.environment(role),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_one(self, name: str) -> None:
        """Wait until a process says that it is ready."""
        eventually(lambda: self.ready(name))

    def ready(self, name: str) -> bool:
        """Whether a process answers its probe; one that ended says why."""
        assert self.processes[name].poll() is None, self.log_of(name).read_text("utf-8")
        try:
            url = f"http://127.0.0.1:{self.ports[name]}/health/ready"
            return httpx.get(url, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """End all gracefully; 0 when all of them ended so."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        found = [process.wait(PATIENCE) for process in self.processes.values()]
        self.processes.clear()
        return max((abs(status) for status in found), default=0)

    def kill(self) -> None:
        for name in list(self.processes):
            self.kill_one(name)

    def kill_one(self, name: str) -> None:
        """End one process at once, with those that it began."""
        process = self.processes.pop(name)
        for pid in session_of(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait(PATIENCE)

    def forget(self) -> None:
        """Take the database away; the bucket goes with its server."""
        if self.made:
            postgres.drop_database(self.servers["postgres"], self.name)
            self.made = False

    def log_of(self, name: str) -> Path:
        """Name the log of a process."""
        return self.data.parent / f"{name}.log"

    @property
    def log(self) -> str:
        """Everything that the processes wrote."""
        logs = [self.log_of(name) for name in self.names]
        return "".join(path.read_text("utf-8") for path in logs if path.exists())

    def metrics(self) -> str:
        return "".join(self.metrics_of(name) for name in self.names)

    def metrics_of(self, name: str) -> str:
        """Read the metrics of a process."""
        return httpx.get(f"http://127.0.0.1:{self.ports[name]}/metrics", timeout=PATIENCE).text

    def manifest(self, tenant: str, job: str, run: int = 1) -> dict[str, Any]:
        lines = self.stored(f"results/{tenant}/{job}/{run}/run.ndjson").splitlines()
        return json.loads(lines[-1])

    def drop(self, tenant: str, flow: str, name: str, content: bytes) -> None:
        self.drop_all(tenant, flow, {name: content})

    def drop_all(self, tenant: str, flow: str, files: Mapping[str, bytes]) -> None:
        keyed = {f"inbox/{tenant}/{flow}/{name}": content for name, content in files.items()}
        asyncio.run(self.put_all(keyed))

    async def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Put objects as any S3 client does, some at a time."""
        client, turns = self.client(), asyncio.Semaphore(8)

        async def put(key: str, content: bytes) -> None:
            async with turns:
                await client.put_object(self.name, key, BytesIO(content), len(content))

        try:
            await asyncio.gather(*(put(key, content) for key, content in objects.items()))
        finally:
            await client.close_session()

    def client(self) -> Minio:
        """Make a plain S3 client of the store."""
        minio = self.servers["minio"]
        return Minio(
            minio.address,
            access_key=minio.secrets["access_key"],
            secret_key=minio.secrets["secret_key"],
            secure=False,
        )

    def add_partner(self, name: str, *, tenant: str, public_key: Path) -> None:
        body = {"name": name, "tenant": tenant, "keys": [public_key.read_text("ascii")]}
        answer = Person(self.url, "admin").http.post("/partners", json=body)
        assert answer.status_code in {200, 201}, answer.text

    def stored(self, key: str) -> bytes:
        async def get() -> bytes:
            client = self.client()
            try:
                async with await client.get_object(self.name, key) as answer:
                    return await answer.read()
            finally:
                await client.close_session()

        return asyncio.run(get())

    def sign(self, claims: Mapping[str, Any]) -> str:
        key, kid = self.backing.signing_key
        return jwt.encode(dict(claims), key, "RS256", headers={"kid": kid})

    def memory(self) -> int:
        leaders = [process.pid for process in self.processes.values()]
        return max(sum(map(pss, session_of(leader))) for leader in leaders)
