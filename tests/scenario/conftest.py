"""Scenarios run against a running HelixNet of each shape; they import no adapter."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scenario.running import EmbeddedHelix, Helix, Person

SHAPES = {"embedded": EmbeddedHelix}
Serve = Callable[..., EmbeddedHelix]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="session", params=SHAPES)
def shape(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def helix(shape: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helix]:
    """One server for all scenarios that leave it running."""
    running = SHAPES[shape](tmp_path_factory.mktemp("helix") / "data")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def own_helix(shape: str, tmp_path: Path) -> Iterator[Callable[..., Helix]]:
    """Make a server of one's own, with settings, to kill or to fill."""
    made: list[EmbeddedHelix] = []

    def make(**settings: str) -> Helix:
        running = SHAPES[shape](tmp_path / f"helix-{len(made)}" / "data", **settings)
        running.data.mkdir(parents=True)
        made.append(running)
        running.start()
        return running

    yield make
    for running in made:
        running.stop()


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
