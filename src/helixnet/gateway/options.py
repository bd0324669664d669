"""What the gateway must be told: settings as it needs them, and the parts it works with."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final, cast

from fastapi import Depends, Request

from helixnet.gateway.accepting import Acceptor
from helixnet.gateway.auth import Verifier
from helixnet.metrics import Metrics
from helixnet.ports import Bus, IdentityProvider, Ledger, ObjectStore

ENGINE: Final = version("helixnet")
INLINE_BYTES: Final = 64 * 1024  # files up to this live in the ledger's row


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Limits and the face of the gateway.

    Args:
        scratch: folder for uploads on their way; on the store's file system, so that storing a
            file is a rename.
        hosts: the only ``Host`` names answered, and forwarded headers refused; empty = any
            (behind a proxy that checks).
        audience: the ``aud`` that tokens must carry.
        clients: the ``azp`` values that may call.
        embedded_issuer: whether this server is its own issuer and shows discovery and keys.
        password_form: whether ``POST /auth/token`` takes passwords.
        cli_client: the client as which the command line logs in at the issuer.
        web_client: the client as which the pages do.
        max_body: bytes of an upload.
        max_bundle: bytes of a context with its files.
        max_json: bytes of any other request body.
        max_streams: open event streams a tenant.
        heartbeat_seconds: silence after which an event stream says that it lives.
        metrics: whether ``/metrics`` is served.
    """

    scratch: Path
    hosts: frozenset[str] = frozenset()
    audience: str = "helix-api"
    clients: frozenset[str] = frozenset({"helix-cli", "helix-web"})
    embedded_issuer: bool = True
    password_form: bool = True
    cli_client: str = "helix-cli"
    web_client: str = "helix-web"
    max_body: int = 2 << 30
    max_bundle: int = 32 << 20
    max_json: int = 1 << 20
    max_streams: int = 64
    heartbeat_seconds: float = 15.0
    metrics: bool = True


@dataclass(frozen=True, slots=True)
class Gateway:
    """What every route may use.

    Args:
        stopping: set when the server goes down, so that endless answers end.
        streams: open event streams by tenant.
    """

    ledger: Ledger
    store: ObjectStore
    bus: Bus
    identity: IdentityProvider
    settings: GatewaySettings
    acceptor: Acceptor
    verifier: Verifier
    metrics: Metrics
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    streams: Counter[str] = field(default_factory=Counter[str])


async def _gateway(request: Request) -> Gateway:
    return cast("Gateway", request.app.state.gateway)


Services = Annotated[Gateway, Depends(_gateway)]
