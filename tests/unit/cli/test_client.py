"""What client commands show and say, without a server."""

import io
import json
import socket
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx
import pytest

from helixnet.cli import connection, show
from helixnet.cli.main import exit_status
from helixnet.errors import UnavailableError, UsageError
from tests.unit.cli.commanding import Command


@pytest.mark.parametrize(
    ("status", "exit_with"),
    [
        *((status, 2) for status in (400, 401, 403, 404, 409, 413, 422)),
        *((status, 3) for status in (429, 500, 502, 503, 507)),
    ],
)
def test_the_answer_decides_the_exit_status(status: int, exit_with: int) -> None:
    """What the person must change is 2; what may go by itself is 3."""
    body = {"detail": "no", "code": "HX-7004", "hint": "wait"}
    for answer in (httpx.Response(status, json=body), httpx.Response(status, text="<html>")):
        assert exit_status(connection.problem(answer)) == exit_with
    error = connection.problem(httpx.Response(status, json=body))
    assert (str(error), error.code) == ("no", "HX-7004")


def test_every_problem_of_a_context_is_a_line() -> None:
    errors = [{"file": "c.yaml", "line": n, "column": 1, "code": "HX-4103"} for n in (3, 9)]
    answer = httpx.Response(400, json={"detail": "2 problems", "errors": errors})
    lines = str(connection.problem(answer)).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["2", "c.yaml:3:1:", "c.yaml:9:1:"]


@pytest.mark.parametrize("name", ["a/b", "..", ".", "a?b#c", "ä b", "%2F"])
def test_a_name_stays_one_segment_of_a_path(name: str) -> None:
    """Whatever somebody types as an id, the address below it is not left."""
    path = httpx.URL("http://h/api/v1/jobs/" + connection.segment(name)).raw_path.decode()
    assert path.startswith("/api/v1/jobs/")
    assert path.count("/") == 4
    assert not path.endswith(("/.", "/.."))


def nobody() -> str:
    return ""


class Answer(BaseHTTPRequestHandler):
    """Something that answers."""

    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing."""


def test_a_server_on_this_machine_may_start_a_moment_later(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The address is refused first; the wait ends when it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = connection.Server(f"http://127.0.0.1:{port}", nobody)
    server.await_start(0.1)
    assert f"waiting for http://127.0.0.1:{port}" in capsys.readouterr().err
    with pytest.raises(UnavailableError):
        server.send("GET", "/jobs")
    with HTTPServer(("127.0.0.1", port), Answer) as late:
        Thread(target=late.handle_request, daemon=True).start()
        server.await_start(30)
    assert capsys.readouterr().err == ""


def test_a_server_elsewhere_is_not_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    connection.Server("http://192.0.2.1:9", nobody).await_start(3600)
    assert capsys.readouterr().err == ""


def test_a_login_without_a_terminal_says_how(
    helixnet: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("demo\n"))
    outcome = helixnet("login", "--user", "demo")
    assert outcome.status == 2
    assert "--password-stdin" in outcome.err


def test_cells_are_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    """No cell breaks its row or drives the terminal."""
    row = {"a": None, "b": "x\ny\x1b[31m\u202e", "c": ["p", "q"], "d": "ä 3", "e": False}
    show.show_table([row], tuple(row))
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["A", "B", "C", "D", "E"]
    assert line.strip() == "x\\ny\\x1b[31m\\u202e  p, q  ä 3  False"


def test_times_are_shown_as_local_time_with_offset() -> None:
    shown = show.text("2026-11-23T18:30:00.000Z")
    assert len(shown) == len("2026-11-23 18:30:00+00:00")
    assert show.text("TwentyZ") == "TwentyZ"


@pytest.mark.parametrize(("age", "seconds"), [("45s", 45), ("90d", 7776000), ("2w", 1209600)])
def test_ages_are_read(age: str, seconds: int) -> None:
    assert show.seconds(age) == seconds


@pytest.mark.parametrize("age", ["", "d", "90", "-1d", "1.5h", "9 d", "٣d"])
def test_what_is_no_age_is_refused(age: str) -> None:
    with pytest.raises(UsageError, match="no age"):
        show.seconds(age)


def test_json_keeps_letters(capsys: pytest.CaptureFixture[str]) -> None:
    show.show_json({"name": "Bär"})
    printed = capsys.readouterr().out
    assert "Bär" in printed
    assert json.loads(printed) == {"name": "Bär"}
