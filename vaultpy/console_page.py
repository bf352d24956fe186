"""The page of AWS's console to begin with, and the sign-in that leads there, in each partition."""

from __future__ import annotations

from vaultpy import errors
from vaultpy.endpoints import is_loopback
from vaultpy.regions import check_region
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.plan import Plan

_ENDPOINT_VARIABLE = "VAULTPY_SIGNIN_ENDPOINT"
_HOME = "console/home"
# How a partition's regions begin, the domain of its sign-in and console, and whether sign-in is regional
# there (botocore: data/signin). The last one is everything else's.
_SITES = (
    ("cn-", "amazonaws.cn", False),
    ("us-gov-", "amazonaws-us-gov.com", False),
    ("eusc-", "amazonaws-eusc.eu", True),
    ("us-iso-", "c2shome.ic.gov", True),
    ("us-isob-", "sc2shome.sgov.gov", True),
    ("eu-isoe-", "csphome.adc-e.uk", True),
    ("us-isof-", "csphome.hci.ic.gov", True),
    ("", "aws.amazon.com", False),
)


class Page(Value):
    """A page of the console, and the endpoint that leads there."""

    __slots__ = ("destination", "endpoint")
    destination: str
    endpoint: str

    def __init__(self, destination: str, endpoint: str) -> None:
        self._set(destination=destination, endpoint=endpoint)


def page_of(plan: Plan, options: Mapping[str, str], environ: Mapping[str, str]) -> Page:
    """Return the page that `--service` or `--path` names, in the partition of the plan and its region.

    A region of another partition, as the environment may have one, gives way to the plan's. Raises
    UsageError, RegionUnknown and BadVariable.
    """
    begin, domain, is_regional = _site(plan.region)
    region = options.get("--region") or plan.child_region(environ) or plan.region
    try:
        check_region(region)
    except errors.RegionUnknown:
        if not options.get("--region"):
            raise
        raise _usage(f"--region {region} is not written like a region, as in eu-central-1") from None
    if _site(region)[0] != begin:
        if "--region" in options:
            raise _usage(f"--region {region} is not of the partition of {plan.profile.name}")
        region = plan.region
    path = _with_region(_path(options), region)
    endpoint = f"https://{plan.region}.signin.{domain}" if is_regional else f"https://signin.{domain}"
    return Page(f"https://console.{domain}/{path}", _for_tests(environ) or endpoint)


def _site(region: str) -> tuple[str, str, bool]:
    return next(site for site in _SITES if region.startswith(site[0]))


def _usage(problem: str) -> errors.UsageError:
    return errors.UsageError(problem=problem, command="login")


def _path(options: Mapping[str, str]) -> str:
    service, path = options.get("--service"), options.get("--path")
    if service is not None and path is not None:
        raise _usage("--service and --path exclude each other")
    if service is not None:
        if not (service.isascii() and service.replace("-", "").isalnum()):
            raise _usage(f"--service {service} is not the name of a service such as s3 or cloudwatch")
        return f"{service.lower()}/home"
    if path is None:
        return _HOME
    plain = path.lstrip("/")
    if not plain or "://" in plain.partition("?")[0] or not all("!" <= c <= "~" and c != "\\" for c in plain):
        raise _usage(f"--path {path} is not what follows the host in an address of the console")
    return plain


def _with_region(path: str, region: str) -> str:
    before, mark, fragment = path.partition("#")
    _, has_query, query = before.partition("?")
    if not any(part.startswith("region=") for part in query.split("&")):
        before += f"{'&' if has_query else '?'}region={region}"
    return before + mark + fragment


def _for_tests(environ: Mapping[str, str]) -> str | None:
    """Return an endpoint on this computer, which takes AWS's place; raises BadVariable for any other."""
    url = environ.get(_ENDPOINT_VARIABLE)
    if url and not is_loopback(url):
        raise errors.BadVariable(
            variable=_ENDPOINT_VARIABLE,
            value=url,
            wanted="an address on this computer, the only one that it may be",
        )
    return url.rstrip("/") if url else None
