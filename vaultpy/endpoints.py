"""Where an MFA code and a signature may go without asking: AWS's own STS and IAM hosts, and loopback."""

from __future__ import annotations

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Nothing that two parsers of URLs could understand in two ways: no userinfo, backslash, blank or escape.
_PLAIN = r"(?i:https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
# The label between service and domain must be a region: `sts.s3.amazonaws.com` would be somebody's bucket.
_AWS_HOST = (
    r"(sts|iam)(-fips)?(\.([a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}|us-gov|global))?"
    r"\.(amazonaws\.(com|com\.cn|eu)|api\.aws|api\.amazonwebservices\.(com\.cn|eu)"
    # the isolated partitions, on networks of their own
    r"|c2s\.ic\.gov|api\.aws\.ic\.gov|sc2s\.sgov\.gov|api\.aws\.scloud"
    r"|cloud\.adc-e\.uk|api\.cloud-aws\.adc-e\.uk|csp\.hci\.ic\.gov|api\.aws\.hci\.ic\.gov)"
)


def is_plain(endpoint_url: str) -> bool:
    """Tell whether `endpoint_url` is just a scheme, a host and perhaps a port and a path."""
    import re

    return re.fullmatch(_PLAIN, endpoint_url) is not None


def is_loopback(endpoint_url: str) -> bool:
    """Tell whether `endpoint_url` is on this computer."""
    return is_plain(endpoint_url) and _host(endpoint_url) in _LOOPBACK


def is_trusted(endpoint_url: str) -> bool:
    """Tell whether `endpoint_url` is one of AWS's own, over TLS, or on this computer.

    The hosts are those of botocore's partitions.json. An interface endpoint of a VPC
    (`vpce-….sts.<region>.vpce.amazonaws.com`) belongs to whoever made it.
    """
    import re

    if is_loopback(endpoint_url):
        return True
    is_aws = is_plain(endpoint_url) and re.fullmatch(_AWS_HOST, _host(endpoint_url)) is not None
    return is_aws and endpoint_url[:6].lower() == "https:"


def host_of(endpoint_url: str) -> str:
    """Return what a person is asked to confirm of a plain URL: scheme, host and port, in lower case."""
    from urllib.parse import urlsplit

    parts = urlsplit(endpoint_url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _host(endpoint_url: str) -> str:
    from urllib.parse import urlsplit

    try:
        return urlsplit(endpoint_url).hostname or ""
    except ValueError:
        return ""
