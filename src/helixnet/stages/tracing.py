"""One trace a job: what a stage does hangs under the span that accepted the file."""

from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from typing import Final, Protocol

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_HEADER: Final = "traceparent"


class Traced(Protocol):
    """Work that belongs to a job's trace."""

    @property
    def job(self) -> str:
        """Id of the job."""
        ...

    @property
    def traceparent(self) -> str:
        """W3C trace context, or empty."""
        ...


@contextmanager
def spans(name: str, batch: Iterable[Traced]) -> Generator[None]:
    """Open one span for each item of a batch, each in the trace of its job."""
    tracer = trace.get_tracer("helixnet")
    with ExitStack() as stack:
        for item in batch:
            above = _PROPAGATOR.extract({_HEADER: item.traceparent}) if item.traceparent else None
            span = tracer.start_span(name, above, attributes={"helixnet.job": item.job})
            stack.callback(span.end)
        yield


def begin(name: str) -> str:
    """Start the trace of a new job; returns its context, empty when nobody traces."""
    carrier: dict[str, str] = {}
    with trace.get_tracer("helixnet").start_as_current_span(name):
        _PROPAGATOR.inject(carrier)
    return carrier.get(_HEADER, "")
