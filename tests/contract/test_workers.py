"""What workers promise: an item that dies takes nothing along but itself."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from helixnet.adapters.workers import ProcessWorkers
from helixnet.ports import Ended, Workers

pytestmark = pytest.mark.contract
Beat = Callable[[], None]


def act(item: str, beat: Beat) -> object:
    """What an item may do to a worker; imported by name in the worker process."""
    match item.split():
        case ["pid"]:
            return os.getpid()
        case ["raise"]:
            raise ValueError(item)
        case ["exit"]:
            os._exit(7)
        case ["kill"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["sleep", seconds]:
            time.sleep(float(seconds))
        case ["work", seconds]:
            end = time.monotonic() + float(seconds)
            while time.monotonic() < end:
                beat()
                time.sleep(0.05)
        case _:
            sys.stdout.write("a print must not disturb the talk")
    return item


@pytest.fixture
async def workers(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    async with ProcessWorkers(2, preload=__name__, stall_seconds=5) as pool:
        yield pool


async def test_items_come_back_in_order(workers: Workers) -> None:
    assert await workers.run(act, ["a", "b", "c"]) == ["a", "b", "c"]
    assert (workers.size, workers.free) == (2, 2)


async def test_an_error_ends_its_item_alone(workers: Workers) -> None:
    first, failed, last = await workers.run(act, ["a", "raise", "c"])
    assert (first, last) == ("a", "c")
    assert isinstance(failed, Ended)
    assert failed.begun
    assert "ValueError: raise" in failed.reason


@pytest.mark.parametrize("death", ["exit", "kill"])
async def test_a_dead_worker_is_replaced(workers: Workers, death: str) -> None:
    """The item that killed it failed; those behind it were never begun; work goes on."""
    first, died, *behind = await workers.run(act, ["a", death, "c", "d"])
    assert first == "a"
    assert isinstance(died, Ended)
    assert died.begun
    assert [isinstance(item, Ended) and item.begun for item in behind] == [False, False]
    assert await asyncio.gather(*(workers.run(act, [str(n)]) for n in range(6))) == [
        [str(n)] for n in range(6)
    ]


async def test_both_work_at_once(workers: Workers) -> None:
    pids = await asyncio.gather(*(workers.run(act, ["sleep 0.3", "pid"]) for _ in range(2)))
    assert len({str(answer[1]) for answer in pids}) == 2


async def test_a_stalled_worker_is_ended_but_a_slow_one_is_not(workers: Workers) -> None:
    (slow,), (stalled,) = await asyncio.gather(
        workers.run(act, ["work 7"]), workers.run(act, ["sleep 60"])
    )
    assert slow == "work 7"
    assert isinstance(stalled, Ended)
    assert stalled.reason.startswith("HX-6004")


async def test_a_cancelled_caller_frees_its_worker(workers: Workers) -> None:
    for _ in range(3):
        caller = asyncio.create_task(workers.run(act, ["sleep 60"]))
        await asyncio.sleep(0.2)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
    answers = await asyncio.gather(*(workers.run(act, [str(n)]) for n in range(4)))
    assert answers == [["0"], ["1"], ["2"], ["3"]]
    assert workers.free == 2


def test_workers_end_with_a_killed_server(tmp_path: Path) -> None:
    """Also after kill -9 of the server no worker is left behind, even a busy one."""
    program = tmp_path / "server.py"
    program.write_text(
        "import asyncio\n"
        f"from {__name__} import act\n"
        "from helixnet.adapters.workers import ProcessWorkers\n"
        "async def main():\n"
        f"    async with ProcessWorkers(2, preload={__name__!r}, stall_seconds=99) as pool:\n"
        "        pids = [await pool.run(act, ['pid'])]\n"
        "        jobs = [asyncio.create_task(pool.run(act, ['sleep 60'])) for _ in range(2)]\n"
        "        await asyncio.sleep(0.3)\n"
        "        print(*pids[0], flush=True)\n"
        "        await asyncio.gather(*jobs)\n"
        "asyncio.run(main())\n"
    )
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    server = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, env=env
    )
    assert server.stdout
    with server.stdout:
        pid = int(server.stdout.readline())
        server.kill()
        server.wait()
    end = time.monotonic() + 20
    while Path(f"/proc/{pid}/cmdline").exists() and time.monotonic() < end:
        if not Path(f"/proc/{pid}/cmdline").read_bytes():  # a zombie of the test's init
            break
        time.sleep(0.05)
    else:
        assert time.monotonic() < end, "the worker outlived its server"
