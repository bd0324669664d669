"""The servers that tests stand on can be started, broken and found again."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from jose import jwt
from scripts.stack import keycloak, server
from scripts.stack import minio as stores
from scripts.stack import postgres as clusters
from scripts.stack.server import Server, ServerError

from tests.servers import Backing, needed

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


def test_all_four_answer_and_are_found_by_their_folders(backing: Backing) -> None:
    """Any later process finds a server by its folder alone."""
    for name, running in backing.servers.items():
        assert server.is_ready(running), name
        assert server.load(running.folder) == running


def test_only_the_owner_reads_the_secrets(backing: Backing) -> None:
    for running in backing.servers.values():
        assert (running.folder / server.FILE).stat().st_mode & 0o077 == 0


def test_the_gateways_role_is_held_by_row_level_security(postgres: Server) -> None:
    sql = "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolbypassrls ORDER BY 1"
    assert clusters.execute(postgres, sql).split() == ["helixnet", "postgres"]
    sql = "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"
    for role in (clusters.OWNER, clusters.GATEWAY):
        assert clusters.execute(postgres, sql, role=role, database="helixnet") == f"{role}|f"


@pytest.mark.parametrize(
    ("name", "roles", "tenant"),
    [
        ("admin", {"admin"}, None),
        ("demo", {"viewer", "operator", "designer"}, "demo"),
        ("chuck", {"operator", "designer"}, "acme"),
        ("marcel", {"operator"}, "globex"),
    ],
)
def test_the_demo_users_have_their_roles_and_tenants(
    backing: Backing, name: str, roles: set[str], tenant: str | None
) -> None:
    form = {"grant_type": "password", "client_id": "helix-test", "username": name, "password": name}
    endpoint = f"{backing.issuer}/protocol/openid-connect/token"
    answer = httpx.post(endpoint, data=form, timeout=60)
    assert answer.status_code == 200, answer.text
    claims = jwt.get_unverified_claims(answer.json()["access_token"])
    assert set(claims["realm_access"]["roles"]) == roles
    assert claims.get("tenant") == tenant
    assert claims["aud"] == "helix-api"
    assert claims["iss"] == backing.issuer


def test_people_cannot_choose_their_tenant() -> None:
    """The tenant decides what a person sees, so only an administrator sets it."""
    (component,) = keycloak.realm()["components"]["org.keycloak.userprofile.UserProfileProvider"]
    profile = json.loads(component["config"]["kc.user.profile.config"][0])
    (tenant,) = [each for each in profile["attributes"] if each["name"] == "tenant"]
    assert tenant["permissions"]["edit"] == ["admin"]


def test_a_token_signed_by_the_tests_is_by_the_realms_key(backing: Backing) -> None:
    key, kid = backing.signing_key
    token = jwt.encode({"sub": "x"}, key, "RS256", headers={"kid": kid})
    certs = httpx.get(f"{backing.issuer}/protocol/openid-connect/certs", timeout=60).json()
    (public,) = [each for each in certs["keys"] if each["kid"] == kid]
    assert jwt.decode(token, public, algorithms=["RS256"]) == {"sub": "x"}


@pytest.mark.parametrize("start", [clusters.start, stores.start])
def test_a_server_is_killed_paused_and_started_again(
    start: Callable[[Path], Server], tmp_path: Path
) -> None:
    running = needed(start, tmp_path)
    try:
        running.pause()
        assert not server.is_ready(running)
        running.resume()
        assert server.is_ready(running)
        with pytest.raises(ServerError, match="still runs"):
            running.restart()
        running.kill()
        assert not running.running()
        again = running.restart()
        assert (again.ports, again.secrets) == (running.ports, running.secrets)
        assert again.pid != running.pid
    finally:
        found = server.load(tmp_path)
        assert found is not None
        found.stop()
    assert not found.running()


def test_a_taken_port_is_refused(minio: Server, tmp_path: Path) -> None:
    """Else the other process would answer for the one that could not start."""
    with pytest.raises(ServerError, match=r"minio: port \d+ is taken"):
        stores.start(tmp_path, port=minio.ports["main"])


def test_a_server_that_cannot_start_says_what_its_log_says(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"(?s)postgres ended at once; .*postgres\.log:\n.*bogus"):
        clusters.start(tmp_path, settings={"bogus": "1"})
