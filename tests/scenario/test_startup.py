"""What a server says when it can't start: one line with the reason, and the right exit status."""

import os
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenario.running import EmbeddedHelix, Person

pytestmark = pytest.mark.scenario


def serve(data: Path, *flags: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Start a server that is expected not to come up."""
    command = [sys.executable, "-m", "helixnet", "serve", f"--data={data}"]
    return subprocess.run(
        [*command, "--sftp-port=0", *flags],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | environ,
    )


def test_a_second_server_on_the_folder_is_refused(tmp_path: Path) -> None:
    helix = EmbeddedHelix(tmp_path / "data")
    helix.start()
    done = serve(helix.data, "--port=0")
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
    assert str(helix.data) in done.stderr
    assert Person(helix.url, "demo").jobs() == []
    assert helix.stop() == 0


@pytest.mark.parametrize("flag", ["--port", "--sftp-port"])
def test_a_taken_port_is_named(tmp_path: Path, flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        more = ["--port=0"] if flag == "--sftp-port" else []
        done = serve(tmp_path / "data", *more, f"{flag}={port}")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert str(port) in done.stderr
    assert flag in done.stderr


def test_a_corrupt_ledger_is_told_and_left_alone(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    ledger.write_bytes(b"SQLite format 3\0" + b"garbage " * 4096)
    before = ledger.read_bytes()
    done = serve(tmp_path, "--port=0")
    assert done.returncode in {2, 3}
    assert "Traceback" not in done.stderr
    assert "ledger.db" in done.stderr
    assert ledger.read_bytes() == before


def test_a_ledger_of_another_program_is_told(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        other.execute("CREATE TABLE jobs (x)")
    other.close()
    done = serve(tmp_path, "--port=0")
    assert done.returncode in {2, 3}
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = serve(tmp_path / "file" / "data", "--port=0")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "data" in done.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--host=0.0.0.0"], "loopback"),
        (["--host=nowhere.example"], "address"),
        (["--port=http"], "whole number"),
        (["--store=ftp://x"], "store"),
        (["--bus=carrier:pigeon"], "bus"),
        (["--log-level=loud"], "log level"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, flags: list[str], words: str) -> None:
    done = serve(tmp_path / "data", "--port=0", *flags)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert words in done.stderr


def test_a_setting_from_the_environment_names_its_variable(tmp_path: Path) -> None:
    done = serve(tmp_path / "data", "--port=0", HELIXNET_WORKERS="many")
    assert done.returncode == 2
    assert "HELIXNET_WORKERS" in done.stderr
