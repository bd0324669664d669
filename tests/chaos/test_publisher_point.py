"""Between send and mark: a publisher that dies there sends again, under the same ids."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.crashpoints import STATUS
from helixnet.events import Topic
from helixnet.ledger.outbox import read_topic, unpublished

pytestmark = pytest.mark.contract
PROGRAM = """
import asyncio, sys
from pathlib import Path
from helixnet.adapters.bus_local import LocalBus
from helixnet.adapters.ledger_sqlite import open_ledger
from helixnet.crashpoints import arm
from helixnet.events import Event, Topic, event_id
from helixnet.ledger.outbox import emit
from helixnet.metrics import Metrics
from helixnet.stages.outbox import Publisher

def event(number):
    return Event(id=event_id("test", number), type="test", topic=Topic.JOBS, key=str(number),
                 tenant="demo", job=str(number), seq=number, time="", data={})

async def main(folder, at, count):
    here = open_ledger(folder / "here" / "ledger.db", relay=True)
    there = open_ledger(folder / "there" / "ledger.db")
    bus = LocalBus(there, poll_seconds=0.1)
    publisher = Publisher(ledger=here, bus=bus, metrics=Metrics(), sweep_seconds=0, poll_seconds=1)
    await here.do(lambda conn: emit(conn, [event(number) for number in range(count)]))
    arm(at)
    await publisher.send()
    await publisher.mark()
    await publisher.sweep()
    await here.close()
    await there.close()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
"""


def publish(folder: Path, at: str, count: int) -> int:
    command = [sys.executable, "-c", PROGRAM, str(folder), at, str(count)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode in {0, STATUS}, done.stderr
    return done.returncode


def test_what_was_sent_and_not_marked_is_sent_again(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    assert publish(tmp_path, "publisher.sent", 3) == STATUS
    assert publish(tmp_path, "", 0) == 0

    async def look() -> tuple[list[str], int]:
        there = await asyncio.to_thread(open_ledger, tmp_path / "there" / "ledger.db")
        here = await asyncio.to_thread(open_ledger, tmp_path / "here" / "ledger.db", relay=True)
        told = await there.read(lambda conn: read_topic(conn, Topic.JOBS, 0))
        left = await here.do(lambda conn: unpublished(conn, stale=0))
        await there.close()
        await here.close()
        return [stored.event.id for stored in told], len(left)

    ids, left = asyncio.run(look())
    assert (len(ids), len(set(ids)), left) == (6, 3, 0)
