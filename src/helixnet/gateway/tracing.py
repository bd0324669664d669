"""The trace of a request goes on in the job that it makes (W3C Trace Context)."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import propagate, trace

_TRACER: Final = trace.get_tracer("helixnet.gateway")


@contextmanager
def traced(name: str, headers: Mapping[str, str]) -> Generator[str]:
    """Open a span that goes on from a caller's ``traceparent``; yield the one to hand on.

    Without a tracing setup it yields the caller's own, or nothing.
    """
    with _TRACER.start_as_current_span(
        name, context=propagate.extract(headers), kind=trace.SpanKind.SERVER
    ):
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        yield carrier.get("traceparent", "")
