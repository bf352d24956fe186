"""Where an MFA code and a signature may go without asking: AWS's own STS and IAM hosts, and loopback."""

from __future__ import annotations

_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")
_SERVICES = ("sts", "sts-fips", "iam", "iam-fips")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_trusted(endpoint_url: str) -> bool:
    """Tell whether `endpoint_url` is one of AWS's own, over TLS, or on this computer.

    An interface endpoint of a VPC (`vpce-….sts.<region>.vpce.amazonaws.com`) belongs to whoever made it.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(endpoint_url)
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    if host in _LOOPBACK:
        return True
    return parts.scheme == "https" and host.endswith(_SUFFIXES) and host.partition(".")[0] in _SERVICES


def host_of(endpoint_url: str) -> str:
    """Return what a person is asked to confirm: scheme, host and port."""
    from urllib.parse import urlsplit

    parts = urlsplit(endpoint_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
