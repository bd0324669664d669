"""What travels as JSON: the answers about jobs, as pydantic models, made from ledger rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import BaseModel, Field

from helixnet.jobs import RunState
from helixnet.ledger.fixes import Child
from helixnet.ledger.queries import DeliveryRow, JobDetail, JobRow, RunRow
from helixnet.stages.outputs import results_of

SHOWN: Final = frozenset({RunState.COMPLETED, RunState.PARTIAL})  # states that have a result


class CountsModel(BaseModel):
    """Records = used + rejected + skipped; documents = written + documents_rejected."""

    records: int
    used: int
    rejected: int
    skipped: int
    documents: int
    written: int
    documents_rejected: int


class JobModel(BaseModel):
    """A job with its current run, as lists show it."""

    job_id: str
    tenant: str
    filename: str
    flow: str
    source: str = Field(description="upload, folder, bucket, sftp, rerun or child")
    submitted_by: str
    size: int = Field(description="bytes")
    sha256: str = Field(description="of the file; empty until it was read")
    seq: int = Field(description="rises with every change; the id of its events")
    run: int
    state: RunState
    context: str
    context_version: str
    context_hash: str
    counts: CountsModel
    counts_complete: bool = Field(description="false when mapping stopped early")
    created: str
    started: str | None
    finished: str | None
    parent: str
    purged: bool = Field(description="retention removed the file: it can't run again")
    results_gone: bool = Field(description="retention removed the current run's results")
    errors: list[dict[str, Any]]
    result_path: str | None = Field(description="prefix of the result's objects in the store")
    result_url: str | None
    rejects_url: str


class OutputModel(BaseModel):
    """One of several kinds of documents that a run gave."""

    name: str
    documents: int


class RunModel(BaseModel):
    """One run of a job."""

    run: int
    state: RunState
    trigger: str
    asked_by: str
    context: str
    context_version: str
    context_hash: str
    inputs: dict[str, Any]
    engine: str
    counts: CountsModel
    counts_complete: bool
    outputs: list[OutputModel] = Field(description="of a context with outputs; else empty")
    parts_total: int
    parts_done: int
    parts_dead: int
    drift: list[str] = Field(description="what differs from the contract, in words")
    patch: list[dict[str, Any]] = Field(
        description="JSON Patch (RFC 6902) of the context that would allow for it"
    )
    errors: list[dict[str, Any]]
    created: str
    started: str | None
    finished: str | None


class DeliveryModel(BaseModel):
    """One delivery of a run; it has a state of its own."""

    run: int
    topic: str
    state: str
    delivered: int
    attempts: int
    errors: list[dict[str, Any]]


class ChildModel(BaseModel):
    """A job of corrected or requeued rejects."""

    job_id: str
    parent_run: int
    corrects: int = Field(description="how many rejects of that run it has taken")
    state: RunState
    counts: CountsModel
    superseded: bool = Field(description="it failed, and other children have its records now")


class JobDetailModel(JobModel):
    """A job with its runs, the newest first, and its result when that is small."""

    result_content: str | None = Field(description="the whole result when it is at most 64 KiB")
    parent_run: int = Field(description="of a child: the run whose rejects it corrects; else 0")
    corrects: int = Field(description="of a child: how many of them; else 0")
    rejects_open: int = Field(description="rejects of the current run that no child has taken")
    children: list[ChildModel]
    runs: list[RunModel]
    deliveries: list[DeliveryModel]


class JobPage(BaseModel):
    """A page of jobs, the last accepted first; the Link header leads on."""

    jobs: list[JobModel]


class Accepted(BaseModel):
    """An upload that is durable now."""

    job_id: str
    run: int
    state: RunState
    created: bool = Field(description="false when the Idempotency-Key made it a repeat")
    job_url: str
    context: str
    context_version: str
    context_hash: str


class Begun(BaseModel):
    """A new run of a job."""

    job_id: str
    run: int
    state: RunState


def errors_of(error: dict[str, Any] | None, *, traces: bool) -> list[dict[str, Any]]:
    """Return what went wrong, for operators with its traceback."""
    if not error:
        return []
    hidden = set[str]() if traces else {"traceback"}
    return [{name: value for name, value in error.items() if name not in hidden}]


def job_fields(row: JobRow, *, traces: bool) -> dict[str, Any]:
    """Return the fields of :class:`JobModel`."""
    has_result = row.state in SHOWN and not row.results_gone
    return {
        "job_id": row.job,
        "filename": row.name,
        "context": row.context_name,
        "counts": asdict(row.counts),
        "counts_complete": not row.incomplete,
        "errors": errors_of(row.error, traces=traces),
        "result_path": f"{results_of(row.tenant, row.job, row.run)}/" if has_result else None,
        "result_url": f"/api/v1/jobs/{row.job}/result" if has_result else None,
        "rejects_url": f"/api/v1/jobs/{row.job}/rejects",
        **{name: getattr(row, name) for name in _SAME},
    }


_SAME: Final = tuple(JobModel.model_fields.keys() & set(JobRow.__slots__) - {"counts"})


def job_model(row: JobRow, *, traces: bool) -> JobModel:
    """Say one line of a list."""
    return JobModel.model_validate(job_fields(row, traces=traces))


@dataclass(frozen=True, slots=True)
class Family:
    """A job's children, and how many rejects of its current run went on in them."""

    children: Sequence[Child]
    taken: int


def detail_model(
    detail: JobDetail,
    result: str | None,
    faults: Sequence[dict[str, Any]],
    family: Family,
    *,
    traces: bool,
) -> JobDetailModel:
    """Say everything about a job; ``faults`` are those of the current run's parts."""
    runs = [_run(run, traces=traces) for run in detail.runs]
    deliveries = [_delivery(row, traces=traces) for row in detail.deliveries]
    more = {"result_content": result, "runs": runs, "deliveries": deliveries}
    more |= {
        "parent_run": detail.parent_run,
        "corrects": detail.corrects,
        "rejects_open": detail.job.counts.rejected - family.taken,
        "children": [asdict(child) | {"job_id": child.job} for child in family.children],
    }
    fields: dict[str, Any] = job_fields(detail.job, traces=traces) | more
    fields["errors"] += [error for fault in faults for error in errors_of(fault, traces=traces)]
    return JobDetailModel.model_validate(fields)


def _run(row: RunRow, *, traces: bool) -> RunModel:
    fields = asdict(row) | {
        "context": row.context_name,
        "counts_complete": not row.incomplete,
        "errors": errors_of(row.error, traces=traces),
        "drift": list(row.drift),
        "patch": list(row.patch),
        "outputs": (row.manifest or {}).get("outputs", []),
    }
    return RunModel.model_validate(fields)


def _delivery(row: DeliveryRow, *, traces: bool) -> DeliveryModel:
    return DeliveryModel.model_validate(
        asdict(row) | {"errors": errors_of(row.error, traces=traces)}
    )
