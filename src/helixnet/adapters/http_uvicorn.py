"""An ASGI application served by uvicorn, which its owner starts and ends."""

import asyncio
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn

IDLE_SECONDS = 60  # that a client may keep a silent connection
LAST_ANSWERS = 4  # seconds for open requests when the server ends


class _Server(uvicorn.Server):
    """uvicorn as a part of a process that handles its own signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to whoever runs the process."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say when that is done."""
        await super().startup(sockets)
        self.ready.set()


class HttpServer:
    """Serves an application on a socket that listens already.

    Args:
        app: the application; its lifespan is its owner's business.
    """

    def __init__(self, app: Callable[..., Any]) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=LAST_ANSWERS,
        )
        self._server = _Server(config)

    async def run(self, listener: socket.socket) -> None:
        """Serve until :meth:`stop`."""
        await self._server.serve([listener])

    async def ready(self) -> None:
        """Wait until requests are answered."""
        await self._server.ready.wait()

    def stop(self) -> None:
        """Take no more requests; :meth:`run` ends when the open ones were answered."""
        self._server.should_exit = True
