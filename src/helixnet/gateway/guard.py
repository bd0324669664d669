"""What every request passes first: host names, body limits, security headers, measures."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from helixnet.gateway.options import GatewaySettings
from helixnet.gateway.problems import TOO_LARGE, Problem
from helixnet.metrics import Metrics

UPLOADS: Final = frozenset({"/api/v1/jobs/upload", "/api/v1/contexts"})
FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")
_LINE: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
_CSP: Final = _LINE + "script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
# Swagger UI sets style elements and draws its icons from data URLs; scripts stay our own.
_CSP_DOCS: Final = (
    _LINE + "script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'"
)


class Guard:
    """ASGI middleware around the whole application.

    Args:
        app: what it protects.
        settings: allowed hosts and limits.
        metrics: takes one count and one time a request.
        issuer: another server, where pages get their tokens; empty = this one.
    """

    def __init__(
        self, app: ASGIApp, *, settings: GatewaySettings, metrics: Metrics, issuer: str
    ) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        parts = urlsplit(issuer)
        self._connect = f" {parts.scheme}://{parts.netloc}" if issuer else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with a counted body and a marked answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sender = self._marking(scope, send)
        headers = Headers(scope=scope)
        problem = self._foreign(headers) or self._announced(scope, headers)
        if problem is not None:
            await problem.response(scope["path"])(scope, receive, sender)
            return
        await self._answered(scope, self._counting(scope, receive), sender)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Turn a fault of ours into an answer; its trace goes to the log, never to the caller."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            log = structlog.stdlib.get_logger("helixnet.gateway")
            log.exception("request failed", path=scope["path"])
            if started:
                raise  # cut the answer off, so that nobody takes it for whole
            problem = Problem(500, "this is a fault of HelixNet; the server's log has it")
            await problem.response(scope["path"])(scope, receive, send)

    def _foreign(self, headers: Headers) -> Problem | None:
        """Refuse another machine's name: a page of a stranger may point its name at loopback."""
        if not self._settings.hosts:
            return None
        if any(name in headers for name in FORWARDED):
            return Problem(HTTPStatus.BAD_REQUEST, "this server is not meant to be behind a proxy")
        host = headers.get("host", "").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if name.strip("[]") in self._settings.hosts:
            return None
        return Problem(HTTPStatus.MISDIRECTED_REQUEST, "this server answers to loopback names only")

    def _announced(self, scope: Scope, headers: Headers) -> Problem | None:
        length = headers.get("content-length", "")
        limit = self._limit(scope)
        if length.isdigit() and int(length) > limit:
            return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _over(limit), TOO_LARGE)
        return None

    def _limit(self, scope: Scope) -> int:
        path = scope["path"]
        upload = path in UPLOADS or path.endswith("/rejects/fix")
        return self._settings.max_body if upload else self._settings.max_json

    def _counting(self, scope: Scope, receive: Receive) -> Receive:
        limit = self._limit(scope)
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _over(limit))
            return message

        return counted

    def _marking(self, scope: Scope, send: Send) -> Send:
        started = time.perf_counter()
        mark = _marker(scope["path"], self._connect)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                mark(MutableHeaders(scope=message))
                route = getattr(scope.get("route"), "path", "none")
                self._metrics.count(
                    "helixnet_http_requests_total",
                    method=scope["method"] if route != "none" else "any",
                    route=route,
                    status=str(message["status"]),
                )
                seconds = time.perf_counter() - started
                self._metrics.observe("helixnet_http_seconds", seconds, route=route)
            await send(message)

        return marked


def _marker(path: str, connect: str) -> Callable[[MutableHeaders], None]:
    """Make what marks an answer; ``connect-src`` is the last of a policy and takes one more."""
    policy = (_CSP_DOCS if path == "/docs" else _CSP) + connect

    def mark(headers: MutableHeaders) -> None:
        headers["Content-Security-Policy"] = policy
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers.setdefault("Cache-Control", "no-store")

    return mark


def _over(limit: int) -> str:
    return f"the body is over the limit of {limit} bytes"
