"""The whole stack, as a person starts and ends it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from scripts.stack import needs, whole

from tests.servers import provided

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(900)]


def stack(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return run("-m", "scripts.stack", command, "--folder", str(folder))


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_nothing_started_is_no_fault(tmp_path: Path) -> None:
    assert stack("down", tmp_path).stdout == f"nothing was started in {tmp_path}\n"
    done = stack("status", tmp_path)
    assert done.returncode == 1
    assert f"not started in {tmp_path}: gateway, ingest, kafka" in done.stdout
    assert f"make stack STACK={tmp_path}" in done.stdout
    assert stack("logs", tmp_path).returncode == 3
    (tmp_path / "file").touch()
    done = stack("status", tmp_path / "file")
    assert (done.returncode, "is no folder for a stack" in done.stderr) == (2, True)


def test_the_stack_starts_serves_and_ends(tmp_path: Path) -> None:
    """Started twice it is one stack; a killed service is started again; the data stay."""
    for provision in needs.PROVISIONS.values():
        provided(provision)
    try:
        done = stack("up", tmp_path)
        assert done.returncode == 0, done.stderr
        before = whole.known(tmp_path)
        assert stack("status", tmp_path).returncode == 0
        seeded = run("scripts/seed_data.py", HELIXNET_URL=before["gateway"].url)
        assert seeded.returncode == 0, seeded.stderr
        assert seeded.stdout.count("COMPLETED") + seeded.stdout.count("PARTIAL") == 4, seeded.stdout
        before["mapper"].kill()
        os.kill(before["keycloak"].pid, signal.SIGKILL)  # what `status` shows is a script's process
        assert "mapper     ended" in stack("status", tmp_path).stdout
        again = stack("up", tmp_path)
        assert again.returncode == 0, again.stderr
        assert "gateway runs already" in again.stderr
        after = whole.known(tmp_path)
        changed = {name for name, each in after.items() if each.pid != before[name].pid}
        assert changed == {"mapper", "keycloak"}
        assert "keycloak had ended and left processes behind" in again.stderr
        assert str(after["sink"].log) in stack("logs", tmp_path).stdout
    finally:
        ended = stack("down", tmp_path).stdout
    assert ended.count("ended in") == len(whole.PORTS)
    assert not any(each.running() for each in whole.known(tmp_path).values())
    for path in [tmp_path / "secrets", *(tmp_path / "secrets").iterdir()]:
        assert path.stat().st_mode & 0o077 == 0, path
