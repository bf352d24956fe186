"""Clients of the simulated AWS: boto3 unmodified, except that it can sign by a clock of the test's own."""

from __future__ import annotations

import os
import time
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from vaultpy.simulated.aws_accounts import AccessKey
from vaultpy.simulated.aws_sessions import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.awsrequest import AWSRequest
    from botocore.model import Shape

    from vaultpy.simulated.aws import SimulatedAws

ACCOUNT = "123456789012"
WITHOUT_FURTHER_ADO = Config(
    connect_timeout=5,
    read_timeout=10,
    retries={"total_max_attempts": 1},
    parameter_validation=False,
    proxies={},
)


class Clock:
    """A clock in epoch seconds that stands still until it is told to go on; it starts at the real time."""

    def __init__(self, now: float | None = None) -> None:
        self.now = float(int(time.time())) if now is None else now

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.now += seconds


class _SigV4At(SigV4Auth):  # type: ignore[misc]  # botocore ships no types
    """Signature Version 4 by a clock of its own."""

    def __init__(
        self, credentials: Credentials, service: str, region: str, clock: Callable[[], float]
    ) -> None:
        super().__init__(credentials, service, region)
        self._clock = clock

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock()))
        super()._modify_request_before_signing(request)


@lru_cache(maxsize=1)
def _session() -> boto3.Session:
    """Return a boto3 session that reads no file of this computer's user."""
    session = botocore.session.Session()
    session.set_config_variable("config_file", os.devnull)
    session.set_config_variable("credentials_file", os.devnull)
    return boto3.Session(botocore_session=session)


def client(  # noqa: PLR0913  # each of them is what some test is about
    aws: SimulatedAws,
    signer: AccessKey | Session | Mapping[str, Any],
    service: str = "sts",
    *,
    region: str = "us-east-1",
    clock: Callable[[], float] | None = None,
    secret: str | None = None,
) -> Any:  # noqa: ANN401  # boto3 makes its clients' methods at run time
    """Return a boto3 client of `aws` that signs as `signer` and never retries.

    `signer` may also be a reply's `Credentials`. The client signs by the simulation's clock and with the
    signer's secret, unless by another `clock` or with another `secret`.
    """
    if isinstance(signer, (AccessKey, Session)):
        key_id, own_secret = signer.id, signer.secret
        token = signer.token if isinstance(signer, Session) else None
    else:
        key_id, own_secret = signer["AccessKeyId"], signer["SecretAccessKey"]
        token = signer["SessionToken"]
    credentials = Credentials(key_id, secret or own_secret, token)
    made = _session().client(
        service,
        region_name=region,
        endpoint_url=aws.url,
        aws_access_key_id=key_id,
        aws_secret_access_key=own_secret,
        config=WITHOUT_FURTHER_ADO,
    )

    def sign(request: AWSRequest, signing_name: str, region_name: str, **_: object) -> None:
        _SigV4At(credentials, signing_name, region_name, clock or aws.clock).add_auth(request)

    made.meta.events.register("choose-signer", lambda **_: UNSIGNED)
    made.meta.events.register("before-sign", sign)
    return made


def refusal(call: Callable[..., object], **parameters: object) -> tuple[int, str, str]:
    """Return the status, code and message with which `call` is refused."""
    try:
        call(**parameters)
    except ClientError as error:
        response = error.response
        return (
            response["ResponseMetadata"]["HTTPStatusCode"],
            response["Error"]["Code"],
            response["Error"]["Message"],
        )
    raise AssertionError("the call was not refused")


def assert_fits(value: object, shape: Shape) -> None:
    """Assert that `value`, as botocore parsed it, is what AWS's API model calls `shape`."""
    kinds: dict[str, type] = {
        "structure": dict,
        "list": list,
        "string": str,
        "integer": int,
        "boolean": bool,
        "blob": bytes,
        "timestamp": datetime,
    }
    assert isinstance(value, kinds[shape.type_name]), (shape.name, value)
    if isinstance(value, dict):
        members: dict[str, Shape] = shape.members
        missing = set(shape.metadata.get("required", ())) - set(value)
        assert not missing, (shape.name, missing)
        for name in set(value) - {"ResponseMetadata"}:
            assert_fits(value[name], members[name])
    if isinstance(value, list):
        for member in value:
            assert_fits(member, shape.member)
    if isinstance(value, str):
        assert shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", 10**6), (
            shape.name,
            value,
        )
        assert value in (shape.metadata.get("enum") or [value]), (shape.name, value)
    if isinstance(value, datetime):
        assert value.tzinfo is not None
