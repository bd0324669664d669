"""The one file that picks adapters: a URL says which, an import happens only when it is chosen."""

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn
from uuid import uuid4

from helixnet import crashpoints
from helixnet.errors import UnavailableError, UsageError
from helixnet.events import TopicChange
from helixnet.metrics import Metrics
from helixnet.pipeline import SERVICES
from helixnet.ports import Bus, IdentityProvider, Ledger, ObjectStore, Workers
from helixnet.settings import Settings
from helixnet.stages.crew import Crew

if TYPE_CHECKING:
    from fastapi import FastAPI

    from helixnet.adapters.kafka_admin import KafkaTopics
    from helixnet.assembly import Parts

LOCAL: Final = "local:"
PRELOAD: Final = "helixnet.stages.work"
STORE_OPERATIONS: Final = "helixnet_store_operations_total"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers.

    Args:
        url: of the gateway, or of a consumer's health and metrics.
        data: its folder.
        sftp_port: of the SFTP front; None when it is off.
        failed: ends when a part of the server ends by an error, with that error.
    """

    url: str
    data: Path
    sftp_port: int | None
    failed: "asyncio.Future[None]"


@asynccontextmanager
async def serving(
    settings: Settings, services: frozenset[str] = frozenset(SERVICES)
) -> AsyncGenerator[Running]:
    """Run services in this process until the block ends: all of them, or one of the stack.

    Raises:
        UsageError: the folder, port or a setting can't be used.
        ConflictError: another server has the data folder.
        UnavailableError: something needed is not there.
    """
    from helixnet import assembly

    crashpoints.arm(settings.crash_at)
    async with AsyncExitStack() as stack:
        require_fit(settings, services)
        listener = _listen(settings)
        stack.callback(listener.close)
        parts = await _open(settings, services, stack)
        crew = Crew()
        stack.push_async_callback(crew.end)
        if settings.bus != LOCAL:
            assembly.start_publisher(parts, crew, stack)
        assembly.start_upkeep(parts, crew)
        assembly.start_stages(parts, crew, stack)
        port = await _start_doors(parts, crew, stack) if "ingest" in services else None
        app = _application(parts, _url(listener))
        await _serve(app, listener, crew, stack)
        yield Running(_url(listener), settings.data, port, crew.failed)


def require_fit(settings: Settings, services: frozenset[str]) -> None:
    """See that these services can run with these settings.

    Raises:
        UsageError: the local issuer would be reached by others, or what must be shared is not.
    """
    _require_shared(settings, services)
    if "gateway" in services:
        _require_loopback(settings)


def _require_loopback(settings: Settings) -> None:
    """Known passwords stay on this machine."""
    host = "127.0.0.1" if settings.host == "localhost" else settings.host
    try:
        private = ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise UsageError(f"host must be an address, not {settings.host!r}") from error
    if settings.identity == LOCAL and not private:
        raise UsageError(
            f"the local issuer has known passwords and serves loopback only, not {settings.host}",
            hint="--host 127.0.0.1",
        )


def _require_shared(settings: Settings, services: frozenset[str]) -> None:
    """Services in processes of their own need a ledger and a bus that they can share.

    The gateway alone asks who somebody is.
    """
    if services == frozenset(SERVICES):
        return
    shared = [("ledger", settings.ledger, "sqlite:"), ("bus", settings.bus, LOCAL)]
    if "gateway" in services:
        shared.append(("identity", settings.identity, LOCAL))
    for name, value, alone in shared:
        if value.startswith(alone):
            raise UsageError(
                f"one service alone can't use {name} {value!r}: the others could not reach it",
                hint=f"set HELIXNET_{name.upper()} (helixnet config show), or use helixnet serve",
            )


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {settings.port} is taken", hint="another --port, or 0 for a free one"
            ) from error
        raise UsageError(
            f"can't listen on {settings.host} port {settings.port}: {error.strerror}"
        ) from error


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _open(settings: Settings, services: frozenset[str], stack: AsyncExitStack) -> "Parts":
    _require_folder(settings.data)
    _import_all(settings, services)
    if settings.otlp_endpoint:
        from helixnet.adapters.tracing_otlp import start

        name = "helixnet" if len(services) > 1 else f"helixnet-{min(services)}"
        stack.callback(start(settings.otlp_endpoint, name=name))
    ledger = await _ledger(settings, services)
    stack.push_async_callback(ledger.close)
    metrics = Metrics()
    store, scratch = await _store(settings, metrics, stack)
    bus = _bus(settings, ledger, stack)
    count = settings.workers or os.cpu_count() or 1
    maps, indexes = "mapper" in services, "ingest" in services
    files = indexes or "sink" in services
    from helixnet.assembly import Parts

    return Parts(
        settings=settings,
        services=services,
        ledger=ledger,
        store=store,
        bus=bus,
        metrics=metrics,
        mapping=await _workers(settings, count, stack) if maps else None,
        clerk=await _workers(settings, count if indexes else 1, stack) if files else None,
        scratch=scratch,
    )


async def _workers(settings: Settings, count: int, stack: AsyncExitStack) -> Workers:
    from helixnet.adapters.workers import ProcessWorkers

    made = ProcessWorkers(count, preload=PRELOAD, stall_seconds=settings.stall_seconds)
    return await stack.enter_async_context(made)


def _import_all(settings: Settings, services: frozenset[str]) -> None:
    """Import what will run before the workers start: they import too, and would slow it down."""
    names = ["adapters.http_uvicorn", "assembly"]
    names.append("entrance" if "gateway" in services else "gateway.probes")
    if settings.sftp and "ingest" in services:
        names.append("adapters.sftp_front")
    for name in names:
        import_module(f"helixnet.{name}")


def _require_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{uuid4().hex}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"the data folder {folder} can't be written: {error.strerror}", hint="another --data"
        ) from error


def _unknown(name: str, value: str, known: str) -> NoReturn:
    raise UsageError(f"{name} {value!r} is of no known kind", hint=f"{name} = {known}")


async def _ledger(settings: Settings, services: frozenset[str]) -> Ledger:
    kind, _, rest = settings.ledger.partition(":")
    relay = settings.bus != LOCAL
    match kind:
        case "sqlite":
            from helixnet.adapters import ledger_sqlite

            path = Path(rest.removeprefix("//")) if rest else settings.data / "ledger.db"
            return await asyncio.to_thread(ledger_sqlite.open_ledger, path, relay=relay)
        case "postgresql+asyncpg":
            from helixnet.adapters import ledger_postgres

            return await ledger_postgres.open_ledger(
                settings.ledger,
                password=settings.ledger_password,
                relay=relay,
                scoped=services == frozenset({"gateway"}),
            )
        case _:
            _unknown("ledger", settings.ledger, "'sqlite:' or 'postgresql+asyncpg://…'")


async def _store(
    settings: Settings, metrics: Metrics, stack: AsyncExitStack
) -> tuple[ObjectStore, Path]:
    """Open the store; the scratch folder of this process is on its file system, if it has one."""
    kind, _, rest = settings.store.partition(":")
    root = Path(rest.removeprefix("//")) if kind == "file" and rest else settings.data
    scratch = stack.enter_context(_scratch(root / "tmp"))

    def count(operation: str) -> None:
        metrics.count(STORE_OPERATIONS, operation=operation)

    match kind:
        case "file":
            from helixnet.adapters.store_folder import FolderStore

            folder = FolderStore(root, scratch, count=count)
            stack.push_async_callback(folder.close)
            return folder, scratch
        case "s3" | "s3+http":
            from helixnet.adapters.store_s3 import S3Store

            bucket = S3Store(
                settings.store,
                access_key=settings.store_access_key,
                secret_key=settings.store_secret_key,
                scratch=scratch,
                count=count,
            )
            stack.push_async_callback(bucket.close)
            with suppress(UnavailableError):  # away for now: each request will look again
                await bucket.check()
            return bucket, scratch
        case _:
            _unknown("store", settings.store, "'file:' or 's3://host:port/bucket'")


def _scratch(parent: Path) -> AbstractContextManager[Path]:
    from helixnet.adapters.scratch import open_scratch

    return open_scratch(parent)


def _bus(settings: Settings, ledger: Ledger, stack: AsyncExitStack) -> Bus:
    match settings.bus.partition(":")[0]:
        case "local":
            from helixnet.adapters.bus_local import LocalBus

            return LocalBus(ledger, poll_seconds=settings.poll_seconds)
        case "kafka":
            from helixnet.adapters.bus_kafka import KafkaBus

            bus = KafkaBus(_kafka_servers(settings), ledger=ledger, topics=_kafka_topics(settings))
            bus.start()
            stack.push_async_callback(bus.close)
            return bus
        case _:
            _unknown("bus", settings.bus, "'local:' or 'kafka://host:port'")


def _kafka_topics(settings: Settings) -> "KafkaTopics":
    from helixnet.adapters.kafka_admin import KafkaTopics

    return KafkaTopics(
        _kafka_servers(settings),
        partitions=settings.topic_partitions,
        replicas=settings.topic_replicas,
    )


def _kafka_servers(settings: Settings) -> list[str]:
    kind, _, rest = settings.bus.partition("://")
    servers = [server for server in rest.strip("/").split(",") if server]
    if kind != "kafka" or not servers:
        _unknown("bus", settings.bus, "local: or kafka://host:port")
    return servers


def _identity(settings: Settings, url: str) -> IdentityProvider:
    kind, _, rest = settings.identity.partition(":")
    match kind:
        case "local":
            from helixnet.adapters.identity_local import LocalIdentity

            return LocalIdentity(settings.data / "identity", issuer=url, demo_users=True)
        case "oidc+https" | "oidc+http":
            from helixnet.adapters.identity_oidc import OidcIdentity

            issuer = f"{kind.removeprefix('oidc+')}:{rest}"
            return OidcIdentity(issuer, password_client=settings.password_client)
        case _:
            _unknown("identity", settings.identity, "'local:' or 'oidc+https://host/realms/name'")


async def _start_doors(parts: "Parts", crew: Crew, stack: AsyncExitStack) -> int | None:
    """Watch the inbox, and open the SFTP front unless it is off; returns its port."""
    from helixnet import assembly

    settings = parts.settings
    inbox = assembly.start_inbox(parts, crew)
    if not settings.sftp:
        return None
    from helixnet.adapters.sftp_front import SftpFront

    front = SftpFront(
        ledger=parts.ledger,
        store=parts.store,
        keys=settings.data,
        scratch=parts.scratch,
        aside=parts.scratch.parent / "sftp",
        dropped=inbox.dropped,
    )
    stack.push_async_callback(front.close)
    return await front.listen(settings.host, settings.sftp_port)


def _application(parts: "Parts", url: str) -> "FastAPI":
    """Make what answers on the process's port: the gateway, or probes where it does not run."""
    settings = parts.settings
    if "gateway" not in parts.services:
        from helixnet.gateway.probes import create_probes

        return create_probes(
            ledger=parts.ledger, bus=parts.bus, metrics=parts.metrics, shown=settings.metrics
        )
    from helixnet.entrance import make_gateway

    identity = _identity(settings, url)
    return make_gateway(parts, identity, embedded_issuer=settings.identity == LOCAL)


async def _serve(
    app: "FastAPI", listener: socket.socket, crew: Crew, stack: AsyncExitStack
) -> None:
    from helixnet.adapters.http_uvicorn import HttpServer

    server = HttpServer(app)
    serving = crew.start(server.run(listener), "http")

    async def stop() -> None:
        app.state.stopping.set()
        server.stop()
        await asyncio.gather(serving, return_exceptions=True)

    stack.push_async_callback(stop)
    ready = asyncio.ensure_future(server.ready())
    await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()


async def apply_topics(settings: Settings, *, dry_run: bool) -> list[TopicChange]:
    """Bring the fixed topics of the bus to what their table says; none where it is the ledger.

    Raises:
        UsageError: the setting names no bus.
        UnavailableError: the bus does not answer.
    """
    if settings.bus == LOCAL:
        return []
    return await _kafka_topics(settings).apply(dry_run=dry_run)
