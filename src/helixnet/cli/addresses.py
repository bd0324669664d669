"""Addresses of servers."""

import ipaddress
from urllib.parse import urlsplit


def loopback(url: str) -> bool:
    """Whether an http address is this machine's own, which no proxy stands before.

    Raises:
        ValueError: it is no http address.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(url)
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"
