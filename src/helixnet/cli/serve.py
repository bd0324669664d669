"""``helixnet serve``: the whole of HelixNet in one process, until it is told to end."""

import argparse
from collections.abc import Coroutine
from dataclasses import fields
from typing import Any

from helixnet import settings

_CLIENT = frozenset({"url", "token"})
SWITCH_SECONDS = 0.0005
STOP_SECONDS = 38.0  # of a stop whose own limits, 25 s in all, did not hold
LINGER_SECONDS = 2.0  # for tasks of libraries when all that is ours is closed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare one flag a setting; a flag wins over environment and helixnet.toml."""
    defaults = settings.Settings()
    for item in fields(settings.Settings):
        if item.name not in _CLIENT:
            default = getattr(defaults, item.name)
            parser.add_argument(
                f"--{item.name.replace('_', '-')}",
                dest=item.name,
                metavar=item.name.rpartition("_")[2].upper(),
                help=f"{item.metadata['doc']} (default: {default or 'none'})",
            )


def main(args: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; 0 when everything in hand was finished or released."""
    return serve(args)


def serve(args: argparse.Namespace, *services: str) -> int:
    """Run ``services`` in this process, all when none is named, until it is told to end."""
    from helixnet.adapters import logs

    given = {item.name: getattr(args, item.name, None) for item in fields(settings.Settings)}
    loaded = settings.load(given).settings
    text = logs.configure(level=loaded.log_level, style=loaded.log_format)
    return run_to_the_end(_serve(loaded, services, text=text))


def run_to_the_end(work: Coroutine[Any, Any, int]) -> int:
    """Run what serves, and end the process even where a library's task does not end."""
    import asyncio

    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        status = runner.run(work)
        leave_after(LINGER_SECONDS, status)
    return status


def leave_after(seconds: float, status: int) -> None:
    """End this process with ``status`` then, if it has not ended by itself."""
    import os
    import threading

    import structlog

    def leave() -> None:
        log = structlog.get_logger()
        log.warning("left without waiting any longer", seconds=seconds, status=status)
        os._exit(status)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()


async def _serve(loaded: settings.Settings, services: tuple[str, ...], *, text: bool) -> int:
    import asyncio
    import signal

    from helixnet.pipeline import SERVICES
    from helixnet.runtime import serving

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serving(loaded, frozenset(services or SERVICES)) as server:
        _say_ready(server, services, text=text)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, server.failed}, return_when=asyncio.FIRST_COMPLETED)
        leave_after(STOP_SECONDS, 1)
        stopping.cancel()
        if server.failed.done():
            server.failed.result()
    return 0


def _say_ready(server: Any, services: tuple[str, ...], *, text: bool) -> None:
    """Tell people in words, and programs by a log line."""
    import sys

    import structlog

    if text:
        name = " ".join(("helixnet", *services))
        sftp = "" if server.sftp_port is None else f", SFTP on port {server.sftp_port}"
        print(f"{name} ready: {server.url} (data in {server.data}{sftp})", file=sys.stderr)
        return
    structlog.get_logger().info(
        "ready",
        services=list(services) or "all",
        url=server.url,
        data=str(server.data),
        sftp_port=server.sftp_port,
    )
