"""A proxy that may read what goes to AWS, as companies have it: it opens TLS, by certificates of its own.

Without a CA bundle a proxy only passes on what it cannot read; without a proxy, whoever opens TLS has to hold
the network.
"""

from __future__ import annotations

import os

from vaultpy.endpoints import is_loopback
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_AWS = "https://sts.amazonaws.com"  # stands for all of AWS's hosts, which NO_PROXY names by their domain


class Inspection(Value):
    """What may read: the proxy's host and port, and the file of the certificates that it needs for that."""

    __slots__ = ("bundle", "proxy")
    bundle: str
    proxy: str

    def __init__(self, proxy: str, bundle: str) -> None:
        self._set(proxy=proxy, bundle=bundle)


def inspection(
    endpoint_url: str | None,
    settings: Mapping[str, str],
    environ: Mapping[str, str],
    proxy_of: Callable[[str], str | None] | None = None,
) -> Inspection | None:
    """Return what may read requests to an endpoint, or to AWS itself; None where nothing is set up to.

    `settings` are those of the profile that lends its ca_bundle. `proxy_of` returns the proxy on the way to a
    URL; unless told, as botocore finds it: in this process's environment, and in the system's settings.
    """
    bundle = environ.get("AWS_CA_BUNDLE") or settings.get("ca_bundle") or environ.get("REQUESTS_CA_BUNDLE")
    if not bundle or (endpoint_url is not None and is_loopback(endpoint_url)):
        return None
    proxy = (proxy_of or _proxy_of)(endpoint_url or _AWS)
    return Inspection(_without_password(proxy), os.path.realpath(bundle)) if proxy else None


def _proxy_of(url: str) -> str | None:
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


def _without_password(proxy: str) -> str:
    """Return what follows the user's name and password, and a scheme; nothing else of it is anybody's."""
    return proxy.rpartition("@")[2].rpartition("//")[2].partition("/")[0]
