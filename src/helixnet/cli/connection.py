"""How client commands reach a server: address and token from settings or `helixnet login`."""

import argparse
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast
from urllib.parse import quote

import httpx

from helixnet import settings
from helixnet.cli import tokens
from helixnet.cli.addresses import loopback
from helixnet.errors import (
    ForbiddenError,
    HelixNetError,
    NotFoundError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    UsageError,
)

API: Final = "/api/v1"
TIMEOUT: Final = 60.0
UNAUTHORIZED: Final = 401
SERVER_FAULT: Final = 500  # and above
ERRORS: Final[dict[int, type[HelixNetError]]] = {
    UNAUTHORIZED: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    413: TooLargeError,
    429: UnavailableError,
}


def segment(name: str) -> str:
    """Quote a name for use as one segment of a path (RFC 3986)."""
    return quote(name, safe="") if name not in {".", ".."} else name.replace(".", "%2E")


class Server:
    """A server's REST interface, with its problems raised as our errors."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        """Check the address; nothing is sent yet.

        Args:
            url: of the server.
            token: gives the token of each request; empty = none.

        Raises:
            UsageError: it is no http address.
        """

        def signed(request: httpx.Request) -> httpx.Request:
            if present := token():
                request.headers["Authorization"] = f"Bearer {present}"
            return request

        self.url = url
        try:
            direct = loopback(url)
            self.http = httpx.Client(
                base_url=url, auth=signed, timeout=TIMEOUT, trust_env=not direct
            )
        except (httpx.InvalidURL, ValueError, UnicodeError) as error:
            raise UsageError(
                f"{url!r} is no address of a server", hint="such as http://127.0.0.1:8080"
            ) from error

    def await_start(self, seconds: float) -> None:
        """Wait until something answers, if the server is to be on this machine.

        A server that was started a moment ago needs one; nothing is raised when none comes.
        """
        if not loopback(self.url):
            return
        end, told = time.monotonic() + seconds, False
        while time.monotonic() < end:
            try:
                self.http.get("/health/live", timeout=seconds)
            except httpx.ConnectError:
                if not told:
                    print(f"helixnet: waiting for {self.url}", file=sys.stderr)
                told = True
                time.sleep(0.2)
            except httpx.HTTPError:
                return  # the request itself will say what is wrong
            else:
                return

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send one request below ``/api/v1``.

        Raises:
            UnavailableError: nothing answers at the address, or the server has a fault.
            HelixNetError: the server's problem+json (RFC 9457), as the class for its status.
        """
        with self._reached():
            answer = self.http.request(method, API + path, **request)
        if answer.is_error:
            raise problem(answer)
        return answer

    @contextmanager
    def stream(self, path: str, **request: Any) -> Generator[Iterator[bytes]]:
        """Lend the body of an answer in blocks; errors as :meth:`send`."""
        with self._reached(), self.http.stream("GET", API + path, **request) as answer:
            if answer.is_error:
                answer.read()
                raise problem(answer)
            yield answer.iter_bytes()

    def get(self, path: str, **params: Any) -> Any:
        """Read JSON; parameters that are None are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        return self._json(self.send("GET", path, params=given))

    def post(self, path: str, body: object | None = None, **request: Any) -> Any:
        """Send JSON, or a form, and read JSON."""
        if body is not None:
            request["json"] = body
        return self._json(self.send("POST", path, **request))

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise UnavailableError(
                f"what answers at {self.url} is no HelixNet", hint="set HELIXNET_URL"
            ) from error

    @contextmanager
    def _reached(self) -> Generator[None]:
        try:
            yield
        except (httpx.TransportError, httpx.TooManyRedirects, httpx.DecodingError) as error:
            raise UnavailableError(
                f"no HelixNet answers at {self.url}: {error}",
                hint="helixnet serve, or set HELIXNET_URL",
            ) from error


def problem(answer: httpx.Response) -> HelixNetError:
    """Make the error that a problem+json answer stands for."""
    try:
        found: object = answer.json()
    except ValueError:
        found = None
    body = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    text = str(body.get("detail") or body.get("title") or f"HTTP {answer.status_code}")
    lines = [
        f"{item.get('file', '')}:{item.get('line', 0)}:{item.get('column', 0)}: "
        f"{item.get('code', '')}: {item.get('message', '')}"
        for item in body.get("errors", [])
        if "line" in item
    ]
    hint = str(body.get("hint") or "")
    if answer.status_code == UNAUTHORIZED:
        hint = "helixnet login"
    elif "tenant=NAME" in hint:  # the server speaks of its parameter; here it is an option
        hint = "--tenant NAME, or helixnet login as a user of the tenant"
    fault = answer.status_code >= SERVER_FAULT
    kind = ERRORS.get(answer.status_code, UnavailableError if fault else UsageError)
    return kind("\n".join([text, *lines]), code=str(body.get("code") or ""), hint=hint)


def connect(args: argparse.Namespace) -> Server:
    """Reach the server of the command line, settings or environment, with the token at hand."""
    known = settings.load({"url": args.url}).settings
    url = known.url.rstrip("/")
    return Server(url, (lambda: known.token) if known.token else tokens.source(url))


def connect_unknown(args: argparse.Namespace) -> Server:
    """Reach the server as nobody, to log in."""
    url = settings.load({"url": args.url}).settings.url.rstrip("/")
    return Server(url, lambda: "")
