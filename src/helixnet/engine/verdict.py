"""How a run has gone: one rule, whether a laptop, the sink or a dry run asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from helixnet.engine.context.model import Context
from helixnet.engine.outcome import Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a context's ``on_error`` allows.

    Args:
        stop_number: rejects above which the file fails; None without.
        stop_percent: the same as a share of source records, skipped ones included.
        fail_file: one reject fails the file (``scope: file``).
    """

    stop_number: int | None = None
    stop_percent: Decimal | None = None
    fail_file: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run has gone: COMPLETED, PARTIAL or FAILED; the latter with code and message."""

    state: str
    code: str = ""
    message: str = ""


def terms_of(context: Context) -> Terms:
    """Return what a context allows."""
    stop = context.stop_at
    return Terms(
        stop_number=stop.number if stop else None,
        stop_percent=stop.percent if stop else None,
        fail_file=context.fail_file,
    )


def judge(terms: Terms, counts: Counts, *, stopped: bool = False) -> Verdict:
    """Judge a run by the counts of all of its parts; ``stopped`` when mapping ended early."""
    if not stopped and not counts.balanced:
        return Verdict("FAILED", "HX-5008", f"the counts do not balance: {counts}")
    over = _over_limit(terms, counts, stopped=stopped)
    if over:
        return Verdict("FAILED", "HX-5007", over)
    if stopped:
        return Verdict("FAILED", "HX-5008", f"mapping ended early at {counts}")
    if counts.rejected and terms.fail_file:
        text = f"{counts.rejected} of {counts.records} records rejected, and `scope: file` is set"
        return Verdict("FAILED", "HX-5006", text)
    return Verdict("PARTIAL" if counts.rejected else "COMPLETED")


def unsound(wrong: Sequence[str]) -> Verdict:
    """Return the verdict on a file whose file checks fail."""
    return Verdict("FAILED", "HX-5030", "; ".join(wrong))


def _over_limit(terms: Terms, counts: Counts, *, stopped: bool) -> str:
    found = f"{counts.rejected} of {counts.records} records rejected"
    number, percent = terms.stop_number, terms.stop_percent
    if number is not None and (stopped or counts.rejected > number):
        return f"{found}, more than the {number} that `stop_at` allows"
    if percent is not None and counts.rejected * 100 > percent * counts.records:
        return f"{found}, more than the {percent} % that `stop_at` allows"
    return ""
