"""`helixnet login` at a server whose tokens come from Keycloak: machines, people, renewal."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from scripts.stack.server import Server

from helixnet.adapters.identity_oidc import OidcIdentity
from tests.scenario.running import command
from tests.stack.gateways import served
from tests.stack.realms import SECRET, Realm, realm

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("keycloak")]
Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def helixnet(keycloak: Server) -> Iterator[Realm]:
    with realm(keycloak) as made:
        made.change_client("helix-services", attributes={"access.token.lifespan": "5"})
        yield made


@pytest.fixture(scope="module")
def url(helixnet: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("gateway")
    with served(folder, OidcIdentity(helixnet.issuer), password_form=False) as address:
        yield address


@pytest.fixture
def run(tmp_path: Path, url: str) -> Run:
    """Run a command; none may end in a traceback."""
    (tmp_path / "secret").write_text(f"{SECRET}\n", "utf-8")

    def given(*arguments: str, text: str = "") -> CompletedProcess[str]:
        done = command(*arguments, home=tmp_path, url=url, text=text)
        assert "Traceback" not in done.stderr
        return done

    return given


def kept(home: Path) -> Path:
    return home / ".config" / "helixnet" / "tokens.json"


def test_a_machine_logs_in_once_and_stays_in(run: Run, tmp_path: Path) -> None:
    """Its token is too short to outlive a command; each gets a new one by the secret's file."""
    done = run("login", "--client-id", "helix-services", "--client-secret-file", "secret")
    assert done.returncode == 0, done.stderr
    assert SECRET not in kept(tmp_path).read_text("utf-8")
    seen = set[str]()
    for _ in range(2):
        done = run("jobs", "list")
        assert done.returncode == 0, done.stderr
        seen.add(kept(tmp_path).read_text("utf-8"))
    assert len(seen) == 2
    (tmp_path / "secret").unlink()
    done = run("jobs", "list")
    assert done.returncode == 2
    assert str(tmp_path / "secret") in done.stderr


def test_what_is_wrong_with_a_machines_login_is_said(run: Run, helixnet: Realm) -> None:
    """A wrong secret, half of the arguments, a client that the server does not take."""
    helixnet.add_client("helix-services", clientId="stranger", secret=SECRET)
    machine = ("login", "--client-secret-file", "secret", "--client-id")
    for arguments, said in (
        ((*machine, "nobody"), "invalid_client"),
        ((*machine, "stranger"), "does not take tokens of the client stranger"),
        (("login", "--client-id", "helix-services"), "go together"),
        (("login", "--client-id", "c", "--client-secret-file", "none"), "none"),
    ):
        done = run(*arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert said in done.stderr


def test_a_server_that_takes_no_passwords_says_so(run: Run) -> None:
    done = run("login", "--user", "demo", "--password-stdin", text="demo\n")
    assert done.returncode == 2
    assert "takes no passwords" in done.stderr


def test_a_persons_token_is_renewed_until_the_session_ends(
    run: Run, helixnet: Realm, url: str, tmp_path: Path
) -> None:
    """As long as Keycloak keeps the session nobody has to log in; then the command says so."""
    given = helixnet.grant()
    entry = {
        "token": given["access_token"],
        "expires": 1.0,
        "refresh": given["refresh_token"],
        "renewable": time.time() + given["refresh_expires_in"],
        "endpoint": helixnet.endpoint,
        "client": "helix-test",
    }
    kept(tmp_path).parent.mkdir(parents=True)
    kept(tmp_path).write_text(json.dumps({url: entry}), "utf-8")
    done = run("jobs", "list")
    assert done.returncode == 0, done.stderr
    fresh = json.loads(kept(tmp_path).read_text("utf-8"))[url]
    assert fresh["token"] != entry["token"]
    assert fresh["expires"] > time.time() + 60
    (user,) = helixnet.admin("GET", "/users?username=demo&exact=true").json()
    helixnet.admin("POST", f"/users/{user['id']}/logout")
    kept(tmp_path).write_text(json.dumps({url: fresh | {"expires": 1.0}}), "utf-8")
    done = run("jobs", "list")
    assert done.returncode == 2
    assert "helixnet login" in done.stderr


def test_where_passwords_are_taken_a_name_is_enough(helixnet: Realm, tmp_path: Path) -> None:
    """The demo realm has a client for it, so that the same commands work on both shapes."""
    identity = OidcIdentity(helixnet.issuer, password_client="helix-test")
    with served(tmp_path / "gateway", identity) as url:
        login = ("login", "--user", "chuck", "--password-stdin")
        done = command(*login, home=tmp_path, url=url, text="chuck\n")
        assert done.returncode == 0, done.stderr
        done = command(*login, home=tmp_path, url=url, text="wrong\n")
        assert done.returncode == 2
        assert "name or password is wrong" in done.stderr
