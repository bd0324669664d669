"""What a load costs: processor time by part of the system, requests to the object store by kind."""

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
import psutil
from jose import jwt

TICKS = os.sysconf("SC_CLK_TCK")
REQUESTS = re.compile(r'^minio_s3_requests_total\{[^}]*api="(\w+)"[^}]*\} ([\d.e+]+)', re.MULTILINE)


def seconds_of(leader: int) -> float:
    """Sum the processor time of a process, of its descendants and of those that have ended."""
    try:
        process = psutil.Process(leader)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(_ticks(each.pid) for each in family) / TICKS


def _ticks(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return 0
    return sum(map(int, stat.rpartition(")")[2].split()[11:15]))  # own and ended children's


def processor(leaders: Mapping[str, list[int]]) -> dict[str, float]:
    """Say how many seconds each part has used so far; ``client`` is this process."""
    used = {name: sum(map(seconds_of, pids)) for name, pids in leaders.items()}
    return used | {"client": time.process_time()}


def per_job(
    before: Mapping[str, float], after: Mapping[str, float], jobs: int, *, scale: float = 1.0
) -> dict[str, float]:
    """Share the growth between two readings among the jobs; what did not grow is left out."""
    grown = {name: (value - before.get(name, 0.0)) * scale / jobs for name, value in after.items()}
    return {name: value for name, value in grown.items() if value > 0}


def store_requests(address: str, access_key: str, secret_key: str) -> dict[str, float]:
    """Read MinIO's own count of S3 requests by kind, with a token as its scrapers carry."""
    claims = {"iss": "prometheus", "sub": access_key, "exp": int(time.time()) + 600}
    answer = httpx.get(
        f"http://{address}/minio/v2/metrics/node",
        headers={"Authorization": f"Bearer {jwt.encode(claims, secret_key, 'HS512')}"},
        timeout=60,
    ).raise_for_status()
    counts: dict[str, float] = {}
    for kind, value in REQUESTS.findall(answer.text):
        counts[kind] = counts.get(kind, 0.0) + float(value)
    return counts


def words(figures: Mapping[str, float], *, digits: int = 1) -> str:
    """Write figures in one line, the largest first."""
    ordered = sorted(figures.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {value:.{digits}f}" for name, value in ordered)
