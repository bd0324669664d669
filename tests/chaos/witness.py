"""What was asked for and what was acknowledged: an append-only log outside of the system.

Each line is on the disk before anything follows from it, so it may be held against a system that
was killed at any moment, and against the harness itself.
"""

import json
import os
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.recipes import Recipe

Json = dict[str, Any]


class Witness:
    """Writes the log; may be shared by threads."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._guard = threading.Lock()
        self.acknowledged = 0

    def intend(self, what: str, number: int, **more: object) -> None:
        """Say what will be asked for next."""
        self._write("intent", what, number, more)

    def acknowledge(self, what: str, number: int, **more: object) -> None:
        """Say that the system promised it."""
        self._write("ack", what, number, more)

    def refuse(self, what: str, number: int, **more: object) -> None:
        """Say that the system declined: nothing came of the intent."""
        self._write("refused", what, number, more)

    def _write(self, say: str, what: str, number: int, more: Json) -> None:
        line = json.dumps({"say": say, "what": what, "number": number, **more})
        with self._guard:
            os.write(self._handle, f"{line}\n".encode())
            os.fsync(self._handle)
            self.acknowledged += say == "ack" and what in {"upload", "drop"}

    def close(self) -> None:
        """Let the file go."""
        os.close(self._handle)


@dataclass(slots=True)
class Sent:
    """One file in the log.

    Args:
        job: that was answered; empty for a drop, or when no answer came.
        certain: whether it was acknowledged.
        reruns: (least, most) further runs that its job may have.
        deliver: for each acknowledged rerun what it delivers, by its run.
        cancel: whether its cancellation was asked for; and ``cancelled`` whether it was granted.
    """

    recipe: Recipe
    tenant: str
    what: str
    sha256: str
    job: str = ""
    certain: bool = False
    reruns: list[int] = field(default_factory=lambda: [0, 0])
    cancel: bool = False
    cancelled: bool = False


def said(recipe: Recipe) -> Json:
    """Write a recipe down."""
    return asdict(recipe)


def read_log(path: Path) -> dict[str, Sent]:
    """Return every file of the log by its name."""
    files: dict[int, Sent] = {}
    of_job: dict[str, Sent] = {}
    with path.open(encoding="utf-8") as lines:
        for text in lines:
            line: Json = json.loads(text)
            if line["what"] in {"upload", "drop"}:
                _file(line, files, of_job)
            else:
                _deed(line, [of_job[job] for job in line["jobs"]])
    names = {sent.recipe.name: sent for sent in files.values()}
    assert len(names) == len(files), "two files of the log have the same name"
    return names


def _file(line: Json, files: dict[int, Sent], of_job: dict[str, Sent]) -> None:
    number = line["number"]
    if line["say"] == "intent":
        recipe = Recipe(**line["recipe"])
        files[number] = Sent(recipe, line["tenant"], line["what"], line["sha256"])
    elif line["say"] == "ack":
        files[number].certain = True
        files[number].job = line.get("job", "")
        of_job[files[number].job] = files[number]


def _deed(line: Json, files: Iterable[Sent]) -> None:
    """An intent may have had its effect, an acknowledged one has, a refused one has not."""
    for sent in files:
        if line["what"] == "cancel":
            sent.cancel = sent.cancel or line["say"] == "intent"
            sent.cancelled = sent.cancelled or line["say"] == "ack"
        else:
            least, most = {"intent": (0, 1), "ack": (1, 0), "refused": (0, -1)}[line["say"]]
            sent.reruns[0] += least
            sent.reruns[1] += most


def count(files: Iterable[Sent]) -> dict[str, int]:
    """Say how many files there are of each kind."""
    found: dict[str, int] = defaultdict(int)
    for sent in files:
        found[sent.recipe.kind] += 1
    return dict(sorted(found.items()))
