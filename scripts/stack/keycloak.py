"""Keycloak: who people and machines are, from its own distribution in Maven's registry."""

import functools
import http.client
import json
import os
import secrets
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from scripts.stack import provisioning, server, versions
from scripts.stack.server import Server

NAME: Final = "keycloak"
REALM_FILE: Final = Path(__file__).resolve().parents[2] / "compose/auth/realm-helixnet.json"
ADMIN: Final = "stack-admin"
# What is settled when it is built; everything else may be said at start.
_ADMIN_FILE: Final = "data/admin-password"
_BUILT: Final = ("--db=dev-file", "--health-enabled=true", "--metrics-enabled=true")


@functools.cache
def provision() -> Path:
    """Return the built installation, fetched by Maven on the first call."""
    home = provisioning.cache() / f"keycloak-{versions.KEYCLOAK}-prepared"
    provisioning.program("java", NAME)
    what = f"fetching and preparing Keycloak {versions.KEYCLOAK} (2 minutes on two cores)"
    return provisioning.once(home, what, _build)


def realm() -> dict[str, Any]:
    """Read the realm that is imported by default, to change it before a start."""
    return json.loads(REALM_FILE.read_text("utf-8"))


def sign_with(realm: dict[str, Any], private_key: str) -> dict[str, Any]:
    """Have the realm sign its tokens with a key of one's own (PEM), so that a test can too."""
    kinds = ("hmac-generated", "aes-generated", "rsa-enc-generated")
    keys: list[dict[str, Any]] = [
        {"name": kind, "providerId": kind, "config": {}} for kind in kinds
    ]
    keys[0]["config"] = {"algorithm": ["HS512"]}
    keys[2]["config"] = {"algorithm": ["RSA-OAEP"]}
    own = {"privateKey": [private_key], "algorithm": ["RS256"], "priority": ["100"]}
    keys.append({"name": "own", "providerId": "rsa", "config": own})
    components = realm.get("components", {}) | {"org.keycloak.keys.KeyProvider": keys}
    return realm | {"components": components}


def start(
    folder: Path,
    *,
    port: int = 0,
    management_port: int = 0,
    realm: dict[str, Any] | None = None,
    variables: dict[str, str] | None = None,
) -> Server:
    """Start a provider on ``folder`` and import a realm there on the first start.

    Args:
        folder: holds the users, the keys and the log.
        port: of tokens and login pages; 0 takes a free one.
        management_port: of health and metrics; the same.
        realm: what to import instead of the realm file of this repository.
        variables: values for the ``${NAME:default}`` of the realm.
    """
    built = provision()
    free = server.free_ports(2)
    ports = {"main": port or free[0], "management": management_port or free[1]}
    content = realm or json.loads(REALM_FILE.read_text("utf-8"))
    home = _home(built, folder, content)
    plan = _plan(folder, home, realm=content["realm"], ports=ports)
    return server.launch(replace(plan, variables=plan.variables | (variables or {})))


@server.probe(NAME)
def ready(running: Server) -> bool:
    """Whether the realm answers."""
    link = http.client.HTTPConnection("127.0.0.1", running.ports["main"], timeout=10)
    try:
        path = running.url.removeprefix(f"http://{running.address}")
        link.request("GET", f"{path}/.well-known/openid-configuration")
        return link.getresponse().status == http.HTTPStatus.OK
    except http.client.HTTPException:
        return False
    finally:
        link.close()


def _plan(folder: Path, home: Path, *, realm: str, ports: dict[str, int]) -> Server:
    """Describe the process of the server whose home is ``home``."""
    url = f"http://127.0.0.1:{ports['main']}"
    flags = {
        "cache": "local",
        "http-enabled": "true",
        "http-host": "127.0.0.1",
        "http-port": ports["main"],
        "http-management-host": "127.0.0.1",
        "http-management-port": ports["management"],
        "hostname": url,
    }
    told = [f"--{name}={value}" for name, value in flags.items()]
    java = {"JAVA_HOME": os.environ["JAVA_HOME"]} if "JAVA_HOME" in os.environ else {}
    # The quick compiler alone: a server of one machine is started more often than it is busy.
    java |= {
        "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx512m",
        "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1",
    }
    password = (home / _ADMIN_FILE).read_text("ascii")
    return Server(
        name=NAME,
        folder=folder,
        url=f"{url}/realms/{realm}",
        ports=ports,
        command=(str(home / "bin" / "kc.sh"), "start", "--optimized", "--import-realm", *told),
        variables=java
        | {"KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN, "KC_BOOTSTRAP_ADMIN_PASSWORD": password},
        secrets={"admin": password},
    )


def _home(built: Path, folder: Path, content: dict[str, Any]) -> Path:
    """Give the server a home of its own whose large parts are those of the built installation."""
    home = folder / "home"
    for name in ("bin", "conf", "data"):
        if not (home / name).exists():
            shutil.rmtree(home / f".{name}", ignore_errors=True)
            shutil.copytree(built / name, home / f".{name}")
            (home / f".{name}").rename(home / name)
    for name in ("lib", "providers", "themes"):
        if not (home / name).is_symlink():
            (home / name).symlink_to(built / name)
    (home / "data" / "import").mkdir(exist_ok=True)
    text = json.dumps(content, indent=1)
    (home / "data" / "import" / f"{content['realm']}-realm.json").write_text(text, "utf-8")
    return home


def _build(aside: Path) -> None:
    """Fetch the distribution, settle what is settled once, and make its database."""
    _unpack(aside)
    script = aside / "bin" / "kc.sh"
    script.chmod(0o755)
    provisioning.run(NAME, [str(script), "build", *_BUILT])
    (aside / _ADMIN_FILE).parent.mkdir(exist_ok=True)
    (aside / _ADMIN_FILE).touch(mode=0o600)
    (aside / _ADMIN_FILE).write_text(secrets.token_hex(16), "ascii")
    free = server.free_ports(2)
    ports = {"main": free[0], "management": free[1]}
    server.launch(_plan(aside, aside, realm="master", ports=ports)).stop()


def _unpack(aside: Path) -> None:
    artifact = f"org.keycloak:keycloak-quarkus-dist:{versions.KEYCLOAK}:zip"
    copy = ["dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={aside}"]
    maven = [provisioning.program("mvn", NAME), "--batch-mode", "-q", *copy]
    provisioning.run(NAME, maven)
    (packed,) = aside.glob("*.zip")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(aside)
    packed.unlink()
    (unpacked,) = (path for path in aside.iterdir() if path.is_dir())
    for path in unpacked.iterdir():
        path.rename(aside / path.name)
    unpacked.rmdir()
