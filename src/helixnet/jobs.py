"""Run and part states, and the one table of legal moves."""

from enum import StrEnum
from typing import Final


class RunState(StrEnum):
    """Where a run of a job stands; a job shows its current run."""

    PENDING = "PENDING"  # accepted, not yet split
    PROCESSING = "PROCESSING"  # all part rows exist
    COMPLETED = "COMPLETED"  # every record used or skipped
    PARTIAL = "PARTIAL"  # finished with rejects
    FAILED = "FAILED"  # refused as a whole; nothing delivered
    CANCELLED = "CANCELLED"  # ended by a person


class PartState(StrEnum):
    """Where a part of a run stands."""

    PENDING = "PENDING"  # waits for a worker
    LEASED = "LEASED"  # a worker holds it until lease_until
    DONE = "DONE"  # its output is visible
    DEAD = "DEAD"  # gave up after max_attempts


class DeliveryState(StrEnum):
    """Where a delivery of a run stands; a job's state speaks of its result only."""

    PENDING = "PENDING"
    DONE = "DONE"
    DEAD = "DEAD"


RUN_MOVES: Final[dict[RunState, frozenset[RunState]]] = {
    RunState.PENDING: frozenset({RunState.PROCESSING, RunState.FAILED, RunState.CANCELLED}),
    RunState.PROCESSING: frozenset(
        {RunState.COMPLETED, RunState.PARTIAL, RunState.FAILED, RunState.CANCELLED}
    ),
    RunState.COMPLETED: frozenset(),
    RunState.PARTIAL: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELLED: frozenset(),
}
PART_MOVES: Final[dict[PartState, frozenset[PartState]]] = {
    PartState.PENDING: frozenset({PartState.LEASED, PartState.DEAD}),
    PartState.LEASED: frozenset({PartState.DONE, PartState.DEAD, PartState.PENDING}),
    PartState.DONE: frozenset(),
    PartState.DEAD: frozenset(),
}
OPEN: Final = frozenset(state for state, moves in RUN_MOVES.items() if moves)
FINAL: Final = frozenset(RunState) - OPEN


def sources_of(state: RunState) -> tuple[RunState, ...]:
    """Return the states from which ``state`` may be reached: the WHERE of a conditional update."""
    return tuple(source for source, targets in RUN_MOVES.items() if state in targets)
