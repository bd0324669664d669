"""Traces sent by OTLP over HTTP, where somebody asked for them."""

from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def start(endpoint: str, *, name: str) -> Callable[[], None]:
    """Send this process's spans to ``endpoint``; returns what sends the last ones and ends.

    Args:
        endpoint: URL that takes OTLP over HTTP.
        name: of the service, as traces show it.
    """
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    return provider.shutdown
