"""How client commands reach a server: address and token from settings or `helixnet login`."""

import argparse
import json
import time
from pathlib import Path
from typing import Any, Final

import httpx

from helixnet import settings
from helixnet.errors import (
    ConflictError,
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
ERRORS: Final[dict[int, type[HelixNetError]]] = {
    UNAUTHORIZED: UnauthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: TooLargeError,
    503: UnavailableError,
    507: UnavailableError,
}


def kept_tokens() -> Path:
    """Name the file in which `helixnet login` keeps tokens, readable by its owner only."""
    return Path.home() / ".config" / "helixnet" / "tokens.json"


def read_tokens() -> dict[str, dict[str, Any]]:
    """Read the kept tokens by server address; a file that can't be read counts as empty."""
    try:
        return json.loads(kept_tokens().read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def keep_token(url: str, token: str, seconds: int) -> None:
    """Keep a token for ``url`` until it expires."""
    path = kept_tokens()
    path.parent.mkdir(parents=True, exist_ok=True)
    tokens = read_tokens() | {url: {"token": token, "expires": time.time() + seconds}}
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(tokens), "utf-8")


class Server:
    """A server's REST interface, with its problems raised as our errors."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url = url
        self.http = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT)

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send one request below ``/api/v1``.

        Raises:
            UnavailableError: nothing answers at the address.
            HelixNetError: the server's problem+json (RFC 9457), as the class for its status.
        """
        try:
            answer = self.http.request(method, API + path, **request)
        except httpx.TransportError as error:
            raise UnavailableError(
                f"no HelixNet answers at {self.url}: {error}",
                hint="helixnet serve, or set HELIXNET_URL",
            ) from error
        if answer.is_error:
            raise problem(answer)
        return answer

    def get(self, path: str, **params: Any) -> Any:
        """Read JSON; parameters that are None are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        return self.send("GET", path, params=given).json()

    def post(self, path: str, body: object | None = None) -> Any:
        """Send JSON and read JSON."""
        return self.send("POST", path, json=body).json()


def problem(answer: httpx.Response) -> HelixNetError:
    """Make the error that a problem+json answer stands for."""
    try:
        body: dict[str, Any] = answer.json()
    except ValueError:
        body = {}
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
    kind = ERRORS.get(answer.status_code, UsageError)
    return kind("\n".join([text, *lines]), code=str(body.get("code") or ""), hint=hint)


def connect(args: argparse.Namespace) -> Server:
    """Reach the server of the command line, settings or environment, with the token at hand."""
    known = settings.load({"url": args.url}).settings
    url = known.url.rstrip("/")
    kept = read_tokens().get(url, {})
    fresh = str(kept.get("token", "")) if kept.get("expires", 0) > time.time() else ""
    return Server(url, known.token or fresh)
