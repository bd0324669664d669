"""Real servers for tests: each started once a test run, whatever the number of workers.

They live below the run's temporary folder and end with the run (see ``conftest.py``). A test that
stops or breaks a server starts one of its own.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwk
from scripts.stack import kafka, keycloak, minio, postgres, server
from scripts.stack.provisioning import CannotProvisionError, locked
from scripts.stack.server import Server

T = TypeVar("T")
CI: Final = os.environ.get("CI", "") not in ("", "0", "false")
KEY: Final = "signing-key.pem"


@dataclass
class Backing:
    """The four servers of a stack. Who restarts one puts the new one into ``servers``.

    Args:
        servers: by name: kafka, minio, postgres, keycloak.
        private_key: signs Keycloak's tokens, so that a test can sign some too.
    """

    servers: dict[str, Server]
    private_key: str

    @property
    def issuer(self) -> str:
        """The realm's URL."""
        return self.servers["keycloak"].url

    @property
    def signing_key(self) -> tuple[str, str]:
        """The private key of the realm and its id."""
        answer = httpx.get(f"{self.issuer}/protocol/openid-connect/certs", timeout=60)
        number = jwk.construct(self.private_key, "RS256").public_key().to_dict()["n"]
        modulus = number.decode() if isinstance(number, bytes) else number
        (kid,) = [key["kid"] for key in answer.json()["keys"] if key.get("n") == modulus]
        return self.private_key, kid


@contextmanager
def backing(folder: Path) -> Iterator[Backing]:
    """Run four servers on ``folder`` until the block ends, also those restarted meanwhile."""
    try:
        yield started(folder)
    finally:
        stop_below(folder)


def started(folder: Path) -> Backing:
    """Start what does not run yet on ``folder``, as many at once as can be."""
    with ThreadPoolExecutor() as pool:
        starts = {"kafka": a_kafka, "postgres": a_postgres, "keycloak": a_keycloak}
        hopes = {name: pool.submit(start, folder) for name, start in starts.items()}
        hopes["minio"] = pool.submit(a_minio, folder)
    servers = {name: hope.result() for name, hope in hopes.items()}
    return Backing(servers, (folder / KEY).read_text("ascii"))


def a_kafka(folder: Path) -> Server:
    """Have a broker on ``folder``."""
    return _shared(folder / kafka.NAME, kafka.start)


def a_postgres(folder: Path) -> Server:
    """Have a cluster on ``folder``."""
    return _shared(folder / postgres.NAME, postgres.start)


def a_minio(folder: Path) -> Server:
    """Have a store on ``folder`` that notifies the broker there."""
    broker = a_kafka(folder)
    return _shared(folder / minio.NAME, lambda own: minio.start(own, kafka=broker.address))


def a_keycloak(folder: Path) -> Server:
    """Have a provider on ``folder`` whose realm signs by a key that is kept beside it."""

    def start(own: Path) -> Server:
        path = folder / KEY
        if not path.exists():
            key = generate_private_key(public_exponent=65537, key_size=2048)
            path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        realm = keycloak.sign_with(keycloak.realm(), path.read_text("ascii"))
        return keycloak.start(own, realm=realm)

    return _shared(folder / keycloak.NAME, start)


def needed(start: Callable[[Path], Server], folder: Path) -> Server:
    """Start a server for a test, or say loudly why the test can't run here."""
    return provided(lambda: start(folder))


def provided(step: Callable[[], T]) -> T:
    """Take a step that needs a server's programs; without them the test is skipped, or fails."""
    try:
        return step()
    except CannotProvisionError as error:
        if CI:
            pytest.fail(f"not provisioned: {error}")
        pytest.skip(f"NOT RUN: {error}")


def stop_below(folder: Path) -> None:
    """End every server that was started below ``folder``."""
    for known in sorted(folder.rglob(server.FILE)):
        found = server.load(known.parent)
        if found is not None and found.running():
            found.stop()


def _shared(folder: Path, start: Callable[[Path], Server]) -> Server:
    """Start a server, or give the one that another worker started meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock"):
        found = server.load(folder)
        return found if found is not None and found.running() else start(folder)
