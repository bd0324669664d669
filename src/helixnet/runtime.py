"""The one file that picks adapters: a URL says which, an import happens only when it is chosen."""

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import uuid4

from helixnet.errors import UsageError
from helixnet.metrics import Metrics
from helixnet.pipeline import PIPELINE
from helixnet.ports import Bus, IdentityProvider, Ledger, ObjectStore, Workers
from helixnet.settings import Settings
from helixnet.stages.crew import Crew
from helixnet.stages.service import Service, Times

FOLDER_SECONDS: Final = 0.5  # between two listings of an inbox that is a folder


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers.

    Args:
        url: of the gateway.
        data: its folder.
        sftp_port: of the SFTP front; None when it is off.
        failed: ends when a part of the server ends by an error, with that error.
    """

    url: str
    data: Path
    sftp_port: int | None
    failed: "asyncio.Future[None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The ports, each with the adapter that was picked for it."""

    settings: Settings
    url: str
    ledger: Ledger
    store: ObjectStore
    bus: Bus
    identity: IdentityProvider
    metrics: Metrics
    mapping: Workers
    clerk: Workers
    scratch: Path


@asynccontextmanager
async def embedded(settings: Settings) -> AsyncGenerator[Running]:
    """Run gateway, stages and doors in this process until the block ends.

    Raises:
        UsageError: the folder, port or a setting can't be used.
        ConflictError: another server has the data folder.
        UnavailableError: something needed is not there.
    """
    async with AsyncExitStack() as stack:
        _require_loopback(settings)
        listener = _listen(settings)
        stack.callback(listener.close)
        parts = await _open(settings, _url(listener), stack)
        crew = Crew()
        stack.push_async_callback(crew.end)
        _start_stages(parts, crew, stack)
        port = await _start_doors(parts, crew, stack)
        await _start_gateway(parts, listener, crew, stack)
        yield Running(parts.url, settings.data, port, crew.failed)


def _require_loopback(settings: Settings) -> None:
    """Known passwords stay on this machine."""
    host = "127.0.0.1" if settings.host == "localhost" else settings.host
    try:
        private = ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise UsageError(f"host must be an address, not {settings.host!r}") from error
    if settings.identity == "local:" and not private:
        raise UsageError(
            f"the local issuer has known passwords and serves loopback only, not {settings.host}",
            hint="--host 127.0.0.1",
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


async def _open(settings: Settings, url: str, stack: AsyncExitStack) -> _Parts:
    from helixnet.adapters.workers import ProcessWorkers

    _require_folder(settings.data)
    _import_all(settings)
    if settings.otlp_endpoint:
        from helixnet.adapters.tracing_otlp import start

        stack.callback(start(settings.otlp_endpoint))
    ledger = await _ledger(settings)
    stack.push_async_callback(ledger.close)
    store, scratch = _store(settings, stack)
    preload = "helixnet.stages.work"
    count = settings.workers or os.cpu_count() or 1
    return _Parts(
        settings=settings,
        url=url,
        ledger=ledger,
        store=store,
        bus=_bus(settings, ledger),
        identity=_identity(settings, url),
        metrics=Metrics(),
        mapping=await stack.enter_async_context(
            ProcessWorkers(count, preload=preload, stall_seconds=settings.stall_seconds)
        ),
        clerk=await stack.enter_async_context(
            ProcessWorkers(1, preload=preload, stall_seconds=settings.stall_seconds)
        ),
        scratch=scratch,
    )


def _import_all(settings: Settings) -> None:
    """Import what will run before the workers start: they import too, and would slow it down."""
    names = ["gateway.app", "stages.deliver", "stages.inbox", "stages.upkeep"]
    for name in [*names, *(["adapters.sftp_front"] if settings.sftp else [])]:
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
    raise UsageError(f"{name} {value!r} is of no known kind", hint=f"{name} = {known!r}")


async def _ledger(settings: Settings) -> Ledger:
    kind, _, rest = settings.ledger.partition(":")
    if kind != "sqlite":
        _unknown("ledger", settings.ledger, "sqlite:")
    from helixnet.adapters.ledger_sqlite import open_ledger

    path = Path(rest.removeprefix("//")) if rest else settings.data / "ledger.db"
    return await asyncio.to_thread(open_ledger, path, relay=settings.bus != "local:")


def _store(settings: Settings, stack: AsyncExitStack) -> tuple[ObjectStore, Path]:
    kind, _, rest = settings.store.partition(":")
    if kind != "file":
        _unknown("store", settings.store, "file:")
    from helixnet.adapters.store_folder import FolderStore

    store = FolderStore(Path(rest.removeprefix("//")) if rest else settings.data)
    stack.push_async_callback(store.close)
    for scrap in store.scratch.iterdir():  # of a server that was killed: nobody speaks of them
        if scrap.is_file():
            scrap.unlink()
    return store, store.scratch


def _bus(settings: Settings, ledger: Ledger) -> Bus:
    if settings.bus != "local:":
        _unknown("bus", settings.bus, "local:")
    from helixnet.adapters.bus_local import LocalBus

    return LocalBus(ledger, poll_seconds=settings.poll_seconds)


def _identity(settings: Settings, url: str) -> IdentityProvider:
    if settings.identity != "local:":
        _unknown("identity", settings.identity, "local:")
    from helixnet.adapters.identity_local import LocalIdentity

    return LocalIdentity(settings.data / "identity", issuer=url, demo_users=True)


def _start_stages(parts: _Parts, crew: Crew, stack: AsyncExitStack) -> None:
    from helixnet.stages.bundles import Bundles
    from helixnet.stages.deliver import Deliver
    from helixnet.stages.ingest import Ingest
    from helixnet.stages.mapper import Mapper
    from helixnet.stages.replay import Replay
    from helixnet.stages.sink import Sink
    from helixnet.stages.upkeep import Cleaner, Reaper

    settings, engine = parts.settings, version("helixnet")
    told = {"ledger": parts.ledger, "store": parts.store, "metrics": parts.metrics}
    shared: dict[str, Any] = told | {
        "bundles": Bundles(ledger=parts.ledger, store=parts.store),
        "worker": f"{socket.gethostname()}-{uuid4().hex[:8]}",
        "lease_seconds": settings.lease_seconds,
        "max_attempts": settings.max_attempts,
    }
    stages = {
        "ingest": Ingest(
            **shared, workers=parts.clerk, part_size=settings.part_size, engine=engine
        ),
        "mapper": Mapper(**shared, workers=parts.mapping, scratch=parts.scratch),
        "replay": Replay(**shared, workers=parts.mapping, scratch=parts.scratch),
        "sink": Sink(**shared, workers=parts.clerk),
        "deliver": Deliver(**shared, workers=parts.clerk),
    }
    times = Times(
        lease=settings.lease_seconds,
        renew=settings.renew_seconds,
        poll=settings.poll_seconds,
        stop=settings.stop_seconds,
    )
    running: list[tuple[Service[Any], asyncio.Task[None]]] = []
    for step in PIPELINE:
        service = Service[Any](
            stages[step.stage],
            name=step.stage,
            ledger=parts.ledger,
            times=times,
        )
        running.append((service, crew.start(service.run(), step.stage)))
        if step.wakes is not None:
            signals = partial(parts.bus.subscribe, step.wakes, step.stage)
            crew.start(service.listen(signals, state=step.state), step.stage)
        crew.start(service.keep_leases(), step.stage)
    stack.push_async_callback(_drain, running)
    reaper = Reaper(
        ledger=parts.ledger, max_attempts=settings.max_attempts, interval=settings.poll_seconds / 2
    )
    crew.start(reaper.run(), "reaper")
    cleaner = Cleaner(ledger=parts.ledger, store=parts.store, interval=settings.clean_seconds)
    crew.start(cleaner.run(), "cleaner")


async def _drain(running: "list[tuple[Service[Any], asyncio.Task[None]]]") -> None:
    """Let every stage end or release what it has in hand, all at the same time."""
    for service, _ in running:
        service.stop()
    await asyncio.gather(*(task for _, task in running), return_exceptions=True)


async def _start_doors(parts: _Parts, crew: Crew, stack: AsyncExitStack) -> int | None:
    """Watch the inbox, and open the SFTP front unless it is off; returns its port."""
    from helixnet.stages.inbox import Inbox

    settings = parts.settings
    inbox = Inbox(
        ledger=parts.ledger,
        store=parts.store,
        metrics=parts.metrics,
        quiet_seconds=settings.quiet_seconds,
        interval=settings.inbox_seconds or FOLDER_SECONDS,
        engine=version("helixnet"),
    )
    crew.start(inbox.run(), "inbox")
    if not settings.sftp:
        return None
    from helixnet.adapters.sftp_front import SftpFront

    front = SftpFront(
        ledger=parts.ledger,
        store=parts.store,
        keys=settings.data,
        scratch=parts.scratch,
        dropped=inbox.dropped,
    )
    stack.push_async_callback(front.close)
    return await front.listen(settings.host, settings.sftp_port)


async def _start_gateway(
    parts: _Parts, listener: socket.socket, crew: Crew, stack: AsyncExitStack
) -> None:
    from helixnet.adapters.http_uvicorn import HttpServer
    from helixnet.gateway.app import create_app
    from helixnet.gateway.options import GatewaySettings

    settings = parts.settings
    app = create_app(
        ledger=parts.ledger,
        store=parts.store,
        bus=parts.bus,
        identity=parts.identity,
        metrics=parts.metrics,
        settings=GatewaySettings(
            scratch=parts.scratch,
            hosts=frozenset({"localhost", "127.0.0.1", "::1", settings.host}),
            max_body=settings.max_body,
            metrics=settings.metrics,
        ),
    )
    server = HttpServer(app)
    serving = crew.start(server.run(listener), "gateway")

    async def stop() -> None:
        app.state.gateway.stopping.set()
        server.stop()
        await asyncio.gather(serving, return_exceptions=True)

    stack.push_async_callback(stop)
    ready = asyncio.ensure_future(server.ready())
    await asyncio.wait({ready, serving}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
