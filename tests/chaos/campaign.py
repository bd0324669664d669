"""One run of the harness: load and faults, then rest, then the judge; the sum is one line."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.chaos.books import open_work
from tests.chaos.evidence import open_evidence
from tests.chaos.load import Load, Mix, prepare
from tests.chaos.nemesis import REACH_SECONDS, Fault, Nemesis, plan
from tests.chaos.victims import Target
from tests.chaos.witness import Witness

ROOT: Final = Path(__file__).resolve().parents[2]
REST_SECONDS: Final = 1800.0  # the longest that all open work may take
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What to do.

    Args:
        folder: for log and evidence; empty at the start.
        faults: what the nemesis does; by default planned by ``seed``.
        stall: seconds without any progress after which open work counts as stuck.
        after: seconds that clients go on after the last fault.
        reach: seconds that a process has to come to its crash point.
    """

    target: Target
    folder: Path
    shape: str
    seed: int
    kills: int = 0
    mix: Mix = field(default_factory=Mix)
    faults: Iterable[Fault] | None = None
    stall: float = 90.0
    after: float = 2.0
    reach: float = REACH_SECONDS
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went.

    Args:
        line: for the file of results.
        texts: what is wrong, in words.
    """

    line: Json
    texts: list[str]

    @property
    def good(self) -> bool:
        """Whether the promise was kept."""
        return not self.texts


def run(campaign: Campaign) -> Outcome:
    """Start the target, break it, let it rest, and judge it; the target is stopped at the end."""
    begun = time.monotonic()
    witness = Witness(campaign.folder / "witness.ndjson")
    nemesis = Nemesis(campaign.target, campaign.seed, campaign.reach, lambda: witness.acknowledged)
    campaign.target.start()
    try:
        prepare(campaign.target.url)
        _rage(campaign, witness, nemesis)
        rested = _rest(campaign, nemesis)
        verdict = _judge(campaign)
    finally:
        statuses = campaign.target.stop()
        witness.close()
    texts = nemesis.troubles + verdict["texts"]
    texts += [] if rested else ["open: work did not come to rest"]
    texts += [f"{name} ended with status {s} at the end" for name, s in statuses.items() if s]
    found: Counter[str] = Counter(verdict["findings"])
    line = {
        "seed": campaign.seed,
        "shape": campaign.shape,
        "kills": nemesis.kills,
        "by_kind": dict(nemesis.ends),
        "points": dict(sorted(nemesis.points.items())),
        "acknowledged": witness.acknowledged,
        **{name: verdict[name] for name in ("jobs", "runs", "documents", "delivered")},
        **{kind: found[kind] for kind in ("lost", "doubled", "unbalanced", "dead", "open")},
        "wrong": found["wrong"] + len(nemesis.troubles),
        "leftovers": verdict["leftovers"],
        "seconds": round(time.monotonic() - begun),
        "revision": revision(),
    }
    return Outcome(line, texts)


def _rage(campaign: Campaign, witness: Witness, nemesis: Nemesis) -> None:
    """Load and faults at the same time."""
    target = campaign.target
    load = Load(target, witness, campaign.seed, campaign.mix)
    faults = campaign.faults
    if faults is None:
        faults = plan(target, kills=campaign.kills, seed=campaign.seed)
    load.start()
    try:
        for fault in faults:
            nemesis.do(fault)
            what = f"{fault.kind} {fault.point or fault.victim}"
            campaign.say(f"{nemesis.kills:4} kills, {witness.acknowledged:5} acknowledged: {what}")
            if load.failed():
                break
        time.sleep(campaign.after)
    finally:
        nemesis.wake()
        nemesis.troubles += load.end(nemesis.look)
    nemesis.look()


def _rest(campaign: Campaign, nemesis: Nemesis) -> bool:
    """Wait until nothing is open; False when nothing moves any more and something is."""
    evidence = open_evidence(campaign.target.evidence(), {})
    begun = moved = time.monotonic()
    left, mark = open_work(evidence)
    while left:
        time.sleep(0.5)
        nemesis.look()
        left, now = open_work(evidence)
        if now != mark:
            mark, moved = now, time.monotonic()
        if time.monotonic() - moved > campaign.stall or time.monotonic() - begun > REST_SECONDS:
            return False
    campaign.say(f"at rest after {time.monotonic() - begun:.1f} s")
    return True


def _judge(campaign: Campaign) -> Json:
    """Let the checker look, in a process of its own that shares nothing with this one."""
    told = campaign.folder / "evidence.json"
    told.write_text(json.dumps(campaign.target.evidence()), encoding="utf-8")
    log = campaign.folder / "witness.ndjson"
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.checker", str(log), str(told)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=1800,
    )
    assert done.returncode in {0, 1}, done.stderr[-4000:]
    assert done.stdout, done.stderr[-4000:]
    verdict: Json = json.loads(done.stdout)
    return verdict


def revision() -> str:
    """Name the code that was tried; a ``+`` means that it had changes."""
    try:
        said = [
            subprocess.run(
                ["git", *words], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
            ).stdout.strip()
            for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain"))
        ]
    except (OSError, subprocess.CalledProcessError):
        return ""
    return said[0] + ("+" if said[1] else "")


def results_file() -> Path:
    """Where each run adds its line: outside of the tree."""
    cache = os.environ.get("HELIXNET_CACHE") or Path.home() / ".cache" / "helixnet"
    return Path(os.environ.get("CHAOS_OUT") or Path(cache) / "chaos" / "results.ndjson")


def keep(outcome: Outcome, path: Path | None = None) -> None:
    """Add the run's line to the results."""
    place = path or results_file()
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("a", encoding="utf-8") as file:
        file.write(json.dumps(outcome.line) + "\n")
