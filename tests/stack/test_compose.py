"""The compose project as the loader of `docker compose` sees it: all layers, every reference."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from scripts.stack import versions

ROOT = Path(__file__).resolve().parents[2]
LOADER = Path(__file__).resolve().parent / "compose_load"
CONSUMERS = {"ingest", "mapper", "sink"}
SERVICES = {"gateway"} | CONSUMERS
JOBS = {"topics", "database", "bucket"}
BACKING = {"kafka", "minio", "postgres", "keycloak"}
PUBLISHED = {("gateway", 8080), ("ingest", 2222), ("keycloak", 8180)}
Load = Callable[..., subprocess.CompletedProcess[str]]
pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("compose")]


def cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("HELIXNET_CACHE") or Path(home) / "helixnet") / "stack"


@pytest.fixture(scope="module")
def loader() -> Path:
    """The program of compose_load/, built once for each state of its sources."""
    sources = sorted(LOADER.glob("*"))
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    program = cache() / f"compose_load-{state}"
    if program.exists():
        return program
    if shutil.which("go") is None:
        reason = "NOT RUN: the compose project was not loaded, as Go is missing (package golang)"
        if os.environ.get("CI", "") not in ("", "0", "false"):
            pytest.fail(reason)
        pytest.skip(reason)
    program.parent.mkdir(parents=True, exist_ok=True)
    aside = program.with_suffix(f".{os.getpid()}")
    subprocess.run(
        ["go", "build", "-mod=readonly", "-o", aside, "."],
        cwd=LOADER,
        env=os.environ | {"GOFLAGS": "-buildvcs=false"},
        check=True,
    )
    aside.replace(program)
    return program


@pytest.fixture
def load(loader: Path, tmp_path: Path) -> Load:
    """Load a copy of compose/, after a change to one of its files if wanted."""
    folder = tmp_path / "compose"
    shutil.copytree(ROOT / "compose", folder, ignore=shutil.ignore_patterns("secrets"))

    def make(
        *files: str, profiles: str = "core,auth,helix", change: tuple[str, str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        if change:
            path = folder / change[0]
            text = path.read_text(encoding="utf-8")
            assert change[1] in text
            path.write_text(text.replace(change[1], change[2], 1), encoding="utf-8")
        clean = {k: v for k, v in os.environ.items() if k[:5] not in {"HELIX", "COMPO"}}
        told = {"COMPOSE_FOLDER": str(folder), "COMPOSE_LOAD_PROFILES": profiles}
        return subprocess.run(
            [loader, *(files or ("compose.yaml",))],
            cwd=folder,
            env=clean | told,
            capture_output=True,
            text=True,
            check=False,
        )

    return make


@pytest.fixture
def services(load: Load) -> dict[str, dict[str, Any]]:
    done = load()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["services"]


def test_all_layers_make_one_project(services: dict[str, dict[str, Any]]) -> None:
    """What design and documentation name is there, and nothing else."""
    assert set(services) == SERVICES | JOBS | BACKING


@pytest.mark.parametrize("profile", ["core", "auth", "helix"])
def test_each_layer_loads_by_itself(load: Load, profile: str) -> None:
    """A layer can be started, stopped and renewed without the others."""
    done = load(profiles=profile)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["services"]
    layers = {"auth": {"keycloak"}, "core": BACKING - {"keycloak"}, "helix": SERVICES | JOBS}
    assert set(found) == layers[profile]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("helix.yaml", "networks: [int_core]", "networks: [int_croe]"), "int_croe"),
        (("helix.yaml", "database: {condition", "databse: {condition"), "databse"),
        (("helix.yaml", "secrets: [store_secret_key,", "secrets: [store_secret,"), "store_secret"),
        ((".env", "HELIXNET_VERSION=", "HELIXNET_VERSIONS="), "HELIXNET_VERSION"),
    ],
)
def test_a_wrong_reference_would_be_found(
    load: Load, change: tuple[str, str, str], said: str
) -> None:
    """The load above can fail: undefined network, service and secret, missing variable."""
    done = load(change=change)
    assert done.returncode == 1
    assert said in done.stderr


def test_services_are_watched_and_restarted(services: dict[str, dict[str, Any]]) -> None:
    """Whatever runs on has a health check and comes back; what runs once tries some times."""
    for name, service in services.items():
        if name in JOBS:
            assert service["healthcheck"] == {"disable": True}
            assert service["restart"].startswith("on-failure")
        else:
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert service["restart"] == "unless-stopped"
            grace = int(service["stop_grace_period"].removesuffix("s"))
            assert grace > 25, "a stop takes up to 25 s"
        assert int(service["deploy"]["resources"]["limits"]["memory"]) <= 1 << 30, name


def test_images_are_pinned(services: dict[str, dict[str, Any]]) -> None:
    """An exact tag everywhere, in Dockerfiles too; what is ours and MinIO is built here."""
    images = {name: service["image"] for name, service in services.items()}
    for path in (ROOT / "Dockerfile", ROOT / "compose/core/minio/Dockerfile"):
        lines = path.read_text(encoding="utf-8").splitlines()
        images |= {line: line.split()[1] for line in lines if line.startswith("FROM")}
    for name, image in images.items():
        tag = image.rpartition(":")[2]
        assert sum(map(str.isdigit, tag)) >= 3, f"{name}: {image}"
    assert images["kafka"].endswith(f":{versions.KAFKA}")
    assert images["keycloak"].endswith(f":{versions.KEYCLOAK}")
    minio = (ROOT / "compose/core/minio/Dockerfile").read_text(encoding="utf-8")
    assert f"minio@{versions.MINIO}" in minio, "the same that tests and `make stack` run"
    built = {name for name, service in services.items() if "build" in service}
    assert built == SERVICES | JOBS | {"minio"}


def test_only_doors_are_open(services: dict[str, dict[str, Any]]) -> None:
    """REST, SFTP and login are published, on this machine only unless told; the rest is inside."""
    ports = {
        (name, port["target"]): port for name, s in services.items() for port in s.get("ports", [])
    }
    assert set(ports) == PUBLISHED
    assert {port["host_ip"] for port in ports.values()} == {"127.0.0.1"}
    open_to = {name for name, service in services.items() if "edge_public" in service["networks"]}
    assert open_to == {name for name, _ in PUBLISHED}
    assert all("int_core" in service["networks"] for service in services.values())


def test_the_inside_is_closed(load: Load) -> None:
    """What is on the inner network alone reaches nothing outside."""
    networks = json.loads(load().stdout)["networks"]
    assert networks["int_core"]["internal"] is True
    assert not networks["edge_public"].get("internal")


def test_ours_run_with_the_least(services: dict[str, dict[str, Any]]) -> None:
    """Another user than root, no capability, nothing to write but data and /tmp."""
    for name, service in services.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        assert not service.get("privileged")
        if name in SERVICES | JOBS:
            assert service["user"] == "10001:10001"
            assert service["read_only"] is True
            assert "cap_add" not in service


def test_no_secret_stands_in_a_file(services: dict[str, dict[str, Any]]) -> None:
    """A variable that names a password or key holds the path of a mounted secret."""
    words = ("PASSWORD", "SECRET", "TOKEN", "PRIVATE")
    for name, service in services.items():
        mounted = {f"/run/secrets/{each['source']}" for each in service.get("secrets", [])}
        for variable, value in (service.get("environment") or {}).items():
            if any(word in variable for word in words) and variable[-7:] != "_CLIENT":
                assert variable.endswith("_FILE"), f"{name}: {variable}"
                assert value in mounted, f"{name}: {variable}"
            assert "://" not in value or urlsplit(value).password is None, f"{name}: {variable}"


def test_tokens_name_one_issuer(services: dict[str, dict[str, Any]]) -> None:
    """The gateway asks the provider by the name and port that browsers use."""
    provider = services["keycloak"]["environment"]
    address = f"{provider['KC_HOSTNAME']}/realms/helixnet"
    assert services["gateway"]["environment"]["HELIXNET_IDENTITY"] == f"oidc+{address}"
    host, _, port = provider["KC_HOSTNAME"].removeprefix("http://").partition(":")
    assert services["keycloak"]["networks"]["int_core"]["aliases"] == [host]
    (published,) = services["keycloak"]["ports"]
    assert published["published"] == port == provider["KC_HTTP_PORT"]
