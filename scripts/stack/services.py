"""The four services of HelixNet, each a process beside the servers, told by its environment."""

import http.client
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from scripts.stack import postgres, provisioning, server
from scripts.stack.server import Server

NAMES: Final = ("gateway", "ingest", "mapper", "sink")
# Each may be repeated; what is there already stays.
PREPARATIONS: Final = (("topics", "apply"), ("db", "upgrade"), ("store", "apply"))
BUCKET: Final = "helix"
_STOP_SECONDS: Final = 40.0  # a stop finishes or gives back what is in hand


def environment(servers: Mapping[str, Server], folder: Path, *, role: str) -> dict[str, str]:
    """Tell a process where everything is; secrets as the paths of files."""
    store, cluster = servers["minio"], servers["postgres"]
    return {
        "HELIXNET_BUS": servers["kafka"].url,
        "HELIXNET_LEDGER": postgres.url(cluster, role=role, driver="asyncpg"),
        "HELIXNET_LEDGER_PASSWORD_FILE": _secret(folder, role, cluster.secrets[role]),
        "HELIXNET_STORE": f"s3+http://{store.address}/{BUCKET}",
        "HELIXNET_STORE_ACCESS_KEY": store.secrets["access_key"],
        "HELIXNET_STORE_SECRET_KEY_FILE": _secret(folder, "store", store.secrets["secret_key"]),
        "HELIXNET_IDENTITY": f"oidc+{servers['keycloak'].url}",
        "HELIXNET_PASSWORD_CLIENT": "helix-test",
        "HELIXNET_LOG_FORMAT": "json",
    }


def prepare(servers: Mapping[str, Server], folder: Path) -> None:
    """Make topics, tables and the bucket, as an operator does; what is there stays."""
    told = environment(servers, folder, role=postgres.OWNER)
    for words in PREPARATIONS:
        command = [sys.executable, "-m", "helixnet", *words]
        try:
            done = provisioning.run("helixnet", command, **told)
        except provisioning.CannotProvisionError as error:
            raise server.ServerError(f"`helixnet {' '.join(words)}` failed: {error}") from error
        for line in done.strip().splitlines():
            provisioning.say(f"  {line}")


def start(
    name: str, servers: Mapping[str, Server], folder: Path, ports: Mapping[str, int]
) -> Server:
    """Start one service on ``folder``; ``ports`` may hold ``sftp`` beside ``main``."""
    role = postgres.GATEWAY if name == "gateway" else postgres.OWNER
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    flags = [f"--port={ports['main']}", f"--data={own / 'data'}"]
    flags += [f"--sftp-port={ports['sftp']}"] if "sftp" in ports else ["--sftp=false"]
    bytecode = os.environ.get("PYTHONPYCACHEPREFIX")
    python = {"PYTHONPYCACHEPREFIX": bytecode} if bytecode else {}
    return server.launch(
        Server(
            name=name,
            folder=own,
            url=f"http://127.0.0.1:{ports['main']}",
            ports=ports,
            command=(sys.executable, "-m", "helixnet", "service", name, *flags),
            variables=environment(servers, folder, role=role) | python,
            stop_seconds=_STOP_SECONDS,
        )
    )


def ready(running: Server) -> bool:
    """Whether the service says so itself."""
    link = http.client.HTTPConnection("127.0.0.1", running.ports["main"], timeout=10)
    try:
        link.request("GET", "/health/ready")
        return link.getresponse().status == http.HTTPStatus.OK
    except http.client.HTTPException:
        return False
    finally:
        link.close()


for _name in NAMES:
    server.probe(_name)(ready)


def _secret(folder: Path, name: str, value: str) -> str:
    """Keep a secret in a file that only its owner reads; give the path."""
    path = folder / "secrets" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    if path.read_text("ascii") != value:
        path.write_text(value, "ascii")
    return str(path)
