"""A gateway whose tokens come from elsewhere: asked in process, or served on a port."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from helixnet.adapters.bus_local import LocalBus
from helixnet.adapters.http_uvicorn import HttpServer
from helixnet.adapters.identity_oidc import OidcIdentity
from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.adapters.store_folder import FolderStore
from helixnet.gateway.app import create_app
from helixnet.gateway.options import GatewaySettings

CLIENTS = frozenset({"helix-cli", "helix-web", "helix-services", "helix-test"})


@asynccontextmanager
async def opened(folder: Path, identity: OidcIdentity, **settings: Any) -> AsyncIterator[FastAPI]:
    """Make a gateway as the stack does, on a ledger and store of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    store, ledger = FolderStore(folder), open_ledger(folder / "ledger.db")
    known = {"clients": CLIENTS, "embedded_issuer": False, "heartbeat_seconds": 0.5} | settings
    try:
        yield create_app(
            ledger=ledger,
            store=store,
            bus=LocalBus(ledger, poll_seconds=1),
            identity=identity,
            settings=GatewaySettings(scratch=store.scratch, **known),
        )
    finally:
        await ledger.close()
        await store.close()


@asynccontextmanager
async def asked(
    folder: Path, identity: OidcIdentity, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Ask a gateway without a network between."""
    async with opened(folder, identity, **settings) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            yield http


@contextmanager
def served(folder: Path, identity: OidcIdentity, **settings: Any) -> Iterator[str]:
    """Serve a gateway on a free port in a thread of its own; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    begun, failed = threading.Event(), list[BaseException]()
    running: list[tuple[asyncio.AbstractEventLoop, HttpServer, FastAPI]] = []

    async def serve() -> None:
        async with opened(folder, identity, **settings) as app:
            server = HttpServer(app)
            running.append((asyncio.get_running_loop(), server, app))
            serving = asyncio.create_task(server.run(listener))
            await server.ready()
            begun.set()
            await serving

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - told to the test below
            failed.append(error)
        finally:
            begun.set()

    def end() -> None:
        _, server, app = running[0]
        app.state.gateway.stopping.set()
        server.stop()

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    try:
        assert failed == []
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        if running and not failed:
            running[0][0].call_soon_threadsafe(end)
        thread.join()
        listener.close()
    assert failed == []
