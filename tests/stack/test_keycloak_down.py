"""Keycloak down at the start, and killed later: what goes on, what waits, and who recovers."""

from pathlib import Path

import httpx
import pytest
from scripts.stack import keycloak as keycloaks
from scripts.stack.server import free_ports

from helixnet.adapters.identity_oidc import OidcIdentity
from tests.scenario.running import PATIENCE, eventually
from tests.stack.gateways import served

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("keycloak"), pytest.mark.timeout(600)]
FORM = {"username": "demo", "password": "demo"}


def test_keys_once_fetched_outlive_keycloak(tmp_path: Path) -> None:
    """503 until it was there once; then tokens go on while only logging in waits for it."""
    port, management = free_ports(2)
    issuer = f"http://127.0.0.1:{port}/realms/helixnet"
    identity = OidcIdentity(issuer, password_client="helix-test")
    with served(tmp_path / "gateway", identity) as url, httpx.Client(timeout=PATIENCE) as http:

        def login() -> httpx.Response:
            return http.post(f"{url}/api/v1/auth/token", data=FORM)

        def ready() -> bool:
            return http.get(f"{url}/health/ready").status_code == 200

        assert not ready()
        assert login().status_code == 503
        folder = tmp_path / "keycloak"
        folder.mkdir()
        server = keycloaks.start(folder, port=port, management_port=management)
        try:
            eventually(ready)
            eventually(lambda: login().status_code == 200)
            token = login().json()["access_token"]
            bearer = {"Authorization": f"Bearer {token}"}
            assert http.get(f"{url}/api/v1/jobs", headers=bearer).status_code == 200
            server.kill()
            assert http.get(f"{url}/api/v1/jobs", headers=bearer).status_code == 200
            assert ready()
            answer = login()
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert issuer in answer.json()["detail"]
            server = server.restart()
            eventually(lambda: login().status_code == 200)
            assert http.get(f"{url}/api/v1/jobs", headers=bearer).status_code == 200
        finally:
            server.kill()
