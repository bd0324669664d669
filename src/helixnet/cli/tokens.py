"""The tokens that `helixnet login` keeps, by server; an expired one is renewed where it can be."""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

from helixnet.cli import issuer
from helixnet.errors import UnauthenticatedError, UsageError

EARLY_SECONDS: Final = 10.0  # a token this near to its end would not survive the request
REFRESH_SECONDS: Final = 30 * 24 * 3600.0  # where the issuer does not say how long it renews


@dataclass(frozen=True, slots=True)
class Kept:
    """A token and what gets the next one.

    Args:
        token: sent with every request.
        expires: UNIX seconds.
        refresh: the refresh token (RFC 6749, 1.5), if the issuer gave one.
        renewable: UNIX seconds until which the issuer takes it.
        endpoint: the issuer's token endpoint.
        client: as which the token was got.
        secret_file: where a machine's secret is; the secret itself is never kept here.
    """

    token: str
    expires: float
    refresh: str = ""
    renewable: float = 0.0
    endpoint: str = ""
    client: str = ""
    secret_file: str = ""

    def useful(self, now: float) -> bool:
        """Whether it is good for anything still."""
        return self.expires > now or bool(self.secret_file) or self.renewable > now


def path() -> Path:
    """Name the file, which is readable by its owner only."""
    return Path.home() / ".config" / "helixnet" / "tokens.json"


def read() -> dict[str, Kept]:
    """Read what is kept by server address; a file that can't be read counts as empty."""
    try:
        found: object = json.loads(path().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    entries = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    kept: dict[str, Kept] = {}
    for url, entry in entries.items():
        try:
            kept[url] = Kept(**entry)
        except TypeError:
            continue  # of another version: log in again
    return kept


def keep(url: str, token: Kept) -> None:
    """Keep a token for ``url``; those that are good for nothing any more are dropped.

    Raises:
        UsageError: the file can't be written.
    """
    now = time.time()
    tokens = {known: kept for known, kept in (read() | {url: token}).items() if kept.useful(now)}
    file, text = path(), json.dumps({known: asdict(kept) for known, kept in tokens.items()})
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
        fresh.replace(file)
    except OSError as error:
        raise UsageError(
            f"the token can't be kept in {file}: {error.strerror}", hint="set HELIXNET_TOKEN"
        ) from error


def of_answer(
    answer: Mapping[str, Any], *, endpoint: str = "", client: str = "", secret_file: str = ""
) -> Kept:
    """Make what is kept of a token response (RFC 6749, 5.1)."""
    now, refresh = time.time(), str(answer.get("refresh_token") or "")
    lasting = float(answer.get("refresh_expires_in") or REFRESH_SECONDS)
    return Kept(
        token=str(answer["access_token"]),
        expires=now + float(answer.get("expires_in") or 0),
        refresh=refresh,
        renewable=now + lasting if refresh else 0.0,
        endpoint=endpoint,
        client=client,
        secret_file=secret_file,
    )


def source(url: str) -> Callable[[], str]:
    """Return what gives a token for each request to ``url``, renewed when it is due.

    An empty text means that there is none, and that only logging in helps.
    """
    kept = read().get(url)

    def token() -> str:
        nonlocal kept
        now = time.time()
        if kept is None or kept.expires - EARLY_SECONDS > now:
            return kept.token if kept else ""
        renewed = _renewed(kept, now)
        if renewed is not None:
            kept = renewed
            keep(url, kept)
        return kept.token if kept.expires > now else ""

    return token


def _renewed(kept: Kept, now: float) -> Kept | None:
    """Get the next token by what is kept; None when the issuer wants a new login.

    Raises:
        UsageError: the file of the secret can't be read.
        UnavailableError: the issuer does not answer.
    """
    try:
        if kept.secret_file:
            answer = issuer.by_secret(kept.endpoint, kept.client, Path(kept.secret_file))
        elif kept.renewable > now:
            answer = issuer.by_refresh(kept.endpoint, kept.client, kept.refresh)
        else:
            return None
    except UnauthenticatedError:
        return None
    known = {"endpoint": kept.endpoint, "client": kept.client, "secret_file": kept.secret_file}
    return of_answer({"refresh_token": kept.refresh} | dict(answer), **known)
