"""A gateway whose tokens come from elsewhere: asked in process, or served on a port."""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Future
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
async def opened(folder: Path, identity: OidcIdentity, **settings: Any) -> AsyncGenerator[FastAPI]:
    """Make a gateway as the stack does, on a ledger and store of its own."""
    store, ledger = FolderStore(folder), open_ledger(folder / "ledger.db")
    known: dict[str, Any] = {
        "clients": CLIENTS,
        "embedded_issuer": False,
        "heartbeat_seconds": 0.5,
    } | settings
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
) -> AsyncGenerator[httpx.AsyncClient]:
    """Ask a gateway without a network between."""
    async with opened(folder, identity, **settings) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            yield http


class Served:
    """A gateway on a free port, in a thread of its own.

    Args:
        folder: of its ledger and store.
        identity: where its tokens come from.
        settings: of the gateway.
    """

    def __init__(self, folder: Path, identity: OidcIdentity, settings: dict[str, Any]) -> None:
        self._make = lambda: opened(folder, identity, **settings)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._begun: Future[tuple[HttpServer, FastAPI]] = Future()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        self._begun.result()

    def end(self) -> None:
        """Answer what is open, and end."""
        server, app = self._begun.result()

        def stop() -> None:
            app.state.gateway.stopping.set()
            server.stop()

        self._loop.call_soon_threadsafe(stop)
        self._thread.join()
        self._listener.close()

    def _work(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:
            if not self._begun.done():
                self._begun.set_exception(error)
            raise
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with self._make() as app:
            server = HttpServer(app)
            serving = asyncio.create_task(server.run(self._listener))
            await server.ready()
            self._begun.set_result((server, app))
            await serving


@contextmanager
def served(folder: Path, identity: OidcIdentity, **settings: Any) -> Generator[str]:
    """Serve a gateway; yields its address."""
    running = Served(folder, identity, settings)
    try:
        yield running.url
    finally:
        running.end()
