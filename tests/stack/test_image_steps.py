"""The one image of all services, built step by step in an empty folder."""

import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.conftest import example
from tests.scenario.running import PATIENCE, Person, eventually, free_port
from tests.scenario.stack import StackHelix
from tests.scenario.test_jobs import GOOD, HEADER
from tests.servers import Backing
from tests.stack.image_steps import Image, build, steps

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("image")]


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """Built once; in a folder that other users may enter, as the image's user is another one."""
    folder = Path(tempfile.mkdtemp(prefix="helixnet-image-"))
    folder.chmod(0o755)
    try:
        yield build(ROOT, folder)
    finally:
        shutil.rmtree(folder)


def packages(image: Image) -> dict[str, str]:
    program = (
        "import json, re\nfrom importlib.metadata import distributions\n"
        "name = lambda found: re.sub('[-_.]+', '-', found.name).lower()\n"
        "print(json.dumps({name(found): found.version for found in distributions()}))"
    )
    status, output = image.call("python", "-c", program)
    assert status == 0, output
    return json.loads(output)


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(requirements: list[str]) -> set[str]:
    """The bare names of requirements, as lock files have them."""
    bare = (line.split(";")[0].split("[")[0].split(">")[0].strip() for line in requirements)
    return {re.sub("[-_.]+", "-", name).lower() for name in bare}


def test_it_runs_without_the_checkout(image: Image) -> None:
    """Its own user, its own files: the version it prints is the project's."""
    assert image.user.split(":")[0] not in {"0", "root"}
    assert image.entrypoint == ["helixnet"]
    wanted = project()["project"]["version"]
    assert image.call(*image.entrypoint, "--version") == (0, f"helixnet {wanted}\n")


def test_it_holds_the_locked_packages_and_no_others(image: Image) -> None:
    """The stack's packages as locked; none of those that only developers need, no installer."""
    found = packages(image)
    locked = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    versions = {(each["name"], each["version"]) for each in locked}
    assert {pair for pair in found.items() if pair not in versions} == set()
    table = project()
    optional = table["project"]["optional-dependencies"]
    wanted = names(table["project"]["dependencies"] + optional["serve"] + optional["stack"])
    assert wanted <= found.keys()
    assert names(table["dependency-groups"]["dev"]) & found.keys() == set()
    assert {"pip", "uv", "setuptools"} & found.keys() == set()


def test_its_files_belong_together(image: Image) -> None:
    """Every file of the package is in, those that are no code too, and none is a link outside."""
    (installed,) = image.root.glob("opt/helixnet/lib/python3.*/site-packages/helixnet")
    sources = ROOT / "src" / "helixnet"

    def listed(folder: Path) -> set[str]:
        files = [each for each in folder.rglob("*") if each.is_file()]
        return {str(f.relative_to(folder)) for f in files if "__pycache__" not in f.parts}

    assert listed(installed) == listed(sources)
    links = [path for path in image.root.rglob("*") if path.is_symlink()]
    broken = [str(path) for path in links if not path.exists()]
    assert broken == []
    assert not image.aside.exists()
    compiled = [each for each in installed.rglob("*.pyc") if each.stem.startswith("runtime.")]
    assert compiled, "the root is read-only in compose: modules are compiled beforehand"


def test_the_last_stage_installs_nothing() -> None:
    """No compiler, no package manager at work: it copies, and says how to start."""
    last: list[str] = []
    for instruction, _ in steps(ROOT / "Dockerfile"):
        last = [] if instruction == "FROM" else [*last, instruction]
    assert "COPY" in last
    assert "RUN" not in last
    assert last.count("USER") == last.count("HEALTHCHECK") == 1


def test_its_health_check_tells_up_from_down(image: Image) -> None:
    """Asked of a server that runs from the image, then of none."""
    port, status = str(free_port()), -1
    server = image.start(["helixnet", "serve", "--sftp-port=0"], HELIXNET_PORT=port)
    try:
        eventually(lambda: image.call("healthy", "ready", HELIXNET_PORT=port)[0] == 0)
        assert image.call(*image.health, HELIXNET_PORT=port) == (0, "")
        assert image.call("healthy", "nonsense", HELIXNET_PORT=port)[0] == 1
    finally:
        server.terminate()
        status = server.wait(PATIENCE)
        server.communicate()
    assert status == 0
    assert image.call(*image.health, HELIXNET_PORT=port)[0] == 1


@pytest.mark.stack
def test_its_services_do_a_job(image: Image, backing: Backing, tmp_path: Path) -> None:
    """All that the stack needs is in: the operator's commands, and each service at work."""
    helix = StackHelix(tmp_path / "helix" / "data", backing)
    helix.program = [str(image.inside("/opt/helixnet/bin/python")), "-P", "-m", "helixnet"]
    try:
        helix.start()
        demo = Person(helix.url, "demo")
        job = demo.submit((HEADER + GOOD).encode(), example("orders-csv"))
        assert demo.wait(job)["state"] == "COMPLETED"
    finally:
        status = helix.stop()
        helix.forget()
    assert status == 0
