"""Signatures made from a day key are botocore's own, bit for bit; a day key signs for its day alone."""

from __future__ import annotations

import hmac
import time
from calendar import timegm
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import AUTH_TYPE_MAPS, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from support.fuzzing import examples
from vaultpy.aws_api import AwsClient
from vaultpy.credentials import AccessKey, Credentials, DayKey
from vaultpy.day_key_signer import SIGNATURE_VERSION, DayKeyAuth, in_place_of_secret
from vaultpy.errors import DayKeyOver, SecretWrong
from vaultpy.signing_account import account_secret, aws_date, challenge
from vaultpy.values import Secret

if TYPE_CHECKING:
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey

pytest_plugins = ["support.aws_fixtures"]

# AWS's test suite for Signature Version 4.
KEY_ID = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # AWS's example
STAMP = "20150830T123600Z"
REGION, SERVICE = "us-east-1", "service"
MIDNIGHT = datetime(2026, 11, 20, tzinfo=timezone.utc).timestamp()
DAY = 24 * 60 * 60


def day_key_of(secret: str, date: str, key_id: str = KEY_ID) -> DayKey:
    answer = hmac.digest(account_secret(Secret(secret)), challenge(date), "sha256")
    return DayKey(key_id, date, Secret(answer.hex()))


def ours(secret: str, date: str, region: str = REGION, service: str = SERVICE) -> DayKeyAuth:
    noon = timegm(time.strptime(date, "%Y%m%d")) + DAY / 2
    text = in_place_of_secret(day_key_of(secret, date), noon).reveal()
    return DayKeyAuth(BotocoreCredentials(KEY_ID, text), service, region)


def botocores(secret: str, region: str = REGION, service: str = SERVICE) -> SigV4Auth:
    return SigV4Auth(BotocoreCredentials(KEY_ID, secret), service, region)


def signed(auth: SigV4Auth, request: AWSRequest, stamp: str) -> str:
    """Return the Authorization header that `auth` makes at the time `stamp`, as its `add_auth` does."""
    request.context["timestamp"] = stamp
    auth._modify_request_before_signing(request)
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    auth._inject_signature_to_request(request, signature)
    return str(request.headers["Authorization"])


# Method, path with query, headers, body, and the signature, of vectors from the suite.
VECTORS = {
    "get-vanilla": (
        "GET",
        "/",
        {},
        "",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-vanilla-query-order-key-case": (
        "GET",
        "/?Param2=value2&Param1=value1",
        {},
        "",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "post-vanilla": (
        "POST",
        "/",
        {},
        "",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    "post-header-key-sort": (
        "POST",
        "/",
        {"My-Header1": "value1"},
        "",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-x-www-form-urlencoded": (
        "POST",
        "/",
        {"Content-Type": "application/x-www-form-urlencoded"},
        "Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
}


@pytest.mark.parametrize("name", sorted(VECTORS))
@pytest.mark.parametrize("who", ["ours", "botocore's"])
def test_the_vectors_of_aws_are_signed_as_aws_says(name: str, who: str) -> None:
    method, target, headers, body, signature = VECTORS[name]
    request = AWSRequest(method, f"https://example.amazonaws.com{target}", headers, body.encode())
    auth = ours(SECRET, STAMP[:8]) if who == "ours" else botocores(SECRET)
    assert signed(auth, request, STAMP).rpartition("Signature=")[2] == signature


def test_the_request_of_awss_documentation_is_signed_as_there() -> None:
    url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("GET", url, form)
    header = signed(ours(SECRET, STAMP[:8], "us-east-1", "iam"), request, STAMP)
    assert header.endswith("Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
    assert f"Credential={KEY_ID}/20150830/us-east-1/iam/aws4_request" in header


words = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/?#&=%"), min_size=1)
moments = st.datetimes(datetime(2012, 1, 1), datetime(2037, 12, 31))  # noqa: DTZ001  # hypothesis wants them naive


@given(
    secret=st.text(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", min_size=40, max_size=40
    ),
    moment=moments,
    scope=st.tuples(words, words),
    method=st.sampled_from(["GET", "POST"]),
    path=st.lists(words),
    query=st.dictionaries(words, words),
    headers=st.dictionaries(st.from_regex(r"\Ax-[a-z]{1,10}\Z"), words),
    body=st.binary(),
)
@examples(50)
def test_any_request_is_signed_as_botocore_signs_it_with_the_secret(  # noqa: PLR0913, PLR0917  # what a request has
    secret: str,
    moment: datetime,
    scope: tuple[str, str],
    method: str,
    path: list[str],
    query: dict[str, str],
    headers: dict[str, str],
    body: bytes,
) -> None:
    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    url = f"https://sts.amazonaws.com/{'/'.join(path)}"

    def header(auth: SigV4Auth) -> str:
        return signed(auth, AWSRequest(method, url, dict(headers), body, dict(query)), stamp)

    assert header(ours(secret, stamp[:8], *scope)) == header(botocores(secret, *scope))


def test_botocore_finds_it_by_its_name() -> None:
    assert AUTH_TYPE_MAPS[SIGNATURE_VERSION] is DayKeyAuth


@pytest.mark.parametrize(
    ("stamp", "kept"),
    [
        ("20261120T000000Z", "20261120T000000Z"),
        ("20261120T235959Z", "20261120T235959Z"),
        ("20261121T000130Z", "20261120T235959Z"),
        ("20261119T235000Z", "20261120T000000Z"),
    ],
)
def test_a_stamp_never_leaves_the_day_of_the_key(stamp: str, kept: str) -> None:
    request = AWSRequest("POST", "https://sts.amazonaws.com/", {}, b"")
    header = signed(ours(SECRET, "20261120"), request, stamp)
    assert request.headers["X-Amz-Date"] == kept
    assert "/20261120/" in header


def test_now_is_the_stamp_where_it_is_of_the_day() -> None:
    request: Any = AWSRequest("POST", "https://sts.amazonaws.com/", {}, b"")
    before = time.time()
    today = aws_date(before)
    ours(SECRET, today).add_auth(request)
    assert request.headers["X-Amz-Date"] >= time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(before))[:15]
    assert f"/{today}/" in request.headers["Authorization"]


@pytest.mark.parametrize("seconds", [-15 * 60, 0, DAY - 1, DAY + 15 * 60 - 1])
def test_a_day_key_is_taken_where_aws_takes_a_stamp_of_its_day(seconds: int) -> None:
    assert in_place_of_secret(day_key_of(SECRET, "20261120"), MIDNIGHT + seconds).reveal()


@pytest.mark.parametrize("seconds", [-15 * 60 - 1, DAY + 15 * 60, 365 * DAY])
def test_a_day_key_of_another_day_signs_nothing(seconds: int) -> None:
    with pytest.raises(DayKeyOver, match="20261120"):
        in_place_of_secret(day_key_of(SECRET, "20261120"), MIDNIGHT + seconds)


def test_a_day_key_shows_its_date_and_never_itself() -> None:
    key = day_key_of(SECRET, "20261120")
    for shown in (repr(key), str(key), f"{key}", repr(in_place_of_secret(key, MIDNIGHT))):
        assert key.key.reveal() not in shown
    assert "20261120" in repr(key)


# ---- one client --------------------------------------------------------------------------------------


def test_one_client_signs_with_day_keys_access_keys_and_sessions_in_turn(
    aws: SimulatedAws, key: AwsAccessKey
) -> None:
    client = AwsClient("sts", "eu-central-1", aws.url, {})
    access_key = AccessKey(key.id, Secret(key.secret))
    today = day_key_of(key.secret, aws_date(aws.clock()), key.id)
    session = client.call("get_session_token", today, {"DurationSeconds": 900}, {})["Credentials"]
    temporary = Credentials(
        session["AccessKeyId"], Secret(session["SecretAccessKey"]), Secret(session["SessionToken"]), 0
    )
    arns = {client.call("get_caller_identity", it, {}, {})["Arn"] for it in (access_key, temporary, today)}
    assert arns == {key.user.arn}
    assert [call.verdict for call in aws.calls] == ["OK"] * 4


def test_a_day_key_of_another_day_is_refused_before_anything_is_sent(
    aws: SimulatedAws, key: AwsAccessKey
) -> None:
    client = AwsClient("sts", "eu-central-1", aws.url, {})
    yesterday = day_key_of(key.secret, aws_date(aws.clock() - 2 * DAY), key.id)
    with pytest.raises(DayKeyOver):
        client.call("get_caller_identity", yesterday, {}, {})
    assert aws.calls == []


def test_a_day_key_of_another_secret_is_told_as_that(aws: SimulatedAws, key: AwsAccessKey) -> None:
    client = AwsClient("sts", "eu-central-1", aws.url, {})
    wrong = day_key_of("another secret", aws_date(aws.clock()), key.id)
    with pytest.raises(SecretWrong, match=key.id):
        client.call("get_caller_identity", wrong, {}, {"profile": "dev"})
