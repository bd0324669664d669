"""The whole stack on one folder: start it, look at it, end it."""

import contextlib
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from scripts.stack import kafka, keycloak, minio, postgres, server, services
from scripts.stack.provisioning import say
from scripts.stack.server import Server

# The ports that people know these by; one that is taken is replaced by a free one.
PORTS: Final[Mapping[str, Mapping[str, int]]] = {
    "kafka": {"main": 9092, "controller": 9093},
    "minio": {"main": 9000},
    "postgres": {"main": 5432},
    "keycloak": {"main": 8180, "management": 9180},
    "gateway": {"main": 8080},
    "ingest": {"main": 8081, "sftp": 2222},
    "mapper": {"main": 8082},
    "sink": {"main": 8083},
}
SERVERS: Final = ("kafka", "minio", "postgres", "keycloak")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each process of a stack has its folder and ports, and so how it is started."""

    folder: Path
    ports: Mapping[str, Mapping[str, int]]

    def kafka(self) -> Server:
        """Have the broker."""
        ports = self.ports["kafka"]
        return self._have(
            "kafka",
            lambda own: kafka.start(own, port=ports["main"], controller_port=ports["controller"]),
        )

    def minio(self, broker: str) -> Server:
        """Have the store, which notifies the broker."""
        port = self.ports["minio"]["main"]
        return self._have("minio", lambda own: minio.start(own, port=port, kafka=broker))

    def postgres(self) -> Server:
        """Have the cluster."""
        port = self.ports["postgres"]["main"]
        return self._have("postgres", lambda own: postgres.start(own, port=port))

    def keycloak(self) -> Server:
        """Have the provider, whose realm lets the gateway's pages log in."""
        main, management = (self.ports["keycloak"][name] for name in ("main", "management"))
        told = {
            "HELIX_URL": f"http://127.0.0.1:{self.ports['gateway']['main']}",
            "HELIX_SERVICES_SECRET": machine_secret(self.folder),
        }
        return self._have(
            "keycloak",
            lambda own: keycloak.start(own, port=main, management_port=management, variables=told),
        )

    def service(self, name: str, servers: Mapping[str, Server]) -> Server:
        """Have one of the four services."""
        return self._have(
            name, lambda _: services.start(name, servers, self.folder, self.ports[name])
        )

    def _have(self, name: str, start: Callable[[Path], Server]) -> Server:
        """Give the process that runs already, or start it."""
        found = server.load(self.folder / name)
        if found is not None and found.running():
            say(f"{name} runs already at {found.address}")
            return found
        if found is not None and found.end_left():
            say(f"{name} had ended and left processes behind, which are ended now")
        started = time.monotonic()
        made = start(self.folder / name)
        say(f"{name} is ready at {made.address} after {time.monotonic() - started:.1f} s")
        return made


def up(folder: Path) -> dict[str, Server]:
    """Start what does not run; each that is started is told with its seconds."""
    ports = {name: _ports(folder / name, wanted) for name, wanted in PORTS.items()}
    layout = Layout(folder, ports)
    with ThreadPoolExecutor() as pool:
        identity, ledger = pool.submit(layout.keycloak), pool.submit(layout.postgres)
        broker = layout.kafka()
        found = [broker, layout.minio(broker.address), ledger.result(), identity.result()]
    running = {each.name: each for each in found}
    say("making topics, tables and bucket")
    services.prepare(running, folder)
    with ThreadPoolExecutor() as pool:
        made = pool.map(lambda name: layout.service(name, running), services.NAMES)
        return running | dict(zip(services.NAMES, made, strict=True))


def machine_secret(folder: Path) -> str:
    """The secret of the client helix-services: random, and kept."""
    path = folder / "secrets" / "helix-services"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    if not path.read_text("ascii"):
        path.write_text(secrets.token_hex(16), "ascii")
    return path.read_text("ascii")


def known(folder: Path) -> dict[str, Server]:
    """Find what was started on the folder, running or not, in the order of its start."""
    found = {name: server.load(folder / name) for name in PORTS}
    return {name: each for name, each in found.items() if each is not None}


def alive(folder: Path) -> set[str]:
    """Return the names of what runs now."""
    return {name for name, each in known(folder).items() if each.running()}


def down(folder: Path, *, but: Collection[str] = ()) -> list[str]:
    """End everything, the services first, except ``but``; say of each how it ended."""
    found = {name: each for name, each in known(folder).items() if name not in but}
    last = [each for name, each in found.items() if name in SERVERS]
    first = [each for name, each in found.items() if name not in SERVERS]
    with ThreadPoolExecutor() as pool:
        return [line for group in (first, last) for line in pool.map(_end, group)]


def state(each: Server) -> str:
    """Say in a word how a process is."""
    if not each.running():
        return "ended"
    if psutil.Process(each.pid).status() == psutil.STATUS_STOPPED:
        return "paused"
    return "ready" if server.is_ready(each) else "not ready"


def memory(each: Server) -> int:
    """Sum what a process and its children take, in MiB, with what they share counted once."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(each.pid)
        for member in (process, *process.children(recursive=True)):
            found = member.memory_full_info()
            total += int(getattr(found, "pss", found.rss))
    return total >> 20


def _end(each: Server) -> str:
    if not each.running():
        left = each.end_left()
        more = f", and left {left} processes behind, which are ended now" if left else ""
        return f"{each.name} had ended before{more}"
    started = time.monotonic()
    each.stop()
    return f"{each.name} (process {each.pid}) ended in {time.monotonic() - started:.1f} s"


def _ports(folder: Path, wanted: Mapping[str, int]) -> dict[str, int]:
    """Give the ports of the last start, or the usual ones, or free ones where those are taken."""
    found = server.load(folder)
    if found is not None:
        return dict(found.ports)
    ports = dict(wanted)
    for name, port in wanted.items():
        if not server.is_free(port):
            (ports[name],) = server.free_ports()
            say(f"{folder.name}: port {port} is taken, so it gets {ports[name]}")
    return ports
