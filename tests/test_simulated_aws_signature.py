"""The simulated AWS checks signatures: what botocore signs counts, and one changed byte does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.aws import ACCOUNT, Clock, client, refusal
from vaultpy.simulated.aws import SimulatedAws
from vaultpy.simulated.aws_accounts import LastUse
from vaultpy.simulated.sigv4 import HttpRequest, canonical_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSPreparedRequest

    from vaultpy.simulated.aws_accounts import AccessKey, User

pytest_plugins = ["support.aws_fixtures"]

MISMATCH = (
    403,
    "SignatureDoesNotMatch",
    (
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    ),
)
INVALID_TOKEN = (403, "InvalidClientTokenId", "The security token included in the request is invalid")
NOON = 1_800_014_400  # 2027-01-15T12:00:00Z


def flip_last(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def header(request: AWSPreparedRequest, name: str) -> str:
    value = request.headers[name]
    return value.decode() if isinstance(value, bytes) else value


def in_body(request: AWSPreparedRequest) -> None:
    assert "DurationSeconds=900" in request.body
    request.body = request.body.replace("DurationSeconds=900", "DurationSeconds=901")


def in_a_signed_header(request: AWSPreparedRequest) -> None:
    request.headers["X-Amz-Date"] = flip_last(header(request, "X-Amz-Date").rstrip("Z")) + "Z"


def in_the_signature(request: AWSPreparedRequest) -> None:
    request.headers["Authorization"] = flip_last(header(request, "Authorization"))


def in_the_path(request: AWSPreparedRequest) -> None:
    request.url += "x"


def in_the_query(request: AWSPreparedRequest) -> None:
    request.url += "?x"


def sign_as(aws: SimulatedAws, key: AccessKey, change: Callable[[Any], None]) -> Any:  # noqa: ANN401  # a boto3 client
    sts = client(aws, key)
    sts.meta.events.register("before-send", lambda request, **_: change(request))
    return sts


@pytest.mark.parametrize("change", [in_body, in_a_signed_header, in_the_signature, in_the_path, in_the_query])
def test_one_changed_byte_breaks_the_signature(
    aws: SimulatedAws, key: AccessKey, change: Callable[[Any], None]
) -> None:
    client(aws, key).get_session_token(DurationSeconds=900)
    sts = sign_as(aws, key, change)
    assert refusal(sts.get_session_token, DurationSeconds=900) == MISMATCH


def test_another_secret_breaks_the_signature(aws: SimulatedAws, key: AccessKey) -> None:
    sts = client(aws, key, secret=flip_last(key.secret))
    assert refusal(sts.get_caller_identity) == MISMATCH


def test_a_header_that_must_be_signed_is_missed(aws: SimulatedAws, key: AccessKey) -> None:
    def unsign_date(request: AWSPreparedRequest) -> None:
        request.headers["Authorization"] = header(request, "Authorization").replace(";x-amz-date", "")

    status, code, message = refusal(sign_as(aws, key, unsign_date).get_caller_identity)
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert message == "'x-amz-date' must be a 'SignedHeader' in the AWS Authorization."


@pytest.mark.parametrize("header", ["Basic YTpi", "AWS4-HMAC-SHA256 Credential=AKIA", "AWS4-HMAC-SHA256"])
def test_an_unreadable_authorization_is_incomplete(aws: SimulatedAws, key: AccessKey, header: str) -> None:
    def replace(request: AWSPreparedRequest) -> None:
        request.headers["Authorization"] = header

    assert refusal(sign_as(aws, key, replace).get_caller_identity)[:2] == (400, "IncompleteSignature")


def test_a_canonical_request_is_that_of_aws_s_documentation() -> None:
    """The example of "Create a signed AWS API request" in the IAM User Guide, a GET of ListUsers."""
    headers = (
        ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("Host", "iam.amazonaws.com"),
        ("X-Amz-Date", "20150830T123600Z"),
    )
    request = HttpRequest("GET", "/?Version=2010-05-08&Action=ListUsers", headers, b"")
    assert canonical_request(request, ("content-type", "host", "x-amz-date")) == (
        "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
        "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
        "host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
        "content-type;host;x-amz-date\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@pytest.mark.parametrize("offset", [-900, 0, 900])
def test_a_clock_may_be_fifteen_minutes_off(
    aws_clock: Clock, aws: SimulatedAws, key: AccessKey, offset: int
) -> None:
    client(aws, key, clock=Clock(aws_clock.now + offset)).get_caller_identity()


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (
            -3600,
            (
                "Signature expired: "
                "20270115T110000Z is now earlier than 20270115T114500Z (20270115T120000Z - 15 min.)"
            ),
        ),
        (
            3600,
            (
                "Signature not yet current: "
                "20270115T130000Z is still later than 20270115T121500Z (20270115T120000Z + 15 min.)"
            ),
        ),
    ],
)
def test_a_clock_an_hour_off_is_told_both_times(
    aws_clock: Clock, aws: SimulatedAws, key: AccessKey, offset: int, message: str
) -> None:
    aws_clock.now = NOON
    sts = client(aws, key, clock=Clock(NOON + offset))
    assert refusal(sts.get_caller_identity) == (403, "SignatureDoesNotMatch", message)


def test_the_signed_date_must_be_that_of_the_scope(
    aws: SimulatedAws, aws_clock: Clock, key: AccessKey
) -> None:
    aws_clock.now = NOON

    def change_date(request: AWSPreparedRequest) -> None:
        signed = header(request, "Authorization")
        request.headers["Authorization"] = signed.replace("/20270115/", "/20270114/")

    _, code, message = refusal(sign_as(aws, key, change_date).get_caller_identity)
    assert code == "SignatureDoesNotMatch"
    assert message.endswith("'20270114' != '20270115', from '20270115T120000Z'.")


def test_a_key_s_last_use_is_its_last_good_signature(
    aws: SimulatedAws, aws_clock: Clock, key: AccessKey
) -> None:
    client(aws, key).get_caller_identity()
    used = aws_clock.now
    aws_clock.advance(60)
    refusal(client(aws, key, secret="wrong").get_caller_identity)
    assert key.last_use == LastUse(used, "sts", "us-east-1")


def test_a_key_must_be_known_active_and_in_effect(
    aws: SimulatedAws, aws_clock: Clock, alice: User, key: AccessKey
) -> None:
    sts, new = client(aws, key), client(aws, alice.access_key(propagation=10))
    assert refusal(new.get_caller_identity) == INVALID_TOKEN
    aws_clock.advance(10)
    new.get_caller_identity()
    key.active = False
    assert refusal(sts.get_caller_identity) == INVALID_TOKEN
    key.active = True
    sts.get_caller_identity()
    del alice.access_keys[key.id]
    assert refusal(sts.get_caller_identity) == INVALID_TOKEN


def test_a_session_needs_its_own_token_and_an_access_key_none(aws: SimulatedAws, key: AccessKey) -> None:
    first, second = (client(aws, key).get_session_token()["Credentials"] for _ in range(2))
    mixed = [
        {**first, "SessionToken": second["SessionToken"]},
        {**first, "SessionToken": None},
        {"AccessKeyId": key.id, "SecretAccessKey": key.secret, "SessionToken": first["SessionToken"]},
    ]
    for credentials in mixed:
        assert refusal(client(aws, credentials).get_caller_identity) == INVALID_TOKEN


def test_the_region_must_be_one_that_the_endpoint_plays(aws_clock: Clock) -> None:
    with SimulatedAws(aws_clock, regions=["eu-central-1"]) as aws:
        key = aws.account(ACCOUNT).user("alice").access_key()
        client(aws, key, region="eu-central-1").get_caller_identity()
        answer = refusal(client(aws, key, region="us-east-1").get_caller_identity)
        assert answer == (403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region. ")


@pytest.mark.parametrize(
    ("partition", "home", "abroad"),
    [
        ("aws", "us-east-1", "cn-north-1"),
        ("aws-cn", "cn-northwest-1", "us-east-1"),
        ("aws-us-gov", "us-gov-west-1", "us-east-1"),
    ],
)
def test_a_key_is_unknown_outside_its_partition(
    aws: SimulatedAws, partition: str, home: str, abroad: str
) -> None:
    user = aws.account(ACCOUNT, partition).user("alice")
    key = user.access_key()
    arn = client(aws, key, region=home).get_caller_identity()["Arn"]
    assert arn == f"arn:{partition}:iam::{ACCOUNT}:user/alice"
    assert refusal(client(aws, key, region=abroad).get_caller_identity) == INVALID_TOKEN


def test_sts_can_be_switched_off_in_a_region(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    alice.account.disabled_regions.add("eu-central-1")
    client(aws, key, region="us-east-1").get_caller_identity()
    status, code, message = refusal(client(aws, key, region="eu-central-1").get_caller_identity)
    assert (status, code) == (403, "RegionDisabledException")
    assert "eu-central-1" in message


def test_a_signature_for_one_service_does_not_serve_another(aws: SimulatedAws, key: AccessKey) -> None:
    def call_iam(request: AWSPreparedRequest) -> None:
        request.body = request.body.replace("2011-06-15", "2010-05-08")

    status, code, message = refusal(sign_as(aws, key, call_iam).get_caller_identity)
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert message == "Credential should be scoped to correct service: 'iam'. "
