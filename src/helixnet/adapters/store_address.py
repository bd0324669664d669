"""Where a bucket is: what the setting ``store`` says, taken apart."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from helixnet.errors import UsageError

FORM: Final = "s3://host:port/bucket, or s3+http://host:port/bucket without TLS"
_SCHEMES: Final = {"s3": True, "s3+http": False}
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION: Final = "us-east-1"  # what servers without regions answer to


@dataclass(frozen=True, slots=True)
class Address:
    """One bucket of one server.

    Args:
        endpoint: host, and port where it is not the usual one.
        bucket: its name.
        secure: whether requests go over TLS.
        region: that signatures name.
    """

    endpoint: str
    bucket: str
    secure: bool
    region: str = _REGION

    def __str__(self) -> str:
        """Say it as a person would."""
        return f"bucket {self.bucket} at {self.endpoint}"


def address_of(url: str) -> Address:
    """Take the setting apart; ``?region=…`` may follow.

    Raises:
        UsageError: it is no such URL.
    """
    try:
        parts = urlsplit(url)
        endpoint, _ = parts.netloc, parts.port
    except ValueError as error:
        raise UsageError(f"store {url!r} is no URL: {error}", hint=FORM) from error
    bucket = parts.path.strip("/")
    if parts.scheme not in _SCHEMES or not parts.hostname or not _BUCKET.fullmatch(bucket):
        raise UsageError(f"store {url!r} names no host and bucket", hint=FORM)
    if "@" in endpoint:
        raise UsageError(
            "a URL is no place for keys: others see it",
            hint="the settings store_access_key and store_secret_key",
        )
    region = parse_qs(parts.query).get("region", [_REGION])[0]
    return Address(endpoint, bucket, _SCHEMES[parts.scheme], region)
