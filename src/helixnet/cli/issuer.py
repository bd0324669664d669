"""Tokens from an identity provider: by device flow, by a machine's secret, by refresh token."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

import httpx

from helixnet.cli.addresses import loopback
from helixnet.errors import UnauthenticatedError, UnavailableError, UsageError

TIMEOUT: Final = 30.0
INTERVAL: Final = 5.0  # seconds between two questions, where the provider names none
SLOWER: Final = 5.0  # RFC 8628, 3.5
DEVICE_SECONDS: Final = 600.0
_DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_SERVER_FAULT: Final = 500  # and above


@dataclass(frozen=True, slots=True)
class Device:
    """A login that a person finishes in a browser, on whatever machine (RFC 8628, 3.2)."""

    code: str
    user_code: str
    address: str
    complete_address: str
    interval: float
    seconds: float
    verifier: str


def by_secret(endpoint: str, client: str, secret_file: Path) -> Mapping[str, Any]:
    """Get a token for a machine by client credentials (RFC 6749, 4.4).

    Raises:
        UsageError: the file can't be read or is empty.
        UnauthenticatedError: the provider refuses client or secret.
        UnavailableError: it does not answer.
    """
    try:
        secret = secret_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise UsageError(f"the secret can't be read from {secret_file}: {reason}") from error
    if not secret:
        raise UsageError(f"there is no secret in {secret_file}")
    answer = _ask(endpoint, {"grant_type": "client_credentials"}, client=client, secret=secret)
    return _granted(endpoint, answer)


def by_refresh(endpoint: str, client: str, refresh: str) -> Mapping[str, Any]:
    """Get the next token by a refresh token (RFC 6749, 6); errors as :func:`by_secret`."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": client}
    return _granted(endpoint, _ask(endpoint, form))


def begin_device(endpoint: str, client: str) -> Device:
    """Ask for a code that a person enters in a browser; errors as :func:`by_secret`."""
    verifier = secrets.token_urlsafe(48)
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    form = {
        "client_id": client,
        "scope": "openid",
        "code_challenge": digest.rstrip(b"=").decode(),  # RFC 7636; some providers insist on it
        "code_challenge_method": "S256",
    }
    answer = _ask(endpoint, form)
    if "error" in answer or "device_code" not in answer:
        raise _refused(endpoint, answer)
    return Device(
        code=str(answer["device_code"]),
        user_code=str(answer.get("user_code", "")),
        address=str(answer.get("verification_uri", "")),
        complete_address=str(answer.get("verification_uri_complete", "")),
        interval=float(answer.get("interval") or INTERVAL),
        seconds=float(answer.get("expires_in") or DEVICE_SECONDS),
        verifier=verifier,
    )


def await_device(
    endpoint: str,
    client: str,
    device: Device,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Mapping[str, Any]:
    """Ask until the person has logged in.

    Raises:
        UnauthenticatedError: the person said no, or did nothing in time.
    """
    form = {
        "grant_type": _DEVICE_GRANT,
        "client_id": client,
        "device_code": device.code,
        "code_verifier": device.verifier,
    }
    end, interval = clock() + device.seconds, device.interval
    while clock() + interval < end:
        sleep(interval)
        try:
            answer = _ask(endpoint, form)
        except UnavailableError:
            interval *= 2  # RFC 8628, 3.5: back off; the person may be logging in all the same
            continue
        match answer.get("error"):
            case "authorization_pending":
                continue
            case "slow_down":
                interval += SLOWER
            case "expired_token":
                break
            case _:
                return _granted(endpoint, answer)
    raise UnauthenticatedError("nobody logged in while the code was good", hint="helixnet login")


def _granted(endpoint: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    if "error" in answer or "access_token" not in answer:
        raise _refused(endpoint, answer)
    return answer


def _refused(endpoint: str, answer: Mapping[str, Any]) -> UnauthenticatedError:
    said = ": ".join(str(answer[k]) for k in ("error", "error_description") if answer.get(k))
    return UnauthenticatedError(
        f"{urlsplit(endpoint).netloc} gives no token: {said or 'not an answer of OAuth 2.0'}"
    )


def _ask(
    address: str, form: Mapping[str, str], *, client: str = "", secret: str = ""
) -> Mapping[str, Any]:
    """Post a form and return the answer, which may be an ``error`` (RFC 6749, 5.2)."""
    known = (quote(client, safe=""), quote(secret, safe=""))
    who = known if secret else httpx.USE_CLIENT_DEFAULT
    try:
        direct = loopback(address)
        with httpx.Client(timeout=TIMEOUT, trust_env=not direct) as http:
            answer = http.post(address, data=dict(form), auth=who)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise UnavailableError(
            f"the identity provider at {address} does not answer: {error}", hint="try again"
        ) from error
    if answer.status_code >= _SERVER_FAULT:
        raise UnavailableError(f"the identity provider at {address} has a fault")
    try:
        found: object = answer.json()
    except ValueError:
        found = None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
