"""Traces sent by OTLP over HTTP, where somebody asked for them."""

from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def start(endpoint: str) -> Callable[[], None]:
    """Send this process's spans to ``endpoint``; returns what sends the last ones and ends."""
    provider = TracerProvider(resource=Resource.create({"service.name": "helixnet"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    return provider.shutdown
