"""What compose tells the servers, told to real ones: their settings and first steps hold."""

import asyncio
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from miniopy_async.api import Minio
from miniopy_async.error import S3Error
from scripts.stack import kafka, minio, postgres, provisioning
from scripts.stack.server import Server, ServerError, free_ports, launch

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose"
pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


def service(name: str, layer: str = "core.yaml") -> dict[str, Any]:
    return yaml.safe_load((COMPOSE / layer).read_text(encoding="utf-8"))["services"][name]


def test_postgres_gets_its_roles_and_databases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first step of an empty database: who may connect where, and who sees all tenants."""
    keys = {"ledger_password": "l'edger", "gateway_password": "g", "keycloak_db_password": "k\\"}
    for name, value in keys.items():
        (tmp_path / name).write_text(value, encoding="ascii")
    monkeypatch.setenv("SECRETS", str(tmp_path))
    server = postgres.start(tmp_path / "postgres")
    try:
        # The test's own cluster has the first two already; compose's has none of it.
        postgres.execute(
            server, "DROP DATABASE helixnet; DROP ROLE helixnet; DROP ROLE helix_gateway;"
        )
        postgres.execute(server, (COMPOSE / "core/postgres/roles.sql").read_text("utf-8"))
        roles = postgres.execute(
            server,
            "SELECT rolname, rolbypassrls, rolsuper FROM pg_roles WHERE rolcanlogin ORDER BY 1",
        )
        assert roles.splitlines() == [
            "helix_gateway|f|f",
            "helixnet|t|f",
            "keycloak|f|f",
            "postgres|t|t",
        ]
        for role, name, where in [
            ("helixnet", "ledger_password", "helixnet"),
            ("helix_gateway", "gateway_password", "helixnet"),
            ("keycloak", "keycloak_db_password", "keycloak"),
        ]:
            theirs = replace(server, secrets={role: keys[name]})
            assert postgres.execute(theirs, "SELECT 1", role=role, database=where) == "1"
            other = "helixnet" if where == "keycloak" else "keycloak"
            with pytest.raises(ServerError, match="permission denied for database"):
                postgres.execute(theirs, "SELECT 1", role=role, database=other)
    finally:
        server.stop()


def test_kafka_starts_with_these_settings(tmp_path: Path) -> None:
    """Each KAFKA_ variable is a property of the broker, as the image makes it one."""
    given = service("kafka")["environment"]
    properties = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in given.items()
        if name.startswith("KAFKA_") and name != "KAFKA_HEAP_OPTS"
    }
    main, controller = free_ports(2)
    here = {
        "log.dirs": str(tmp_path / "log"),
        "listeners": f"PLAINTEXT://127.0.0.1:{main},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{main}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
    }
    assert here.keys() <= properties.keys()
    path = tmp_path / "server.properties"
    path.write_text("".join(f"{k}={v}\n" for k, v in (properties | here).items()), "utf-8")
    java = [provisioning.program("java", "kafka"), "-Xmx512m", "-cp", f"{kafka.provision()}/*"]
    form = ["format", "--cluster-id", given["CLUSTER_ID"], "--config", str(path)]
    subprocess.run([*java, "kafka.tools.StorageTool", *form], check=True, capture_output=True)
    server = launch(
        Server(
            name=kafka.NAME,
            folder=tmp_path,
            url=f"kafka://127.0.0.1:{main}",
            ports={"main": main},
            command=(*java, "kafka.Kafka", str(path)),
        )
    )
    log = server.log.read_text("utf-8")
    server.stop()
    effective = dict(re.findall(r"^\s+([\w.]+) = (.*)$", log, re.MULTILINE))
    for name, value in (properties | here).items():
        assert effective[name].strip("[]").replace(" ", "") == value.strip("[]"), name


def test_keycloak_gets_its_secrets_from_files(tmp_path: Path) -> None:
    """The shell before it reads each secret, passes the command on, and is replaced."""
    said = service("keycloak", "auth.yaml")
    shell, flags, script, name = said["entrypoint"]
    names = re.findall(r"/run/secrets/(\w+)", script)
    assert names == said["secrets"]
    for each in names:
        (tmp_path / each).write_text(f"the {each}\n", encoding="ascii")
    script = script.replace("$$", "$").replace("/run/secrets", str(tmp_path))
    script = script.replace("/opt/keycloak/bin/kc.sh", "/usr/bin/printenv")
    wanted = ["KC_DB_PASSWORD", "KC_BOOTSTRAP_ADMIN_PASSWORD", "HELIX_SERVICES_SECRET"]
    command = [shell, flags, script, name, *wanted]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"the {each}" for each in names]
    (tmp_path / names[0]).unlink()
    assert subprocess.run(command, env={}, capture_output=True, check=False).returncode != 0


def test_keycloak_is_asked_for_its_health(keycloak: Server) -> None:
    """The check in bash, which is all that its image has, tells up from down."""
    shell, flags, script = service("keycloak", "auth.yaml")["healthcheck"]["test"][1:]
    port = "/127.0.0.1/9000"
    assert port in script
    here = [str(keycloak.ports["management"]), str(free_ports()[0])]
    scripts = [script.replace("$$", "$").replace(port, f"/127.0.0.1/{each}") for each in here]
    up, down = (
        subprocess.run([shell, flags, each], capture_output=True, check=False) for each in scripts
    )
    assert up.returncode == 0, up.stderr
    assert down.returncode != 0


def test_the_realm_is_the_one_that_compose_names() -> None:
    """Clients and placeholders that the layers use are in the realm file that they mount."""
    values = dict(
        line.split("=", 1)
        for line in (COMPOSE / ".env").read_text(encoding="utf-8").splitlines()
        if "=" in line and line[0] != "#"
    )
    text = (COMPOSE / values["HELIX_REALM_FILE"]).read_text(encoding="utf-8")
    realm = json.loads(text)
    assert realm["realm"] == "helixnet"
    assert values["HELIX_PASSWORD_CLIENT"] in {client["clientId"] for client in realm["clients"]}
    assert "${HELIX_SERVICES_SECRET:" in text


def test_minio_starts_as_its_image_does(tmp_path: Path) -> None:
    """The image's own command line, the secret from a file, and a target for notifications."""
    lines = (COMPOSE / "core/minio/Dockerfile").read_text(encoding="utf-8").splitlines()
    said = dict(line.partition(" ")[::2] for line in lines if line)
    secret = tmp_path / "store_secret_key"
    secret.write_text("from-a-file-0123456789", encoding="ascii")
    given = service("minio")["environment"]
    assert given["MINIO_ROOT_PASSWORD_FILE"] == "/run/secrets/store_secret_key"
    (port,) = free_ports()
    replaced = {"/data": str(tmp_path / "data"), ":9000": f"127.0.0.1:{port}"}
    replaced |= {"/tmp/certs": str(tmp_path / "certs")}  # noqa: S108 - the container's own /tmp
    command = [replaced.get(word, word) for word in json.loads(said["CMD"])]
    assert set(replaced.values()) <= set(command)
    server = launch(
        Server(
            name=minio.NAME,
            folder=tmp_path,
            url=f"http://127.0.0.1:{port}",
            ports={"main": port},
            command=(str(minio.provision()), *command),
            variables=given | {"MINIO_ROOT_PASSWORD_FILE": str(secret)},
        )
    )
    try:
        assert "helixnet" in given["MINIO_ROOT_USER"]
        assert minio.ready(server)
        assert signed_in(server.address, "from-a-file-0123456789")
        assert not signed_in(server.address, "another-secret-0123456")
    finally:
        server.stop()


def signed_in(address: str, secret: str) -> bool:
    """Whether the store takes requests signed with this key."""

    async def ask() -> bool:
        client = Minio(address, access_key="helixnet", secret_key=secret, secure=False)
        try:
            await client.list_buckets()
        except S3Error as error:
            return error.code != "SignatureDoesNotMatch"
        finally:
            await client.close_session()
        return True

    return asyncio.run(ask())
