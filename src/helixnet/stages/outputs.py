"""What mapping a part wrote: small output stays in the ledger, large goes into the store."""

from pathlib import Path

from helixnet.ledger.parts import Made, Output
from helixnet.metrics import Metrics
from helixnet.ports import ObjectStore
from helixnet.stages.work import MappedPart


async def keep(store: ObjectStore, stem: str, suffix: str, made: MappedPart) -> Made:
    """Put large output into the store; the files that held it are gone afterwards.

    Args:
        store: what keeps large output.
        stem: folder of the run's results.
        suffix: end of the keys; it carries the epoch, so that no two workers write under one.
        made: what a worker process wrote.

    Raises:
        UnavailableError: the store can't be reached.
    """
    try:
        documents = await _output(store, f"{stem}/part-{suffix}.ndjson", made.documents)
        rejects = await _output(store, f"{stem}/rejects-{suffix}.ndjson", made.rejects)
    finally:
        for left in (made.documents, made.rejects):
            if isinstance(left, Path):
                left.unlink(missing_ok=True)
    return Made(
        counts=made.counts,
        documents=documents,
        documents_sha256=made.documents_sha256,
        outputs=made.outputs,
        rejects=rejects,
        samples=made.samples,
        incomplete=made.stopped,
        wrong=made.wrong,
    )


async def keep_unpacked(store: ObjectStore, key: str, plain: bytes | Path) -> Output:
    """Put what a packed file unpacks to into the store; a file that held it is gone afterwards.

    Raises:
        UnavailableError: the store can't be reached.
    """
    if isinstance(plain, bytes):
        ref = await store.put_bytes(key, plain)
        return Output(None, ref.key, ref.version, ref.size)
    try:
        return await _output(store, key, plain)
    finally:
        _remove(plain)


def results_of(tenant: str, job: str, run: int) -> str:
    """Return the folder of a run's results."""
    return f"results/{tenant}/{job}/{run}"


def part_mapped(metrics: Metrics, size: int, seconds: float, *, done: bool = True) -> None:
    """Count a part of ``size`` bytes that took ``seconds``."""
    metrics.count("helixnet_parts_total", outcome="done" if done else "retried")
    metrics.count("helixnet_read_bytes_total", size)
    metrics.observe("helixnet_part_seconds", seconds)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _output(store: ObjectStore, key: str, made: bytes | Path) -> Output:
    if isinstance(made, bytes):
        return Output(made, size=len(made))
    ref = await store.put_file(key, made)
    return Output(None, ref.key, ref.version, ref.size)
