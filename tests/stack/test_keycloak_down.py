"""Keycloak down at the start, and killed later: what goes on, what waits, and who recovers."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from scripts.stack import keycloak
from scripts.stack.server import Server, free_ports

from helixnet.adapters.identity_oidc import OidcIdentity
from tests.scenario.running import PATIENCE, eventually
from tests.servers import needed
from tests.stack.gateways import served

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("keycloak"), pytest.mark.timeout(1200)]
FORM = {"username": "demo", "password": "demo"}


@dataclass
class Pair:
    """A gateway, and the Keycloak of its own that it may have to do without."""

    http: httpx.Client
    folder: Path
    ports: tuple[int, int]
    server: Server | None = None

    def start(self) -> None:
        """Start the Keycloak for the first time."""
        port, management = self.ports
        self.server = needed(
            lambda folder: keycloak.start(folder, port=port, management_port=management),
            self.folder,
        )

    def login(self) -> httpx.Response:
        return self.http.post("/api/v1/auth/token", data=FORM)

    def logged_in(self) -> str:
        """Log in, as soon as that can be; return the token."""
        return eventually(lambda: self.login().json().get("access_token"))

    def ready(self) -> bool:
        return self.http.get("/health/ready").status_code == 200

    def jobs(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return self.http.get("/api/v1/jobs", headers=headers).status_code


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    ports = free_ports(2)
    issuer = f"http://127.0.0.1:{ports[0]}/realms/helixnet"
    identity = OidcIdentity(issuer, password_client="helix-test")
    folder = tmp_path / "keycloak"
    folder.mkdir()
    with (
        served(tmp_path / "gateway", identity) as url,
        httpx.Client(base_url=url, timeout=PATIENCE) as http,
    ):
        made = Pair(http, folder, (ports[0], ports[1]))
        yield made
        if made.server is not None:
            made.server.kill()


def test_keys_once_fetched_outlive_keycloak(pair: Pair) -> None:
    """503 until it was there once; then tokens go on while only logging in waits for it."""
    assert not pair.ready()
    assert pair.login().status_code == 503
    pair.start()
    eventually(pair.ready)
    token = pair.logged_in()
    assert pair.jobs(token) == 200
    assert pair.server is not None
    pair.server.kill()
    assert pair.jobs(token) == 200
    assert pair.ready()
    answer = pair.login()
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert f"http://127.0.0.1:{pair.ports[0]}" in answer.json()["detail"]
    pair.server = pair.server.restart()
    assert pair.jobs(pair.logged_in()) == 200
    assert pair.jobs(token) == 200
