"""The gateway as an application: wires routes to the parts it is given, and nothing else."""

from importlib.metadata import version

from fastapi import FastAPI

from helixnet.gateway import (
    auditing,
    contexts,
    corrections,
    dead,
    flows,
    health,
    inputs,
    jobs,
    live,
    openapi,
    pages,
    problems,
    replays,
    results,
    signing_in,
    uploads,
)
from helixnet.gateway.accepting import Acceptor
from helixnet.gateway.auth import Verifier
from helixnet.gateway.guard import Guard
from helixnet.gateway.options import Gateway, GatewaySettings
from helixnet.metrics import Metrics
from helixnet.ports import Bus, IdentityProvider, Ledger, ObjectStore

_ABOUT = (
    "Business files in, validated JSON out. Log in by **Authorize**; of the demo users, which "
    "exist for trying things out only, the password is the name. Errors are "
    "`application/problem+json` (RFC 9457). Topics and events: [AsyncAPI](/asyncapi.json)."
)


def create_app(
    *,
    ledger: Ledger,
    store: ObjectStore,
    bus: Bus,
    identity: IdentityProvider,
    settings: GatewaySettings,
    metrics: Metrics | None = None,
) -> FastAPI:
    """Make the gateway.

    The caller owns every part and closes it. ``app.state.stopping`` is to be set when the server
    goes down: it ends the event streams.

    Args:
        ledger: the one source of truth.
        store: where large files are.
        bus: takes events after their commit; the embedded one is the ledger itself.
        identity: issues tokens for passwords and gives the keys.
        settings: limits and the face of the gateway.
        metrics: the process's own, when stages share it; else a new one.
    """
    measures = metrics or Metrics()
    verifier = Verifier(identity, audience=settings.audience, clients=settings.clients)
    app = FastAPI(
        title="HelixNet",
        version=version("helixnet"),
        description=_ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    gateway = Gateway(
        ledger=ledger,
        store=store,
        bus=bus,
        identity=identity,
        settings=settings,
        acceptor=Acceptor(ledger),
        verifier=verifier,
        metrics=measures,
    )
    app.state.gateway, app.state.stopping = gateway, gateway.stopping
    app.state.watched = health.Watched(ledger, bus, measures, (identity.jwks,), gateway.stopping)
    issuer = "" if settings.embedded_issuer else identity.issuer
    app.add_middleware(Guard, settings=settings, metrics=measures, issuer=issuer)
    problems.install(app)
    _include(app, settings)
    pages.mount(app)
    return app


def _include(app: FastAPI, settings: GatewaySettings) -> None:
    """Add the routes, in the order in which the documentation shows them."""
    app.include_router(signing_in.router)
    if settings.embedded_issuer:
        app.include_router(signing_in.issuer_router)
    for routes in (
        uploads,
        jobs,
        results,
        corrections,
        live,
        replays,
        contexts,
        flows,
        inputs,
        dead,
        auditing,
        health,
        openapi,
    ):
        app.include_router(routes.router)
    if settings.metrics:
        app.include_router(health.metrics_router)
