"""Settings: one table, three sources, the later wins."""

from pathlib import Path

import pytest

from helixnet.errors import UsageError
from helixnet.settings import describe, load


def test_flags_win_over_environment_over_file(tmp_path: Path) -> None:
    (tmp_path / "helixnet.toml").write_text('port = 1\nhost = "::1"\nworkers = 3\n')
    environ = {"HELIXNET_PORT": "2", "HELIXNET_WORKERS": "4", "HELIXNET_DATA": str(tmp_path)}
    loaded = load({"port": 3, "sftp_port": None}, environ)
    assert (loaded.settings.port, loaded.settings.workers, loaded.settings.host) == (3, 4, "::1")
    assert loaded.sources["port"] == "--port"
    assert loaded.sources["workers"] == "HELIXNET_WORKERS"
    assert loaded.sources["host"] == str(tmp_path / "helixnet.toml")
    assert loaded.settings.sftp_port == 2222


def test_sizes_have_units() -> None:
    assert load({}, {"HELIXNET_PART_SIZE": "64 MiB"}).settings.part_size == 64 << 20
    assert load({"part_size": "65536"}, {}).settings.part_size == 65536


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"HELIXNET_PORT": "http"}, "HELIXNET_PORT: port must be a whole number"),
        ({"HELIXNET_SFTP": "maybe"}, "true or false"),
        ({"HELIXNET_MAX_ATTEMPTS": "0"}, "at least 1"),
        ({"HELIXNET_PORT": "65536"}, "at most 65535"),
        ({"HELIXNET_TOKEN_FILE": "/nowhere/token"}, "can't read /nowhere/token"),
    ],
)
def test_a_wrong_value_names_its_source(environ: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load({}, environ)


@pytest.mark.parametrize("text", ["prot = 1", "port = ", 'data = "x"'])
def test_a_wrong_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "helixnet.toml").write_text(text)
    with pytest.raises(UsageError, match=r"helixnet\.toml"):
        load({"data": tmp_path}, {})


def test_a_secret_is_read_from_its_file_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    loaded = load({}, {"HELIXNET_TOKEN_FILE": str(tmp_path / "token")})
    assert loaded.settings.token == "s3cret"
    shown = {line.name: line for line in describe(loaded)}
    assert shown["token"].value == "********"
    assert shown["token"].source == "HELIXNET_TOKEN_FILE"
    assert shown["port"].source == "default"
    assert all(line.doc for line in shown.values())
