"""W0 on the stack: the same load as on the peer, with what each part of the system used."""

from bench.cost import per_job, processor, store_requests
from bench.small_jobs import WARM, Rates, durations, load, percentiles, prepare
from tests.scenario.running import Person
from tests.scenario.stack import StackHelix


def parts(helix: StackHelix) -> dict[str, list[int]]:
    """List the processes by part of the system: each service and each server."""
    found = {name: [server.pid] for name, server in helix.servers.items()}
    for name, process in helix.processes.items():
        found.setdefault(name.partition("-")[0], []).append(process.pid)
    return found


def requests(helix: StackHelix) -> dict[str, float]:
    """Count the requests to the store so far."""
    minio = helix.servers["minio"]
    return store_requests(minio.address, minio.secrets["access_key"], minio.secrets["secret_key"])


def measure(helix: StackHelix, *, jobs: int, seconds: float) -> Rates:
    """Load a running stack at saturation, then at 20 a second."""
    token = prepare(helix.url)
    load(helix.port, token, jobs=WARM, seconds=1)
    before, used = requests(helix), processor(parts(helix))
    loaded = load(helix.port, token, jobs=jobs, seconds=0)
    cpu = per_job(used, processor(parts(helix)), jobs, scale=1000)
    operations = per_job(before, requests(helix), jobs)
    paced = load(helix.port, token, jobs=0, seconds=seconds).paced
    p50, p95 = percentiles(durations(Person(helix.url, "demo"), paced))
    return Rates(jobs, loaded.per_second, p50, p95, cpu=cpu, operations=operations)
