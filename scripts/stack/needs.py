"""What of the stack can be had on this machine; one server that can't does not hurt the others."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from scripts.stack import kafka, keycloak, minio, postgres
from scripts.stack.provisioning import CannotProvisionError

PROVISIONS: Final[Mapping[str, Callable[[], Path]]] = {
    "postgres": postgres.provision,
    "kafka": kafka.provision,
    "minio": minio.provision,
    "keycloak": keycloak.provision,
}


def provision() -> list[str]:
    """Fetch and build all servers at once; return why some can't be had, a line each."""
    with ThreadPoolExecutor() as pool:
        return [line for line in pool.map(_problem, PROVISIONS) if line]


def _problem(name: str) -> str:
    try:
        PROVISIONS[name]()
    except CannotProvisionError as error:
        return f"{name}: {error}"
    return ""
