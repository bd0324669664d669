"""A server's process ends, whatever does not."""

import subprocess
import sys
from textwrap import dedent

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
