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

_IN_CHINA = "cn-"
_DOMAINS = {(False, False): "amazonaws.com", (True, False): "amazonaws.com.cn"}
_DOMAINS |= {(False, True): "api.aws", (True, True): "api.amazonwebservices.com.cn"}


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
    bundle = ca_bundle(settings, environ)
    if bundle is None or (endpoint_url is not None and is_loopback(endpoint_url)):
        return None
    proxy = (proxy_of or _proxy_of)(endpoint_url or _any_of_aws(settings, environ))
    return Inspection(_without_password(proxy), os.path.realpath(bundle)) if proxy else None


def ca_bundle(settings: Mapping[str, str], environ: Mapping[str, str]) -> str | None:
    """Return the file of certificates that a profile's `settings` and the variables name; None for the usual.

    An empty name is none: some versions of botocore would take it for leave to trust every certificate.
    """
    names = environ.get("AWS_CA_BUNDLE"), settings.get("ca_bundle"), environ.get("REQUESTS_CA_BUNDLE")
    return next((name for name in names if name and name.strip()), None)


def _any_of_aws(settings: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """Return what stands for AWS's hosts, by region and stack: a NO_PROXY that names one spares no other."""
    region = settings.get("region") or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""
    dual = environ.get("AWS_USE_DUALSTACK_ENDPOINT") or settings.get("use_dualstack_endpoint") or ""
    return f"https://any.{_DOMAINS[region.startswith(_IN_CHINA), dual.lower() == 'true']}"


def _proxy_of(url: str) -> str | None:
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


def _without_password(proxy: str) -> str:
    """Return what follows the user's name and password, and a scheme; nothing else of it is anybody's."""
    return proxy.rpartition("@")[2].rpartition("//")[2].partition("/")[0]
