"""What a server tells of its work: one trace a job, and logs without anybody's data."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.scenario.running import Helix, Person
from tests.scenario.test_jobs import GOOD, HEADER

pytestmark = pytest.mark.scenario


class Collector(ThreadingHTTPServer):
    """Takes traces as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.spans: list[tuple[str, str]] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/traces"


class Taker(BaseHTTPRequestHandler):
    """One request of an exporter."""

    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = ExportTraceServiceRequest.FromString(self.decoded(body))
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.server.spans.append((span.trace_id.hex(), span.name))
        self.send_response(200)
        self.end_headers()

    def decoded(self, body: bytes) -> bytes:
        assert self.headers.get("Content-Encoding") is None
        return body

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_one_trace_goes_through_all_stages(
    own_helix: Callable[..., Helix], orders: dict[str, bytes], collector: Collector
) -> None:
    helix = own_helix(otlp_endpoint=collector.endpoint, workers="1", part_size="32768")
    person = Person(helix.url, "demo")
    line = "{};23.11.2026;EUR;C9;;10;A;;1;ST;1,00\n"
    several_parts = HEADER + "".join(map(line.format, range(2000)))
    for _ in range(2):
        person.wait(person.submit(several_parts.encode(), orders))
    assert helix.stop() == 0
    traces: dict[str, set[str]] = {}
    for trace, name in collector.spans:
        traces.setdefault(trace, set()).add(name)
    whole = [names for names in traces.values() if {"ingest", "map", "finish"} <= names]
    assert len(whole) == 2
    assert all(any("upload" in name for name in names) for names in whole)


def test_logs_hold_no_data_and_no_token(
    own_helix: Callable[..., Helix], orders: dict[str, bytes]
) -> None:
    """At the loudest level, in JSON, each line an object; payloads, tokens and keys stay out."""
    helix = own_helix(log_level="debug", workers="1")
    person = Person(helix.url, "demo")
    secret = "GEHEIM-4711"
    job = person.submit((HEADER + GOOD.replace("4711", secret)).encode(), orders)
    person.wait(job)
    person.upload(b"\0\1", orders)
    person.http.get("/jobs/unknown")
    assert helix.stop() == 0
    lines = helix.log.splitlines()
    told = [json.loads(line) for line in lines if not line.startswith("helixnet")]
    assert all({"event", "level", "timestamp"} <= set(line) for line in told)
    text = "\n".join(lines)
    assert secret not in text
    assert "Bär KG" not in text
    assert person.token not in text
    assert "PRIVATE KEY" not in text
