"""MinIO: the object store, built from its Go module because its images and binaries are gone."""

import functools
import http.client
import secrets
from pathlib import Path
from typing import Final

from scripts.stack import provisioning, server, versions
from scripts.stack.server import Server

NAME: Final = "minio"
TOPIC: Final = "helix.drops"
# What a bucket's notification is bound to, when the server was started with a Kafka.
NOTIFICATION: Final = "arn:minio:sqs::HELIX:kafka"


@functools.cache
def provision() -> Path:
    """Return the program, built by Go on the first call (minutes)."""
    home = provisioning.cache() / f"minio-{versions.MINIO}"
    what = f"building MinIO {versions.MINIO} from its Go module (4 minutes on two cores)"
    return provisioning.once(home, what, _build) / "minio"


def start(
    folder: Path,
    *,
    port: int = 0,
    kafka: str = "",
    keys: tuple[str, str] | None = None,
    settings: dict[str, str] | None = None,
) -> Server:
    """Start a store on ``folder``.

    Args:
        folder: holds the objects and the log.
        port: 0 takes a free one.
        kafka: host:port of the broker that notifications go to; empty sends none.
        keys: access key and secret key; by default those of the last start, or random ones.
        settings: more environment variables of MinIO.
    """
    program = provision()
    known = server.load(folder)
    access, secret = keys or _keys(known)
    port = port or server.free_ports()[0]
    (folder / "data").mkdir(parents=True, exist_ok=True)
    variables = {"MINIO_ROOT_USER": access, "MINIO_ROOT_PASSWORD": secret, "MINIO_BROWSER": "off"}
    flags = ["--address", f"127.0.0.1:{port}", "--certs-dir", str(folder / "certs"), "--quiet"]
    return server.launch(
        Server(
            name=NAME,
            folder=folder,
            url=f"http://127.0.0.1:{port}",
            ports={"main": port},
            command=(str(program), "server", str(folder / "data"), *flags),
            variables=variables | (_notify(kafka) if kafka else {}) | (settings or {}),
            secrets={"access_key": access, "secret_key": secret},
        )
    )


@server.probe(NAME)
def ready(running: Server) -> bool:
    """Whether objects can be written."""
    link = http.client.HTTPConnection("127.0.0.1", running.ports["main"], timeout=5)
    try:
        link.request("GET", "/minio/health/cluster")
        return link.getresponse().status == http.HTTPStatus.OK
    except http.client.HTTPException:
        return False
    finally:
        link.close()


def _keys(known: Server | None) -> tuple[str, str]:
    if known:
        return known.secrets["access_key"], known.secrets["secret_key"]
    return "helixnet", secrets.token_hex(16)


def _notify(kafka: str) -> dict[str, str]:
    """Name the target of notifications; no queue folder, which would delay each by seconds."""
    names = {"ENABLE": "on", "BROKERS": kafka, "TOPIC": TOPIC}
    return {f"MINIO_NOTIFY_KAFKA_{name}_HELIX": value for name, value in names.items()}


def _build(aside: Path) -> None:
    go = provisioning.program("go", NAME)
    module = f"github.com/minio/minio@{versions.MINIO}"
    provisioning.run(NAME, [go, "install", module], GOBIN=str(aside))
