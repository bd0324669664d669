"""Errors mean an action, decided in one place."""

import pytest

from helixnet.engine.context.model import ContextProblem, Mark
from helixnet.errors import (
    ContextError,
    NotFoundError,
    RefusedError,
    UnavailableError,
    UsageError,
)
from helixnet.ledger.leases import Lease
from helixnet.ports import Ended
from helixnet.stages.policy import EndedError, Refused, Retry, decide, failure_of

LEASE = Lease(7, 3)


@pytest.mark.parametrize(
    "error",
    [
        RefusedError("no", code="HX-5001", hint="send text"),
        UsageError("no", code="HX-5001", hint="send text"),
        NotFoundError("no", code="HX-5001", hint="send text"),
    ],
)
def test_what_a_person_must_correct_is_refused(error: Exception) -> None:
    assert decide(error) == Refused({"code": "HX-5001", "message": "no", "hint": "send text"})


def test_a_bad_context_is_refused_with_all_its_problems() -> None:
    problems = [ContextProblem(Mark("c.yaml", n, 1), f"HX-410{n}", "wrong") for n in (1, 2)]
    action = decide(ContextError(problems))
    assert isinstance(action, Refused)
    assert action.error["code"] == "HX-4101"
    assert action.error["problems"] == [str(problem) for problem in problems]


def test_what_the_world_lacks_waits_without_blame() -> None:
    failure = failure_of(UnavailableError("no room", code="HX-7004"), LEASE, 9)
    assert (failure.id, failure.epoch, failure.counted) == (7, 3, False)
    assert failure.error["code"] == "HX-7004"
    assert failure.retry_seconds > 0


def test_anything_else_ends_an_attempt_and_keeps_its_traceback() -> None:
    try:
        _ = 1 // 0
    except ZeroDivisionError as error:
        failure = failure_of(error, LEASE, 1)
    assert failure.counted
    assert "1 // 0" in str(failure.error["traceback"])
    assert failure.error["message"] == "ZeroDivisionError: integer division or modulo by zero"


def test_waits_double_up_to_a_minute() -> None:
    waits = [failure_of(ValueError("x"), LEASE, n).retry_seconds for n in range(1, 11)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_worker_that_died_counts_only_if_the_work_had_begun() -> None:
    for begun in (True, False):
        action = decide(EndedError(Ended("killed", begun=begun)))
        assert action == Retry(
            {"code": "", "message": "killed", "traceback": "killed"}, counted=begun
        )
    stalled = decide(Ended("HX-6004: no progress for 300 s", begun=True))
    assert isinstance(stalled, Retry)
    assert stalled.error["code"] == "HX-6004"


def test_where_nothing_can_be_refused_any_more_it_is_tried_again() -> None:
    assert failure_of(RefusedError("no"), LEASE, 1).counted
