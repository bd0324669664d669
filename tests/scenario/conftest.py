"""Scenarios run against a running HelixNet of each shape; they import no adapter."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.scenario.running import EmbeddedHelix, Helix, Person
from tests.scenario.stack import StackHelix
from tests.servers import Backing

SHAPES = [
    "embedded",
    pytest.param("stack", marks=[pytest.mark.stack, pytest.mark.xdist_group("stack")]),
]
Serve = Callable[..., EmbeddedHelix]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session", params=SHAPES)
def shape(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def helix(
    shape: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Helix]:
    """One server for all scenarios that leave it running."""
    folder = tmp_path_factory.mktemp("helix")
    if shape == "embedded":
        running: EmbeddedHelix | StackHelix = EmbeddedHelix(folder / "data")
    else:
        running = StackHelix(folder / "data", request.getfixturevalue("backing"))
    running.start()
    yield running
    assert running.stop() == 0
    running.forget()


@pytest.fixture(scope="session")
def own_backing(backing: Backing, server_folder: Path) -> Backing:
    """A broker and a store for stacks of a test's own, so that they share no signals."""
    folder = server_folder / "own"
    own = {"kafka": servers.a_kafka(folder), "minio": servers.a_minio(folder)}
    return Backing(backing.servers | own, backing.private_key)


@pytest.fixture
def own_helix(
    shape: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., Helix]]:
    """Make a server of one's own, with settings, to kill or to fill."""
    made: list[EmbeddedHelix | StackHelix] = []

    def make(**settings: str) -> Helix:
        data = tmp_path / f"helix-{len(made)}" / "data"
        data.mkdir(parents=True)
        if shape == "embedded":
            running: EmbeddedHelix | StackHelix = EmbeddedHelix(data, **settings)
        else:
            running = StackHelix(data, request.getfixturevalue("own_backing"), **settings)
        made.append(running)
        running.start()
        return running

    yield make
    for running in made:
        running.stop()
        running.forget()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve a data folder, by default a new one; each ends with the test."""
    made: list[EmbeddedHelix] = []

    def make(data: Path | None = None, **settings: str) -> EmbeddedHelix:
        folder = data or tmp_path / "served" / "data"
        folder.parent.mkdir(parents=True, exist_ok=True)
        made.append(EmbeddedHelix(folder, **settings))
        made[-1].start()
        return made[-1]

    yield make
    for running in made:
        running.stop()


@pytest.fixture
def demo(helix: Helix) -> Person:
    """Viewer, operator and designer of the tenant `demo`."""
    return Person(helix.url, "demo")


@pytest.fixture
def orders() -> dict[str, bytes]:
    """The files of the CSV purchase-order context, the context first."""
    return example("orders-csv")


@pytest.fixture
def idoc_orders() -> dict[str, bytes]:
    """The files of the ORDERS05 context, the context first."""
    return example("orders-idoc")


def example(name: str) -> dict[str, bytes]:
    folder = EXAMPLES / name
    names = ["context.yaml", "purchase-order.schema.json"]
    return {file: (folder / file).read_bytes() for file in names}
