"""Twenty kills under load: nothing lost, nothing doubled, every count balanced."""

import random
import sys
from pathlib import Path

import pytest

from helixnet.crashpoints import POINTS
from tests.chaos.aims import at_points
from tests.chaos.campaign import Campaign, run
from tests.chaos.embedded import PUBLISHER
from tests.chaos.shapes import make_target

pytestmark = pytest.mark.scenario
KILLS = 20


def say(text: str) -> None:
    """Show the way to whoever reads the output of a failure."""
    sys.stdout.write(f"{text}\n")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shape", ["embedded", pytest.param("stack", marks=pytest.mark.stack)])
def test_nothing_is_lost_or_doubled(shape: str, tmp_path: Path) -> None:
    seed = random.randrange(1 << 31)  # noqa: S311 - no secret
    say(f"seed {seed}")
    outcome = run(
        Campaign(
            target=make_target(shape, tmp_path),
            folder=tmp_path,
            shape=shape,
            seed=seed,
            kills=KILLS,
            say=say,
        )
    )
    assert outcome.texts == []
    assert outcome.line["kills"] >= KILLS
    assert outcome.line["acknowledged"] >= KILLS
    assert outcome.line["jobs"] >= outcome.line["acknowledged"]
    assert outcome.line["delivered"] > 0


@pytest.mark.timeout(1800)
def test_every_crash_point_is_reached_and_survived(tmp_path: Path) -> None:
    """The table of points is a table of places that files really pass."""
    points = sorted(set(POINTS) - {PUBLISHER})  # test_publisher_point.py has that one
    outcome = run(
        Campaign(
            target=make_target("embedded", tmp_path),
            folder=tmp_path,
            shape="embedded",
            seed=1,
            faults=at_points(points),
            reach=120.0,
            say=say,
        )
    )
    assert outcome.texts == []
    assert sorted(outcome.line["points"]) == points
