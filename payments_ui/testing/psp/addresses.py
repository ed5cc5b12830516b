"""The sandbox talks to this machine only: which addresses are on it."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

MAX_LENGTH = 2000


def is_loopback_host(host: str) -> bool:
    """Tell whether a host name is `localhost` or an IPv4 loopback address.

    IPv6 is left out on purpose: a content security policy cannot name such an address.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def loopback_url(url: object) -> SplitResult:
    """Return the parts of a URL on this machine; ValueError for everything else."""
    if not isinstance(url, str) or len(url) > MAX_LENGTH or not _is_plain(url):
        raise ValueError("A URL is printable ASCII text without spaces.")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or "\\" in url:
        raise ValueError("A URL begins with http:// or https:// and a host.")
    if not is_loopback_host(parts.hostname or ""):
        raise ValueError("The sandbox talks to 127.0.0.1 and localhost only.")
    _ = parts.port  # urlsplit reports a bad port only when it is asked for
    return parts


def origin(url: str) -> str:
    """Return scheme, host and port of a loopback URL."""
    parts = loopback_url(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_plain(url: str) -> bool:
    return url.isascii() and all("!" <= char <= "~" for char in url)
