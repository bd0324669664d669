"""A server's process ends, whatever does not."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

STUBBORN = """
    import asyncio
    from helixnet.cli.serve import leave_after, run_to_the_end

    async def never_ends():
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass

    async def work():
        leave_after(STOP, 1)
        task = asyncio.create_task(never_ends())
        await asyncio.sleep(0.1)
        if WAITS:
            await task
        return 0

    raise SystemExit(run_to_the_end(work()))
"""


def ended(code: str) -> int:
    """Run code in a process of its own; return its status."""
    return subprocess.run([sys.executable, "-c", dedent(code)], check=False, timeout=60).returncode


def test_a_task_that_does_not_end_when_cancelled_keeps_no_process() -> None:
    """All that is ours is closed by then: the stop was a good one."""
    assert ended(STUBBORN.replace("STOP", "60").replace("WAITS", "False")) == 0


def test_a_stop_that_takes_too_long_is_cut_off_and_says_so() -> None:
    assert ended(STUBBORN.replace("STOP", "1").replace("WAITS", "True")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_ended_leaves_no_half_file(tmp_path: Path, number: signal.Signals) -> None:
    """The file comes through a pipe that stays open, so the run still reads when it is ended."""
    (tmp_path / "c.yaml").write_text(
        "helixnet: 1\nname: c\nversion: 1.0.0\ntarget: {}\nsource: {format: csv}\nmap: {a: A}\n"
    )
    words = [sys.executable, "-m", "helixnet", "run", "c.yaml", "-", "-o", "out.ndjson"]
    with subprocess.Popen(words, cwd=tmp_path, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"A\n1\n")
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".out.ndjson*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]
