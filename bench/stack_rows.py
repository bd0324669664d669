"""The stack's part of the report: W0 beside Celery in the same run, then what large loads do."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.stack.provisioning import CannotProvisionError

from bench import celery_jobs, stack_files, stack_jobs
from bench.cost import words
from bench.small_jobs import Rates
from tests.scenario.stack import StackHelix
from tests.servers import Backing, backing

Row = tuple[str, str, str, str]
MB = 1_000_000
SIZES = {
    # short: jobs, paced seconds, drops, bytes of the big file, of the killed one, of the crowd's
    True: (300, 5, 1_000, 100 * MB, 60 * MB, 4 * MB),
    False: (3_000, 20, 10_000, 2_000 * MB, 400 * MB, 200 * MB),
}
CROWD_PART = 2_000


@contextmanager
def stack(servers: Backing, folder: Path, **settings: str) -> Iterator[StackHelix]:
    """Run a stack with the product's defaults but for ``settings``."""
    helix = StackHelix(folder / "data", servers, **settings)
    try:
        helix.start()
        yield helix
    finally:
        helix.stop()
        helix.forget()


def small_jobs(ours: Rates, peer: Rates) -> list[Row]:
    """Write W0 beside the peer: throughput, latency, and where time and requests go."""
    name = "Celery + Redis + MinIO"
    return [
        (
            f"W0 on the stack at saturation, {ours.jobs} jobs",
            f"{ours.per_second:.0f} jobs/s",
            f"{name} {peer.per_second:.0f}: ratio {ours.per_second / peer.per_second:.1f}",
            "ratio ≥ 2",
        ),
        (
            "W0 on the stack at 20/s, upload to COMPLETED",
            f"p50 {ours.p50 * 1000:.0f} ms, p95 {ours.p95 * 1000:.0f} ms",
            f"{name} p50 {peer.p50 * 1000:.0f} ms, p95 {peer.p95 * 1000:.0f} ms",
            "p50 ≤ 60 ms",
        ),
        ("— ms of processor a job", words(ours.cpu), words(peer.cpu), ""),
        (
            "— requests to the store a job",
            words(ours.operations, digits=2) or "none",
            words(peer.operations, digits=2),
            "",
        ),
    ]


def large(helix: StackHelix, folder: Path, *, short: bool) -> list[Row]:
    """Measure drops, the big file and the killed mapper."""
    _, _, count, size, killed, _ = SIZES[short]
    step = count // 10
    seconds = stack_files.drops(helix, count=count, step=step)
    big = stack_files.big_file(helix, folder, size=size)
    speed = f"{big.seconds:.0f} s, {big.lines / big.seconds:,.0f} lines/s"
    memory = ", ".join(f"{peak / MB:.0f} MB" for peak in big.peaks.values())
    resumed = stack_files.resumed(helix, folder, size=killed)
    return [
        (
            f"{count:,} drops into the bucket, seconds for each {step:,}",
            " ".join(f"{each:.1f}" for each in seconds),
            "",
            "linear",
        ),
        (
            f"{big.size / MB:,.0f} MB CSV in parts, two mappers, from 201 to COMPLETED",
            f"{speed} (upload {big.accepted:.0f} s); PSS {memory}",
            "",
            "PSS ≤ 512 MB each",
        ),
        ("killed mapper: its parts are another's after", f"{resumed:.1f} s", "", "< 15 s"),
    ]


def lone(servers: Backing, folder: Path, *, short: bool) -> Row:
    """Measure one tenant's file behind another's many parts."""
    with stack(servers, folder, part_size=str(CROWD_PART)) as helix:
        many, seconds = stack_files.lone_file(helix, folder, size=SIZES[short][5])
    return (
        f"a lone file behind {many:,} parts of another tenant, to COMPLETED",
        f"{seconds:.1f} s",
        "",
        "seconds",
    )


def rows(*, short: bool) -> list[Row]:
    """Measure everything that needs Kafka, MinIO, Postgres and Keycloak."""
    jobs, seconds, *_ = SIZES[short]
    with tempfile.TemporaryDirectory(prefix="helixnet-bench-") as name:
        folder = Path(name)
        try:
            # One after the other, so that neither shares the cores with the other's servers.
            peer = celery_jobs.measure(jobs=jobs, seconds=seconds)
            with backing(folder / "servers") as servers:
                with stack(servers, folder / "one") as helix:
                    ours = stack_jobs.measure(helix, jobs=jobs, seconds=seconds)
                    table = small_jobs(ours, peer) + large(helix, folder, short=short)
                return [*table, lone(servers, folder / "two", short=short)]
        except CannotProvisionError as error:
            return [("the stack", f"NOT RUN: {error}", "", "")]
