"""A running HelixNet as a person meets it: an address, a place to drop files, a way to stop it."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import httpx
from jose import jwt

T = TypeVar("T")
FINAL = {"COMPLETED", "PARTIAL", "FAILED", "CANCELLED"}
PATIENCE = 60.0  # seconds; generous, because a timing never decides a test


def free_port() -> int:
    """Pick a loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(what: Callable[[], T | None], *, patience: float = PATIENCE) -> T:
    """Ask again until the answer is something, or fail with the last answer."""
    end = time.monotonic() + patience
    while True:
        answer = what()
        if answer:
            return answer
        assert time.monotonic() < end, f"did not happen within {patience} s: {answer!r}"
        time.sleep(0.05)


class Helix(Protocol):
    """What every shape offers to a scenario. Scenarios know nothing else."""

    url: str
    sftp_port: int

    @property
    def log(self) -> str:
        """Everything that its processes wrote."""
        ...

    def start(self) -> None:
        """Start all processes and wait until they are ready."""
        ...

    def stop(self) -> int:
        """End gracefully; return the exit status."""
        ...

    def kill(self) -> None:
        """End every process at once, as a power cut does."""
        ...

    def drop(self, tenant: str, flow: str, name: str, content: bytes) -> None:
        """Put a file where the flow looks for new ones."""
        ...

    def drop_all(self, tenant: str, flow: str, files: Mapping[str, bytes]) -> None:
        """Put many files there, as one client does."""
        ...

    def add_partner(self, name: str, *, tenant: str, public_key: Path) -> None:
        """Let a partner drop files by SFTP."""
        ...

    def stored(self, key: str) -> bytes:
        """Read an object of the store."""
        ...

    def manifest(self, tenant: str, job: str, run: int = 1) -> dict[str, Any]:
        """Read what a run's result is made of, where this shape's store keeps it."""
        ...

    def metrics(self) -> str:
        """Read the metrics of all processes."""
        ...

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Have the issuer's own key sign any claims, for tokens that must be refused."""
        ...

    def memory(self) -> int:
        """Sum the PSS of a server's processes, of the largest where there are several, in bytes.

        0 where the system can't tell.
        """
        ...


def command(
    *arguments: str,
    home: Path,
    url: str = "",
    text: str = "",
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does, with a home folder of its own."""
    clean = {name: value for name, value in os.environ.items() if name[:9] != "HELIXNET_"}
    told = {"HELIXNET_URL": url} if url else {}
    return subprocess.run(
        [sys.executable, "-m", "helixnet", *arguments],
        env=clean | told | variables | {"HOME": str(home)},
        cwd=home,
        input=text,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=2 * PATIENCE,
    )


class Person:
    """A person with a token at a running HelixNet."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        form = {"username": name, "password": name}
        answer = httpx.post(f"{url}/api/v1/auth/token", data=form, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        self.token: str = answer.json()["access_token"]
        self.http = httpx.Client(
            base_url=f"{url}/api/v1",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=PATIENCE,
            limits=httpx.Limits(max_keepalive_connections=0),  # nobody has to close it
        )

    def upload(
        self,
        content: bytes,
        files: Mapping[str, bytes] | None = None,
        *,
        name: str = "orders.csv",
        flow: str | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        """Upload a file with the files of its context (the context first), or for a flow."""
        parts: list[tuple[str, tuple[str, bytes]]] = [("content_file", (name, content))]
        kinds = ["context_file", "schema_file"]
        for kind, (file, data) in zip(kinds, (files or {}).items(), strict=False):
            parts.append((kind, (file, data)))
        for file, data in list((files or {}).items())[2:]:
            parts.append(("attachment", (file, data)))
        return self.http.post(
            "/jobs/upload",
            files=parts,
            data={"flow": flow} if flow else {},
            headers={"Idempotency-Key": key} if key else {},
        )

    def submit(self, content: bytes, files: Mapping[str, bytes], **named: str) -> str:
        """Upload and return the id of the job."""
        answer = self.upload(content, files, name=named.get("name", "orders.csv"))
        assert answer.status_code == 201, answer.text
        return answer.json()["job_id"]

    def job(self, job_id: str) -> dict[str, Any]:
        """Read one job."""
        answer = self.http.get(f"/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def jobs(self, **filters: str) -> list[dict[str, Any]]:
        """Read the first page of the job list."""
        answer = self.http.get("/jobs", params=filters)
        assert answer.status_code == 200, answer.text
        return answer.json()["jobs"]

    def wait(self, job_id: str, *, run: int = 1, patience: float = PATIENCE) -> dict[str, Any]:
        """Wait for a final state of a run and return the job."""

        def ended() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["run"] >= run and job["state"] in FINAL else None

        return eventually(ended, patience=patience)

    def result(self, job_id: str, run: int | None = None) -> bytes:
        """Read the whole result."""
        answer = self.http.get(f"/jobs/{job_id}/result", params={"run": run} if run else {})
        assert answer.status_code == 200, answer.text
        return answer.content

    def rejects(self, job_id: str) -> list[dict[str, Any]]:
        """Read the first rejects."""
        answer = self.http.get(f"/jobs/{job_id}/rejects")
        assert answer.status_code == 200, answer.text
        return answer.json()["rejects"]


class EmbeddedHelix:
    """One `helixnet serve` process on loopback with a data folder of its own."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.port = free_port()
        self.sftp_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in self.settings.items()]
        with (self.data.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "helixnet",
                    "serve",
                    f"--data={self.data}",
                    f"--port={self.port}",
                    f"--sftp-port={self.sftp_port}",
                    *flags,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        eventually(self.ready)

    def ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.data.parent / "server.log").read_text()
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        self.process = None
        return status

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process = None

    def forget(self) -> None:
        """Leave nothing behind: the data folder goes with its test."""

    @property
    def log(self) -> str:
        """Everything that the server wrote."""
        return (self.data.parent / "server.log").read_text(encoding="utf-8")

    def limit_files(self, size: int) -> None:
        """Let no process write beyond ``size`` bytes of a file, as a full disk; -1 is no limit."""
        assert self.process is not None
        for pid in session_of(self.process.pid):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def drop(self, tenant: str, flow: str, name: str, content: bytes) -> None:
        folder = self.data / "inbox" / tenant / flow
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f".{name}").write_bytes(content)
        (folder / f".{name}").rename(folder / name)

    def drop_all(self, tenant: str, flow: str, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            self.drop(tenant, flow, name, content)

    def add_partner(self, name: str, *, tenant: str, public_key: Path) -> None:
        body = {"name": name, "tenant": tenant, "keys": [public_key.read_text("ascii")]}
        answer = Person(self.url, "admin").http.post("/partners", json=body)
        assert answer.status_code in {200, 201}, answer.text

    def stored(self, key: str) -> bytes:
        return (self.data / key).read_bytes()

    def manifest(self, tenant: str, job: str, run: int = 1) -> dict[str, Any]:
        return json.loads(self.stored(f"results/{tenant}/{job}/{run}/manifest.json"))

    def metrics(self) -> str:
        return httpx.get(f"{self.url}/metrics", timeout=PATIENCE).text

    def sign(self, claims: Mapping[str, Any]) -> str:
        (path,) = self.data.rglob("keys.json")
        key = json.loads(path.read_text(encoding="ascii"))[0]
        return jwt.encode(dict(claims), key["pem"], "RS256", headers={"kid": key["kid"]})

    def memory(self) -> int:
        assert self.process is not None
        return sum(pss(pid) for pid in session_of(self.process.pid))


def session_of(leader: int) -> list[int]:
    """List the processes of the session that ``leader`` began; empty where /proc is missing."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(entry.name)) == leader:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def pss(pid: int) -> int:
    """Read the proportional set size of a process in bytes."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line[:4] == "Pss:")
