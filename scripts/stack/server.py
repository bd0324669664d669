"""A running server: where it answers, how it is stopped, broken and started again.

A server is a plain process in a session of its own. Its folder holds its data, its log and a
``server.json`` that only its owner can read; with that any later process finds and ends it. A
process is known by pid *and* time of birth, so that a pid given anew is never signalled.
"""

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import psutil

FILE: Final = "server.json"
KILL_SECONDS: Final = 20.0
READY_SECONDS: Final = 600.0  # generous: a busy machine is no fault
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ServerError(Exception):
    """A server did not do what it was told; the message holds the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server process. ``stop``, ``kill``, ``pause``, ``resume`` and ``restart`` act on it."""

    name: str
    folder: Path
    url: str
    ports: Mapping[str, int]
    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 20.0
    pid: int = 0
    born: float = 0.0

    @property
    def address(self) -> str:
        """Host and port, as clients want it."""
        return f"127.0.0.1:{self.ports['main']}"

    @property
    def log(self) -> Path:
        """The file with everything that the process printed."""
        return self.folder / f"{self.name}.log"

    def running(self) -> bool:
        """Whether the very process that was started lives."""
        process = self._process()
        if process is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            # Until its last thread has ended, a killed process keeps its ports and locks.
            return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
        return False

    def stop(self) -> None:
        """End it gracefully, or by force after ``stop_seconds``."""
        self.resume()
        self._signal(self.stop_signal, family=False)
        if not self._gone(self.stop_seconds):
            self.kill()

    def kill(self) -> None:
        """End it and its children at once, as a power cut does."""
        self._signal(signal.SIGKILL)
        if not self._gone(KILL_SECONDS):
            raise ServerError(f"{self.name}: process {self.pid} does not end")

    def left(self) -> list[psutil.Process]:
        """Find what it started and what did not end with it, such as the server of a script."""
        if self.running() or not self.pid or self._replaced():
            return []
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                if os.getsid(process.pid) == self.pid and process.create_time() >= self.born:
                    found.append(process)
        return found

    def end_left(self) -> int:
        """End what it left behind; return how many processes that were."""
        found = self.left()
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=KILL_SECONDS)
        return len(found)

    def pause(self) -> None:
        """Stop it from running, with its connections open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on."""
        self._signal(signal.SIGCONT)

    def restart(self) -> "Server":
        """Start an ended server on its folder and ports; the new one is returned when ready."""
        if self.running():
            raise ServerError(f"{self.name}: process {self.pid} still runs")
        return launch(self)

    def last_lines(self, count: int = 20) -> str:
        """Give the end of the log."""
        try:
            return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-count:])
        except OSError:
            return ""

    def _replaced(self) -> bool:
        """Whether another process has the pid now: then nothing is left of the session."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.pid).create_time() != self.born
        return False

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            return process if self.pid and process.create_time() == self.born else None
        except psutil.NoSuchProcess:
            return None

    def _signal(self, number: int, *, family: bool = True) -> None:
        process = self._process()
        if process is None:
            return
        children = process.children(recursive=True) if family else []
        for each in [process, *children]:
            try:
                each.send_signal(number)
            except psutil.NoSuchProcess:
                continue

    def _gone(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)  # ours: leave no zombie
        return True


Ready = Callable[[Server], bool]
_ready: dict[str, Ready] = {}


def probe(name: str) -> Callable[[Ready], Ready]:
    """Register how the server of that name tells that it is ready."""

    def register(ready: Ready) -> Ready:
        _ready[name] = ready
        return ready

    return register


def is_ready(server: Server) -> bool:
    """Ask the server itself, once."""
    try:
        return _ready[server.name](server)
    except OSError:
        return False


def launch(server: Server) -> Server:
    """Start the server's command and return it once it answers.

    Raises:
        ServerError: a port is taken, or the process ended, or it does not become ready.
    """
    for port in server.ports.values():
        if not is_free(port):  # else the probe would be answered by the other process
            raise ServerError(f"{server.name}: port {port} is taken by another process")
    started = _spawn(server)
    _write(started)
    end = time.monotonic() + READY_SECONDS
    while not is_ready(started):
        if not started.running():
            started.kill()
            raise ServerError(f"{server.name} ended at once; {server.log}:\n{started.last_lines()}")
        if time.monotonic() > end:
            started.kill()
            raise ServerError(f"{server.name} is not ready; {server.log}:\n{started.last_lines()}")
        time.sleep(0.1)
    return started


def load(folder: Path) -> Server | None:
    """Find the server that was last started in ``folder``, running or not."""
    try:
        known: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return Server(**known | {"folder": folder, "command": tuple(known["command"])})


def free_ports(count: int = 1) -> list[int]:
    """Pick loopback ports that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    for each in probes:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in probes]
    for each in probes:
        each.close()
    return ports


def is_free(port: int) -> bool:
    """Whether nobody listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _spawn(server: Server) -> Server:
    output = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    environment = {"PATH": os.environ.get("PATH", _PATH), "HOME": str(server.folder)}
    pid = os.posix_spawnp(
        server.command[0],
        server.command,
        environment | server.variables,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(server.log), output, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
    )
    return replace(server, pid=pid, born=psutil.Process(pid).create_time())


def _write(server: Server) -> None:
    path = server.folder / FILE
    path.touch(mode=0o600)
    text = json.dumps(asdict(server) | {"folder": ""}, indent=1)
    path.write_text(text, "utf-8")
