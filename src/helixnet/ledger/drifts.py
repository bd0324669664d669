"""Tells that a file differs from its contract, with the change of the context that it proposes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection

from helixnet.events import Event, Topic
from helixnet.ledger.json_text import pack
from helixnet.ledger.moves import Move, raise_seq, told
from helixnet.ledger.outbox import emit

CONTRACT_DRIFTED: Final = "io.helixnet.contract.drifted.v1"
MOST_BYTES: Final = 24 * 1024
"""Of the differences, and of the proposed operations: a file may have ten thousand new columns."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """A run whose file differs from its contract.

    Args:
        move: to the state that the run went to.
        policy: ``on_drift`` of the context.
        drift: each difference, in words.
        patch: operations of JSON Patch (RFC 6902) on the context; each stands by itself.
    """

    move: Move
    policy: str
    drift: Sequence[str]
    patch: Sequence[Any]


def drifted_of(move: Move, error: Mapping[str, Any]) -> Drifted:
    """Return what a refused file's error says of its drift."""
    return Drifted(move, "fail", error["drift"], error["patch"])


def tell_drift(conn: Connection, found: Sequence[Drifted]) -> None:
    """Tell of files that drifted; the rows of their jobs are locked."""
    if not found:
        return
    seqs = raise_seq(conn, [each.move.job for each in found])
    emit(conn, [_event(each, seqs[each.move.job]) for each in found])


def _event(found: Drifted, seq: int) -> Event:
    told_of, proposed = _first(found.drift), _first(found.patch)
    more = len(told_of) < len(found.drift) or len(proposed) < len(found.patch)
    body = {"on_drift": found.policy, "drift": told_of, "patch": proposed, "more": more}
    return told(CONTRACT_DRIFTED, Topic.JOBS, replace(found.move, data=body), seq)


def _first(items: Sequence[Any]) -> list[Any]:
    """Return the first items whose JSON is not too long together."""
    left, found = MOST_BYTES, list[Any]()
    for item in items:
        left -= len(pack(item).encode())
        if left < 0:
            break
        found.append(item)
    return found
