"""The pipeline as a table: which stage wakes on which topic, and what it tells."""

from dataclasses import dataclass
from typing import Final

from helixnet.events import Topic
from helixnet.jobs import RunState


@dataclass(frozen=True, slots=True)
class Step:
    """One stage's place among the topics. A lost signal costs a poll interval, never a file.

    Args:
        stage: its name, which is its consumer group's too.
        service: whose process runs it in the stack.
        wakes: topic whose events ring its bell; None where it only looks now and then.
        tells: topics that its transactions write to.
        state: the only one whose events ring it, where ``wakes`` tells of others too.
    """

    stage: str
    service: str
    wakes: Topic | None
    tells: tuple[Topic, ...]
    state: RunState | None = None


PIPELINE: Final = (
    Step(
        "ingest",
        "ingest",
        Topic.JOBS,
        (Topic.JOBS, Topic.PARTS, Topic.MAPPED),  # the last where it mapped a small file itself
        RunState.PENDING,
    ),
    Step("mapper", "mapper", Topic.PARTS, (Topic.MAPPED,)),
    Step("replay", "mapper", None, (Topic.JOBS,)),
    Step("sink", "sink", Topic.MAPPED, (Topic.JOBS, Topic.RESULTS)),
    Step("deliver", "sink", Topic.RESULTS, (Topic.JOBS,)),
)
SERVICES: Final = ("gateway", *dict.fromkeys(step.service for step in PIPELINE))
