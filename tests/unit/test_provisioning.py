"""What is provisioned is there whole or not at all, and what can't be had is named."""

from pathlib import Path

import pytest
from scripts.stack import provisioning
from scripts.stack.provisioning import CannotProvisionError
from scripts.test import wants_servers


def test_a_build_that_fails_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    def fails(aside: Path) -> None:
        (aside / "half").touch()
        provisioning.run("it", ["sh", "-c", "echo no such module; exit 7"])

    def works(aside: Path) -> None:
        (aside / "whole").touch()

    target = tmp_path / "cache" / "it-1"
    with pytest.raises(CannotProvisionError, match=r"(?s)it: .*ended with 7:\nno such module"):
        provisioning.once(target, "building it", fails)
    assert not target.exists()
    provisioning.once(target, "building it", works)
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_what_is_there_is_not_built_again(tmp_path: Path) -> None:
    def never(aside: Path) -> None:
        raise AssertionError(aside)

    assert provisioning.once(tmp_path, "building it", never) == tmp_path


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without apt-get nothing is installed, so the person is told what to install."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(CannotProvisionError, match=r"kafka needs the program `mvn`.*maven"):
        provisioning.program("mvn", "kafka")


def test_the_cache_is_where_it_is_told_to_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("HELIXNET_CACHE", raising=False)
    assert provisioning.cache() == tmp_path / "xdg" / "helixnet" / "stack"
    monkeypatch.setenv("HELIXNET_CACHE", str(tmp_path / "own"))
    assert provisioning.cache() == tmp_path / "own" / "stack"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], True),
        (["tests/unit"], False),
        (["tests/unit", "tests/stack"], True),
        (["-m", "not stack"], False),
        (["-k", "word"], True),
    ],
)
def test_servers_are_provisioned_only_for_tests_that_may_need_them(
    arguments: list[str], *, wanted: bool
) -> None:
    assert wants_servers(arguments) is wanted
