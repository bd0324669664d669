"""What `helixnet login` keeps, and how it is renewed at a provider that is a real HTTP server."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest

from helixnet.cli import issuer, tokens
from helixnet.cli.tokens import Kept
from helixnet.errors import UnauthenticatedError, UnavailableError, UsageError


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def good(token: str, seconds: float = 60, **more: Any) -> Kept:
    return Kept(token, time.time() + seconds, **more)


@contextmanager
def endpoint(*answers: tuple[int, Mapping[str, Any]]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A token endpoint that gives ``answers`` in turn, and the forms that it was sent."""
    left, forms = list(answers), list[dict[str, str]]()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sent = {name: values[0] for name, values in parse_qs(body).items()}
            forms.append(sent | {"authorization": self.headers.get("Authorization", "")})
            status, answer = left.pop(0)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token", forms
        server.shutdown()
        thread.join()
    assert left == []


def test_tokens_are_kept_apart_and_forgotten_in_time() -> None:
    tokens.keep("http://old", good("gone", -1))
    tokens.keep("http://one", good("first"))
    tokens.keep("http://two", good("second"))
    kept = tokens.read()
    assert {url: kept[url].token for url in kept} == {
        "http://one": "first",
        "http://two": "second",
    }
    assert tokens.path().stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tokens.path().parent.iterdir()] == ["tokens.json"]


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "3", '{"http://one": 3, "u": {"a": 1}}'])
def test_a_broken_file_of_tokens_counts_as_empty(text: str) -> None:
    tokens.path().parent.mkdir(parents=True)
    tokens.path().write_text(text)
    assert tokens.read() == {}
    tokens.keep("http://one", good("first"))
    assert tokens.read()["http://one"].token == "first"


def test_a_home_that_can_not_be_written_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="can't be kept"):
        tokens.keep("http://one", good("first"))


def test_a_good_token_asks_nobody() -> None:
    tokens.keep("http://one", good("first", endpoint="http://127.0.0.1:1"))
    assert tokens.source("http://one")() == "first"
    assert tokens.source("http://two")() == ""


def test_an_expired_token_is_renewed_once_and_kept() -> None:
    """Nobody notices; the provider's new refresh token takes the place of the old."""
    answer = {"access_token": "second", "expires_in": 60, "refresh_token": "r2"}
    with endpoint((200, answer)) as (address, forms):
        renewable = {"refresh": "r1", "renewable": time.time() + 60}
        tokens.keep("http://one", good("first", 5, endpoint=address, client="cli", **renewable))
        token = tokens.source("http://one")
        assert token() == token() == "second"
    assert forms[0]["grant_type"] == "refresh_token"
    assert (forms[0]["refresh_token"], forms[0]["client_id"]) == ("r1", "cli")
    kept = tokens.read()["http://one"]
    assert (kept.refresh, kept.endpoint, kept.client) == ("r2", address, "cli")


def test_a_machine_logs_in_again_by_its_secret(tmp_path: Path) -> None:
    """The secret stays in its file: what is kept names the file only."""
    (tmp_path / "secret").write_text("p+w d%\n")
    with endpoint((200, {"access_token": "second", "expires_in": 60})) as (address, forms):
        known = {"client": "helix services", "secret_file": str(tmp_path / "secret")}
        tokens.keep("http://one", good("first", -1, endpoint=address, **known))
        assert tokens.source("http://one")() == "second"
    assert forms[0]["grant_type"] == "client_credentials"
    assert forms[0]["authorization"] == "Basic aGVsaXglMjBzZXJ2aWNlczpwJTJCdyUyMGQlMjU="
    assert "p+w d%" not in tokens.path().read_text()


def test_a_session_that_ended_asks_for_a_login() -> None:
    """An empty token makes the server say 401, and the command say `helixnet login`."""
    with endpoint((400, {"error": "invalid_grant"})) as (address, _):
        renewable = {"refresh": "r1", "renewable": time.time() + 60}
        tokens.keep("http://one", good("first", -1, endpoint=address, client="cli", **renewable))
        assert tokens.source("http://one")() == ""


def test_a_provider_that_is_down_is_said() -> None:
    renewable = {"refresh": "r1", "renewable": time.time() + 60, "endpoint": "http://127.0.0.1:1"}
    tokens.keep("http://one", good("first", -1, **renewable))
    with pytest.raises(UnavailableError, match=r"http://127\.0\.0\.1:1"):
        tokens.source("http://one")()


DEVICE = issuer.Device("d", "AB-CD", "http://p/d", "", interval=1, seconds=60, verifier="v")


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def test_a_device_is_asked_after_as_slowly_as_the_provider_wants() -> None:
    """RFC 8628, 3.5: pending keeps the interval, slow_down adds five seconds."""
    clock = Clock()
    pending, slower = {"error": "authorization_pending"}, {"error": "slow_down"}
    token = {"access_token": "t", "expires_in": 60}
    with endpoint((400, pending), (400, slower), (400, pending), (200, token)) as (address, forms):
        given = issuer.await_device(address, "cli", DEVICE, clock=clock.read, sleep=clock.sleep)
    assert given["access_token"] == "t"
    assert clock.slept == [1, 1, 6, 6]
    assert (forms[0]["device_code"], forms[0]["code_verifier"]) == ("d", "v")


@pytest.mark.parametrize(
    ("error", "said"),
    [("access_denied", "access_denied"), ("expired_token", "nobody logged in")],
)
def test_a_login_that_was_refused_or_missed_is_said(error: str, said: str) -> None:
    clock = Clock()
    with (
        endpoint((400, {"error": error})) as (address, _),
        pytest.raises(UnauthenticatedError, match=said),
    ):
        issuer.await_device(address, "cli", DEVICE, clock=clock.read, sleep=clock.sleep)


def test_a_device_code_is_given_up_in_time() -> None:
    """A provider that does not answer meanwhile is asked ever more seldom."""
    clock = Clock()
    with pytest.raises(UnauthenticatedError, match="nobody logged in"):
        issuer.await_device(
            "http://127.0.0.1:1", "cli", DEVICE, clock=clock.read, sleep=clock.sleep
        )
    assert clock.slept == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff"])
def test_a_secret_that_can_not_be_read_is_said(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=str(file)):
        issuer.by_secret("http://127.0.0.1:1", "c", file)
