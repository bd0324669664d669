"""What is wrong is said: at the start, in uploads, and never with a secret in the log."""

import io
import json
import os
import socket
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.scenario.conftest import Serve
from tests.scenario.running import Person, command
from tests.scenario.test_care import CONTENT
from tests.scenario.test_jobs import BAD, HEADER

pytestmark = pytest.mark.scenario
Done = subprocess.CompletedProcess[str]
Start = Callable[..., Done]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start a server that must end at once, and return how."""

    def run(data: Path, *flags: str) -> Done:
        ports = ("--port", "0", "--sftp-port", "0")
        done = command("serve", "--data", str(data), *ports, *flags, home=tmp_path)
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def ended(tmp_path: Path) -> Path:
    """A data folder with a ledger that no server uses."""
    done = command("db", "upgrade", "--data", "data", home=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "data"


def test_a_second_server_on_a_folder_is_refused(serve: Serve, start: Start) -> None:
    helix = serve()
    done = start(helix.data)
    assert done.returncode == 3
    assert "in use by process" in done.stderr
    assert "--data" in done.stderr
    assert httpx.get(f"{helix.url}/health/ready").status_code == 200


@pytest.mark.parametrize("flag", ["--port", "--sftp-port"])
def test_a_taken_port_is_named(start: Start, tmp_path: Path, flag: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = start(tmp_path / "data", flag, port)
    assert done.returncode == 2
    assert port in done.stderr
    assert flag in done.stderr


def test_a_file_that_is_no_ledger_is_damaged(start: Start, ended: Path) -> None:
    (ended / "ledger.db").write_bytes(b"not a ledger at all" * 1000)
    done = start(ended)
    assert done.returncode == 2
    assert "is damaged" in done.stderr
    assert "backup" in done.stderr


def test_a_truncated_ledger_is_damaged(start: Start, ended: Path) -> None:
    path = ended / "ledger.db"
    os.truncate(path, path.stat().st_size // 2)
    done = start(ended)
    assert done.returncode == 2
    assert "is damaged" in done.stderr
    checked = command("db", "check", "--data", str(ended), home=ended)
    assert checked.returncode == 1
    assert "sound" not in checked.stdout


def test_a_database_of_something_else_is_no_ledger(start: Start, ended: Path) -> None:
    path = ended / "ledger.db"
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE letters (text)")
    done = start(ended)
    assert done.returncode == 2
    assert "no ledger tables" in done.stderr


def test_a_newer_ledger_is_refused_with_both_versions(start: Start, ended: Path) -> None:
    with closing(sqlite3.connect(ended / "ledger.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.execute("UPDATE meta SET value = '77.7.7' WHERE name = 'version'")
        database.commit()
    done = start(ended)
    assert done.returncode == 2
    ours = command("--version", home=ended).stdout.split()[1]
    assert "HelixNet 77.7.7" in done.stderr
    assert f"HelixNet {ours}" in done.stderr


def test_a_folder_that_can_not_be_written_is_named(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    done = start(tmp_path / "file" / "data")
    assert done.returncode == 2
    assert str(tmp_path / "file" / "data") in done.stderr


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("--host", "192.0.2.1"), "loopback"),
        (("--host", "example.org"), "address"),
        (("--workers", "many"), "whole number"),
        (("--max-attempts", "0"), "at least 1"),
        (("--sftp-port", "99999"), "at most 65535"),
        (("--log-level", "loud"), "loud"),
        (("--bus", "amqp://x"), "amqp"),
    ],
)
def test_a_setting_that_makes_no_sense_is_wrong_usage(
    start: Start, tmp_path: Path, flags: tuple[str, ...], word: str
) -> None:
    done = start(tmp_path / "data", *flags)
    assert done.returncode == 2
    assert word in done.stderr


def test_settings_come_from_file_environment_and_flag(tmp_path: Path) -> None:
    """The later wins; each is shown with its source, a secret never."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "helixnet.toml").write_text('port = 1111\nworkers = 3\nhost = "::1"\n')
    show = ("config", "show", "--data", "data")
    variables = {"HELIXNET_PORT": "2222", "HELIXNET_TOKEN": "hush-hush"}
    done = command(*show, "--json", home=tmp_path, **variables)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert (rows["port"]["value"], rows["port"]["source"]) == ("2222", "HELIXNET_PORT")
    assert rows["workers"]["value"] == "3"
    assert rows["workers"]["source"].endswith("helixnet.toml")
    assert rows["data"]["source"] == "--data"
    assert rows["sftp_port"]["source"] == "default"
    assert rows["token"]["value"] == "********"
    table = command(*show, home=tmp_path, **variables).stdout
    assert "2222" in table
    assert "hush-hush" not in table + done.stdout
    (tmp_path / "data" / "helixnet.toml").write_text("prot = 1111\n")
    wrong = command(*show, home=tmp_path)
    assert wrong.returncode == 2
    assert "unknown setting 'prot'" in wrong.stderr


def zipped(*entries: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return made.getvalue()


def test_hostile_uploads_are_refused_as_problems(demo: Person, orders: dict[str, bytes]) -> None:
    """Bombs and paths that lead elsewhere get an answer of their own, and make no job."""
    before = len(demo.jobs(limit="200"))
    entries = list(orders.items())
    bomb = zipped(*entries, ("zeros.csv", bytes(300_000_000)))
    escape = zipped(*entries, ("../../evil.yaml", b"x"))
    content = ("content_file", ("orders.csv", CONTENT))
    forms: list[tuple[list[tuple[str, tuple[str, bytes]]], dict[str, str]]] = [
        ([content, ("bundle", ("b.zip", bomb))], {}),
        ([content, ("bundle", ("b.zip", escape))], {}),
        ([content, ("bundle", ("b.zip", bomb[: len(bomb) // 2]))], {}),
        ([content, ("context_file", ("c.yaml", b"\x00\xff"))], {}),
        ([content, ("context_file", ("c.yaml", b"a: &a [*a, *a]"))], {}),
        ([content], {"context_key": "work/demo/../../ledger.db"}),
        ([content], {"context_key": "/etc/passwd"}),
        ([content], {"flow": "../orders"}),
        ([content], {}),
    ]
    keys = ("../ledger.db", "work/demo/../../ledger.db", "inbox/acme/x.csv", "identity/keys.json")
    forms += [([("context_file", entries[0])], {"content_key": key}) for key in keys]
    for files, data in forms:
        answer = demo.http.post("/jobs/upload", files=files, data=data)
        assert answer.status_code in {400, 404, 413, 422}, (data, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["detail"]
        assert "Traceback" not in answer.text
    assert len(demo.jobs(limit="200")) == before


def test_a_bomb_names_its_code(demo: Person, orders: dict[str, bytes]) -> None:
    bomb = zipped(*orders.items(), ("zeros.csv", bytes(300_000_000)))
    files = [("content_file", ("orders.csv", CONTENT)), ("bundle", ("b.zip", bomb))]
    assert "HX-4207" in demo.http.post("/jobs/upload", files=files).text


def test_a_body_over_the_limit_is_refused(serve: Serve, orders: dict[str, bytes]) -> None:
    helix = serve(max_body="100000")
    person = Person(helix.url, "demo")
    assert person.wait(person.submit(CONTENT, orders))["state"] == "COMPLETED"
    answer = person.upload(CONTENT * 2000, orders)
    assert answer.status_code == 413
    assert answer.json()["code"] == "HX-7003"
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_log_is_json_and_holds_no_payload_or_token(
    serve: Serve,
    orders: dict[str, bytes],
) -> None:
    """Neither records, rejects, contexts nor tokens are told, at any level."""
    helix = serve(log_format="json", log_level="debug", quiet_seconds="0.1")
    person = Person(helix.url, "demo")
    marker = "SECRET-4711-MARKER"
    content = (HEADER + BAD.replace("1x", marker)).encode()
    person.wait(person.submit(content, orders, name="one.csv"))
    name, context = next(iter(orders.items()))
    broken = orders | {name: context.replace(b"h.PO_DATE", b"h." + marker.encode())}
    assert person.upload(content, broken).status_code == 400
    helix.drop("demo", "nowhere", "stray.csv", content)
    httpx.get(f"{helix.url}/api/v1/jobs", headers={"Authorization": f"Bearer {marker}"})
    httpx.get(f"{helix.url}/api/v1/jobs?token={person.token}")
    form = {"username": "demo", "password": marker}
    httpx.post(f"{helix.url}/api/v1/auth/token", data=form)
    assert helix.stop() == 0
    lines = [json.loads(line) for line in helix.log.splitlines()]
    assert any(line["event"] == "ready" for line in lines)
    assert all({"event", "level", "timestamp"} <= set(line) for line in lines)
    assert marker not in helix.log
    assert person.token not in helix.log


def test_text_is_for_people(serve: Serve) -> None:
    helix = serve(log_format="text")
    assert f"helixnet ready: {helix.url}" in helix.log
