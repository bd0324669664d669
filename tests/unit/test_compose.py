"""The compose files as files: their schema, their style, and what they ask of the program."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from helixnet.cli.main import build_parser
from helixnet.runtime import require_fit
from helixnet.settings import PREFIX, load

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose"
FILES = sorted(COMPOSE.glob("*.yaml"))
LAYERS = [path for path in FILES if path.name != "compose.yaml"]
OURS = ("topics", "database", "bucket", "gateway", "ingest", "mapper", "sink")


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name(name)
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def schema_check(*files: Path) -> subprocess.CompletedProcess[str]:
    return tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *map(str, files))


def helix() -> dict[str, dict[str, Any]]:
    """The services of our own layer, anchors merged."""
    return yaml.safe_load((COMPOSE / "helix.yaml").read_text(encoding="utf-8"))["services"]


def plain(value: object) -> str:
    """A value with the defaults of its variables put in, as compose does."""
    return re.sub(r"\$\{\w+:?[-?]([^}]*)\}", r"\1", str(value))


def test_files_follow_the_compose_specification() -> None:
    """Keys and types are those of the specification, in every file."""
    done = schema_check(*FILES)
    assert done.returncode == 0, done.stdout
    assert len(FILES) == 4


@pytest.mark.parametrize(
    ("old", "new"),
    [("restart: unless-stopped", "restarts: always"), ("cap_drop: [ALL]", "cap_drop: ALL")],
)
def test_a_wrong_key_or_value_would_be_found(tmp_path: Path, old: str, new: str) -> None:
    """The check above can fail."""
    text = (COMPOSE / "core.yaml").read_text(encoding="utf-8")
    assert old in text
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert schema_check(wrong).returncode == 1


def test_files_are_tidy() -> None:
    """The same YAML rules as for examples."""
    done = tool("yamllint", "--strict", "-c", str(ROOT / ".yamllint.yaml"), str(COMPOSE))
    assert done.returncode == 0, done.stdout


def test_every_layer_is_included() -> None:
    """A layer file that nobody includes would be dead."""
    whole = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    assert sorted(whole["include"]) == [path.name for path in LAYERS]


@pytest.mark.parametrize("name", OURS)
def test_commands_are_ones_that_the_program_has(name: str) -> None:
    """What a container would run is parsed by the program itself."""
    arguments = helix()[name]["command"]
    parser = build_parser()
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit:
        pytest.fail(f"{name}: helixnet {' '.join(arguments)} is no command")
    assert parsed.command == arguments[0]


@pytest.mark.parametrize("name", OURS)
def test_variables_are_settings(name: str, tmp_path: Path) -> None:
    """Every HELIXNET_ variable is a setting, with a value that it takes; a file is a secret's."""
    written = helix()[name]["environment"].items()
    given = {key: plain(value) for key, value in written if key.startswith(PREFIX)}
    secret = tmp_path / "secret"
    secret.write_text("hidden", encoding="ascii")
    files = {key: str(secret) for key in given if key.endswith("_FILE")}
    loaded = load(environ=given | files)
    known = {PREFIX + key.upper() for key in loaded.sources}
    assert {key.removesuffix("_FILE") for key in given} == known
    assert set(files) == {source for source in loaded.sources.values() if source[-5:] == "_FILE"}
    assert loaded.settings.ledger_password == loaded.settings.store_secret_key == "hidden"
    kind, service, *_ = helix()[name]["command"]
    if kind == "service":
        require_fit(loaded.settings, frozenset({service}))


def test_the_version_is_the_project_s() -> None:
    """The tag of the image that is built is the version of what it holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (COMPOSE / ".env").read_text(encoding="utf-8").splitlines()
    assert f"HELIXNET_VERSION={project['version']}" in lines


def test_defaults_are_those_of_the_env_file() -> None:
    """A default in a layer repeats .env, for whoever starts a layer without it."""
    lines = (COMPOSE / ".env").read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    text = "".join(path.read_text(encoding="utf-8") for path in LAYERS)
    for name, default in re.findall(r"\$\{(\w+):?-([^}]*)\}", text):
        assert values[name] == default, name
    assert set(values) - set(re.findall(r"\$\{(\w+)", text)) == {"COMPOSE_PROFILES"}


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """The script makes exactly the files that the layers name, closed to others, never anew."""
    script = tmp_path / "make-secrets"
    shutil.copy2(COMPOSE / "make-secrets", script)

    def make() -> dict[Path, str]:
        subprocess.run([script], check=True, capture_output=True, umask=0)
        return {path: path.read_text(encoding="ascii") for path in script.parent.glob("secrets/*")}

    made = make()
    assert make() == made
    named = {
        secret["file"]
        for path in LAYERS
        for secret in yaml.safe_load(path.read_text(encoding="utf-8"))["secrets"].values()
    }
    assert {f"./secrets/{path.name}" for path in made} == named
    assert len(set(made.values())) == len(made)
    assert all(re.fullmatch("[0-9a-f]{48}", text) for text in made.values())
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    ignored = ["git", "check-ignore", "--quiet", "compose/secrets/ledger_password.txt"]
    if (ROOT / ".git").exists():
        assert subprocess.run(ignored, cwd=ROOT, check=False).returncode == 0
    assert os.access(COMPOSE / "make-secrets", os.X_OK)
