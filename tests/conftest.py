"""How hard the property tests look, and the servers that tests of the stack share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from scripts.stack.server import Server

from tests import servers

for name, examples in {"glance": 8, "quick": 60, "thorough": 500, "nightly": 10_000}.items():
    settings.register_profile(name, max_examples=examples, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

STACK_SECONDS = 600  # a server may have to be fetched and built first
FOLDER = "servers"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of the stack time for their servers."""
    for item in items:
        stack = item.get_closest_marker("stack") is not None
        if stack and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(STACK_SECONDS))


@pytest.hookimpl(trylast=True)  # after the fixtures of a run that was cut off
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the shared servers, once all workers have ended."""
    factory: pytest.TempPathFactory | None = getattr(session.config, "_tmp_path_factory", None)
    if factory is not None and "PYTEST_XDIST_WORKER" not in os.environ:
        servers.stop_below(factory.getbasetemp() / FOLDER)


@pytest.fixture(scope="session")
def server_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers of this run are: one place for all workers."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / FOLDER


@pytest.fixture(scope="session")
def kafka(server_folder: Path) -> Server:
    """A broker that other tests use too: topics and groups need names of the test's own."""
    return servers.needed(servers.a_kafka, server_folder)


@pytest.fixture(scope="session")
def minio(server_folder: Path) -> Server:
    """A store that other tests use too, whose notifications go to ``kafka``."""
    return servers.needed(servers.a_minio, server_folder)


@pytest.fixture(scope="session")
def postgres(server_folder: Path) -> Server:
    """A cluster that other tests use too: a test makes databases of its own."""
    return servers.needed(servers.a_postgres, server_folder)


@pytest.fixture(scope="session")
def keycloak(server_folder: Path) -> Server:
    """A provider that other tests use too, whose realm signs by a key that tests have."""
    return servers.needed(servers.a_keycloak, server_folder)


@pytest.fixture(scope="session")
def backing(
    server_folder: Path, kafka: Server, minio: Server, postgres: Server, keycloak: Server
) -> servers.Backing:
    """All four servers, shared by the run."""
    found = {each.name: each for each in (kafka, minio, postgres, keycloak)}
    key = (server_folder / servers.KEY).read_text("ascii")
    return servers.Backing(found, key)
