"""The face of a consumer: no routes but those by which it is watched."""

from importlib.metadata import version

from fastapi import FastAPI

from helixnet.gateway import health, problems
from helixnet.metrics import Metrics
from helixnet.ports import Bus, Ledger


def create_probes(*, ledger: Ledger, bus: Bus, metrics: Metrics, shown: bool) -> FastAPI:
    """Make the application that answers ``/health/live``, ``/health/ready`` and ``/metrics``.

    ``app.state.stopping`` is to be set when the process goes down.

    Args:
        ledger: that must answer before the process can serve.
        bus: whose lag is shown.
        metrics: of the process.
        shown: whether ``/metrics`` is served.
    """
    app = FastAPI(
        title="HelixNet",
        version=version("helixnet"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    watched = health.Watched(ledger, bus, metrics)
    app.state.watched, app.state.stopping = watched, watched.stopping
    problems.install(app)
    app.include_router(health.router)
    if shown:
        app.include_router(health.metrics_router)
    return app
