"""What answers on a process's port: the gateway, made from parts that were picked for it."""

from typing import Final

from fastapi import FastAPI

from helixnet.assembly import Parts
from helixnet.gateway.app import create_app
from helixnet.gateway.options import GatewaySettings
from helixnet.ports import IdentityProvider

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
ANY_HOST: Final = "*"


def make_gateway(parts: Parts, identity: IdentityProvider, *, embedded_issuer: bool) -> FastAPI:
    """Make the application that people and programs talk to."""
    return create_app(
        ledger=parts.ledger,
        store=parts.store,
        bus=parts.bus,
        identity=identity,
        metrics=parts.metrics,
        settings=gateway_settings(parts, embedded_issuer=embedded_issuer),
    )


def gateway_settings(parts: Parts, *, embedded_issuer: bool) -> GatewaySettings:
    """Say how the gateway shows itself."""
    settings = parts.settings
    named = frozenset(settings.hosts.split()) or LOOPBACK | {settings.host}
    return GatewaySettings(
        scratch=parts.scratch,
        hosts=frozenset() if ANY_HOST in named else named,
        audience=settings.audience,
        clients=frozenset([*settings.clients.split(), *settings.password_client.split()]),
        embedded_issuer=embedded_issuer,
        password_form=embedded_issuer or bool(settings.password_client),
        max_body=settings.max_body,
        metrics=settings.metrics,
    )
