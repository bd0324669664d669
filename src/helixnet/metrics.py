"""Every metric of a server, in one table: what ``/metrics`` shows is what stands here."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0)


class MetricKind(StrEnum):
    """How a metric moves."""

    COUNTER = "counter"  # only up
    GAUGE = "gauge"  # a present value
    HISTOGRAM = "histogram"  # seconds, in the buckets above


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table; labels never hold a name that a stranger can choose freely."""

    kind: MetricKind
    doc: str
    labels: tuple[str, ...] = ()


TABLE: Final[dict[str, Metric]] = {
    "helixnet_jobs_accepted_total": Metric(
        MetricKind.COUNTER, "Files accepted, by door: rest, folder, sftp, bucket.", ("door",)
    ),
    "helixnet_runs_finished_total": Metric(
        MetricKind.COUNTER, "Runs that reached a final state.", ("state",)
    ),
    "helixnet_run_seconds": Metric(MetricKind.HISTOGRAM, "From accepted to a final state."),
    "helixnet_parts_total": Metric(
        MetricKind.COUNTER, "Part attempts that ended: done, dead, retried, lost.", ("outcome",)
    ),
    "helixnet_part_seconds": Metric(MetricKind.HISTOGRAM, "One attempt at a part."),
    "helixnet_records_total": Metric(
        MetricKind.COUNTER, "Source records: used, rejected, skipped.", ("outcome",)
    ),
    "helixnet_read_bytes_total": Metric(MetricKind.COUNTER, "Source bytes mapped."),
    "helixnet_deliveries_total": Metric(
        MetricKind.COUNTER, "Deliveries that ended: done, dead.", ("outcome",)
    ),
    "helixnet_events_published_total": Metric(
        MetricKind.COUNTER, "Events sent to the bus after their commit.", ("kind",)
    ),
    "helixnet_waiting_runs": Metric(MetricKind.GAUGE, "Accepted files that wait to be split."),
    "helixnet_unfinished_runs": Metric(
        MetricKind.GAUGE, "Runs whose parts have ended and that wait for their finish."
    ),
    "helixnet_open_parts": Metric(MetricKind.GAUGE, "Parts that are not finished.", ("state",)),
    "helixnet_dead_parts": Metric(
        MetricKind.GAUGE, "Parts given up after too many attempts, of runs that are kept."
    ),
    "helixnet_open_deliveries": Metric(
        MetricKind.GAUGE, "Deliveries: WAITING, LEASED, or DEAD and to be looked at.", ("state",)
    ),
    "helixnet_retries_waiting": Metric(
        MetricKind.GAUGE, "Runs, parts and deliveries that wait to be tried again.", ("what",)
    ),
    "helixnet_oldest_seconds": Metric(
        MetricKind.GAUGE,
        "Age of the oldest that waits: run, part, delivery, unsent event.",
        ("what",),
    ),
    "helixnet_unpublished_events": Metric(
        MetricKind.GAUGE, "Events that the bus has yet to get; always 0 without one."
    ),
    "helixnet_bus_lag": Metric(
        MetricKind.GAUGE, "Signals that this process has yet to read.", ("topic", "group")
    ),
    "helixnet_bus_up": Metric(MetricKind.GAUGE, "1 while the bus answers this process."),
    "helixnet_ledger_up": Metric(MetricKind.GAUGE, "1 while the ledger answers this process."),
    "helixnet_http_requests_total": Metric(
        MetricKind.COUNTER, "Answers of the gateway.", ("method", "route", "status")
    ),
    "helixnet_http_seconds": Metric(
        MetricKind.HISTOGRAM, "Time to the first byte of an answer.", ("route",)
    ),
    "helixnet_refused_total": Metric(
        MetricKind.COUNTER, "Requests refused for who sent them: 401, 403, tenant.", ("reason",)
    ),
    "helixnet_store_operations_total": Metric(
        MetricKind.COUNTER,
        "Requests to the object store: put, get, copy, delete, list, head.",
        ("operation",),
    ),
    "helixnet_streams": Metric(MetricKind.GAUGE, "Open event streams of the gateway."),
}


class Metrics:
    """The table made live in a registry of its own, so that two servers never share numbers."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for name, metric in TABLE.items():
            arguments = (name, metric.doc, metric.labels)
            if metric.kind is MetricKind.COUNTER:
                self._counters[name] = Counter(*arguments, registry=self._registry)
            elif metric.kind is MetricKind.GAUGE:
                self._gauges[name] = Gauge(*arguments, registry=self._registry)
            else:
                self._histograms[name] = Histogram(
                    *arguments, registry=self._registry, buckets=SECONDS
                )

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Raise a counter; a name or label that is not in the table is a KeyError or ValueError."""
        counter = self._counters[name]
        (counter.labels(**labels) if labels else counter).inc(amount)

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Add one measured time to a histogram."""
        histogram = self._histograms[name]
        (histogram.labels(**labels) if labels else histogram).observe(seconds)

    def show(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)

    def text(self) -> bytes:
        """Return all metrics in the Prometheus text format 0.0.4."""
        return generate_latest(self._registry)
