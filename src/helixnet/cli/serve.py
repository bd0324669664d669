"""``helixnet serve``: the whole of HelixNet in one process, until it is told to end."""

import argparse
from dataclasses import fields
from typing import Any

from helixnet import settings

_CLIENT = frozenset({"url", "token"})
SWITCH_SECONDS = 0.0005


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
    import asyncio

    import uvloop

    from helixnet.adapters import logs

    given = {item.name: getattr(args, item.name, None) for item in fields(settings.Settings)}
    loaded = settings.load(given).settings
    text = logs.configure(level=loaded.log_level, style=loaded.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(loaded, services, text=text))


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
