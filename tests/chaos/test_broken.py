"""The checker finds what it is for: builds that lack one safeguard each are caught by it.

Each patch takes one safeguard out of a copy of the source; the product has no switch for that.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.chaos.aims import AIMS
from tests.chaos.campaign import Campaign, Outcome, run
from tests.chaos.embedded import Embedded

pytestmark = pytest.mark.scenario
SOURCE = Path(__file__).resolve().parents[2] / "src"
PATCHES = Path(__file__).resolve().parent / "broken"
SEEDS = (1, 2, 3)


def broken(name: str, folder: Path) -> Path:
    """Make a copy of the source with a patch applied; returns what to put on the path."""
    copy = folder / "build"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE, copy / "src", ignore=ignored)
    patch = PATCHES / f"{name}.patch"
    done = subprocess.run(
        ["git", "apply", "--verbose", str(patch)],
        cwd=copy,
        env={"GIT_CEILING_DIRECTORIES": str(folder), "PATH": "/usr/bin:/bin:/usr/local/bin"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"{patch.name} does not apply any more:\n{done.stderr}"
    return copy / "src"


def shoot(name: str, folder: Path, seed: int, source: Path | None) -> Outcome:
    """Run one campaign aimed at what ``name`` lacks."""
    aim = AIMS[name]
    folder.mkdir()
    target = Embedded(folder, source=source, **aim.settings)
    return run(
        Campaign(
            target=target,
            folder=folder,
            shape="embedded",
            seed=seed,
            faults=aim.faults(seed),
            mix=aim.mix,
            stall=aim.stall,
            reach=60.0,
            hasty=True,
        )
    )


@pytest.mark.parametrize("name", sorted(path.stem for path in PATCHES.glob("*.patch")))
def test_every_patch_applies_and_has_an_aim(name: str, tmp_path: Path) -> None:
    """A patch that does not fit the source any more proves nothing: mend it with the source."""
    source = broken(name, tmp_path)
    changed = [
        path
        for path in source.rglob("*.py")
        if path.read_bytes() != (SOURCE / path.relative_to(source)).read_bytes()
    ]
    assert changed
    assert name in AIMS


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(AIMS))
def test_a_broken_build_is_found(name: str, tmp_path: Path) -> None:
    source = broken(name, tmp_path)
    for seed in SEEDS:
        outcome = shoot(name, tmp_path / str(seed), seed, source)
        if outcome.line[AIMS[name].shows]:
            print(f"seed {seed}: {outcome.texts[0]}")  # noqa: T201 - for whoever runs with -s
            return
    pytest.fail(f"{SEEDS} found nothing wrong with {name}")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["no-epoch", "unconditional-finish"])
def test_the_whole_build_withstands_stalls(name: str, tmp_path: Path) -> None:
    """The aims that shorten leases are fair: with every safeguard in place nothing goes wrong."""
    outcome = shoot(name, tmp_path / "whole", 1, None)
    assert outcome.texts == []
    assert outcome.line["documents"] > 0
