"""Puts a process together from parts that were picked for it: stages, upkeep, inbox.

What runs in a process is a set of services: all of them in the embedded shape, one in each process
of the stack. Nothing here knows an adapter.
"""

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from helixnet.events import Topic
from helixnet.metrics import Metrics
from helixnet.pipeline import PIPELINE
from helixnet.ports import Bus, Ledger, ObjectStore, Workers
from helixnet.settings import Settings
from helixnet.stages.bundles import Bundles
from helixnet.stages.crew import Crew, cancel
from helixnet.stages.deliver import Deliver
from helixnet.stages.inbox import Inbox
from helixnet.stages.ingest import Ingest
from helixnet.stages.mapper import Mapper
from helixnet.stages.outbox import Publisher
from helixnet.stages.replay import Replay
from helixnet.stages.service import RELEASE_SECONDS, Service, Stage, Times
from helixnet.stages.sink import Sink
from helixnet.stages.upkeep import Cleaner, Reaper

LAST_SECONDS: Final = 2.0  # for events that a process has yet to send when it ends
STEPS: Final = {step.stage: step for step in PIPELINE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The ports, each with the adapter that was picked for it.

    Args:
        services: that run in this process.
        mapping: processes that map; there are none where no mapper runs.
        clerk: processes for what is short: passes over files, small files, keys, declarations.
        scratch: local folder of this process for files on their way.
    """

    settings: Settings
    services: frozenset[str]
    ledger: Ledger
    store: ObjectStore
    bus: Bus
    metrics: Metrics
    mapping: Workers | None
    clerk: Workers | None
    scratch: Path


def start_stages(parts: Parts, crew: Crew, stack: AsyncExitStack) -> None:
    """Run every stage of the process's services until it is told to stop."""
    settings = parts.settings
    times = Times(
        lease=settings.lease_seconds,
        renew=settings.renew_seconds,
        poll=settings.poll_seconds,
        stop=settings.stop_seconds,
    )
    running: list[tuple[Service[Any], asyncio.Task[None]]] = []
    for name, stage in _stages(parts).items():
        service = Service[Any](stage, name=name, ledger=parts.ledger, times=times)
        running.append((service, crew.start(service.run(), name)))
        crew.start(service.keep_leases(), name)
        step = STEPS[name]
        if step.wakes is not None:
            signals = partial(parts.bus.subscribe, step.wakes, name)
            crew.start(service.listen(signals, state=step.state), name)
    stack.push_async_callback(_drain, running, settings.stop_seconds + RELEASE_SECONDS + 1)


def _stages(parts: Parts) -> dict[str, Stage[Any]]:
    """Make the stages of the process's services; one without workers is not among them."""
    settings = parts.settings
    shared: dict[str, Any] = {
        "ledger": parts.ledger,
        "store": parts.store,
        "metrics": parts.metrics,
        "bundles": Bundles(ledger=parts.ledger, store=parts.store),
        "worker": f"{socket.gethostname()}-{uuid4().hex[:8]}",
        "lease_seconds": settings.lease_seconds,
        "max_attempts": settings.max_attempts,
    }
    made: dict[str, Stage[Any]] = {}
    if parts.mapping is not None:
        made["mapper"] = Mapper(**shared, workers=parts.mapping, scratch=parts.scratch)
        made["replay"] = Replay(
            **shared,
            workers=parts.mapping,
            scratch=parts.scratch,
            most_unpacked=settings.max_unpacked,
        )
    if parts.clerk is not None:
        made |= {
            "ingest": Ingest(
                **shared,
                workers=parts.clerk,
                part_size=settings.part_size,
                most_unpacked=settings.max_unpacked,
                scratch=parts.scratch,
                engine=version("helixnet"),
            ),
            "sink": Sink(**shared, workers=parts.clerk),
            "deliver": Deliver(**shared, workers=parts.clerk, bus=parts.bus),
        }
    own = parts.services
    return {name: stage for name, stage in made.items() if STEPS[name].service in own}


async def _drain(running: "list[tuple[Service[Any], asyncio.Task[None]]]", seconds: float) -> None:
    """Let every stage end or release what it has in hand, all at the same time.

    One that still waits for a ledger's answer then is left: what it may have claimed comes back
    when its leases end.
    """
    for service, _ in running:
        service.stop()
    tasks = [task for _, task in running]
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=seconds)
    await cancel(late)


def start_upkeep(parts: Parts, crew: Crew) -> None:
    """Do what must happen though nobody asks.

    Every consumer puts back what a dead one held; what is old is removed where results are made.
    """
    settings = parts.settings
    if parts.services - {"gateway"}:
        reaper = Reaper(
            ledger=parts.ledger,
            max_attempts=settings.max_attempts,
            interval=settings.poll_seconds / 2,
        )
        crew.start(reaper.run(), "reaper")
    if "sink" in parts.services:
        interval = settings.clean_seconds
        cleaner = Cleaner(ledger=parts.ledger, store=parts.store, interval=interval)
        crew.start(cleaner.run(), "cleaner")


def start_publisher(parts: Parts, crew: Crew, stack: AsyncExitStack) -> None:
    """Send what this process's transactions tell; what is left at the end is sent last of all."""
    publisher = Publisher(
        ledger=parts.ledger,
        bus=parts.bus,
        metrics=parts.metrics,
        sweep_seconds=parts.settings.sweep_seconds,
        poll_seconds=parts.settings.poll_seconds,
    )
    sending = crew.start(publisher.run(), "publisher")

    async def stop() -> None:
        await cancel([sending])
        await publisher.stop(LAST_SECONDS)

    stack.push_async_callback(stop)


def start_inbox(parts: Parts, crew: Crew) -> Inbox:
    """Take what is dropped: when the store tells of it, and by listing what it did not tell of."""
    inbox = Inbox(
        ledger=parts.ledger,
        store=parts.store,
        metrics=parts.metrics,
        quiet_seconds=parts.settings.quiet_seconds,
        interval=parts.settings.inbox_seconds,
        engine=version("helixnet"),
    )
    crew.start(inbox.run(), "inbox")
    crew.start(inbox.listen(partial(parts.bus.subscribe, Topic.DROPS, "inbox")), "notifications")
    return inbox
