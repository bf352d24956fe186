"""STS on its own thread: prepared while somebody reaches for the key, and quiet whatever happens there."""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from support.aws import ACCOUNT, Clock
from vaultpy import errors
from vaultpy.credentials import AccessKey, Credentials
from vaultpy.mfa import TokenCode
from vaultpy.sts import Sts, _credentials
from vaultpy.sts_requests import AssumeRole, GetSessionToken
from vaultpy.values import Secret

if TYPE_CHECKING:
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.aws_fixtures"]
FACTS: dict[str, object] = {"profile": "dev", "user": "alice"}
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def clock(aws_clock: Clock) -> Clock:
    """Return this computer's clock, which agrees with AWS's."""
    return Clock(aws_clock.now)


@pytest.fixture
def sts(aws: SimulatedAws, clock: Clock) -> Sts:
    """Return the simulation's STS."""
    return Sts("eu-central-1", aws.url, {}, clock)


def long_term(key: AwsAccessKey) -> AccessKey:
    return AccessKey(key.id, Secret(key.secret))


def test_nothing_is_sent_before_it_is_asked_to_prepare(sts: Sts, aws: SimulatedAws) -> None:
    sts.close()
    sts.check()
    assert aws.requests == []


def test_preparing_twice_asks_for_the_time_once(sts: Sts, aws: SimulatedAws) -> None:
    sts.prepare()
    sts.prepare()
    sts.close()
    sts.check()
    assert abs(sts.clock_offset()) < 1
    assert len(aws.requests) == len(aws.unsigned) == 1


def test_closing_waits_for_the_thread(sts: Sts) -> None:
    sts.prepare()
    sts.close()
    assert not [it for it in threading.enumerate() if it.name == "sts"]


@pytest.mark.parametrize("seconds", [0, 500, -500])
def test_the_offset_is_by_how_much_aws_is_ahead(sts: Sts, aws_clock: Clock, seconds: float) -> None:
    aws_clock.advance(seconds)
    assert abs(sts.clock_offset() - seconds) < 1


def test_a_failure_on_the_thread_is_raised_by_each_check_and_prints_nothing(
    clock: Clock, capfd: pytest.CaptureFixture[str]
) -> None:
    sts = Sts("eu-central-1", NOWHERE, {}, clock)
    sts.prepare()
    sts.close()
    lengths = []
    for _ in range(3):
        with pytest.raises(errors.Unreachable) as caught:
            sts.check()
        lengths.append(len(traceback.extract_tb(caught.value.__traceback__)))
    assert len(set(lengths)) == 1, "the traceback does not grow"
    assert tuple(capfd.readouterr()) == ("", "")


def test_a_bug_on_the_thread_prints_nothing_either(
    aws: SimulatedAws, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken() -> float:
        raise ZeroDivisionError

    sts = Sts("eu-central-1", aws.url, {}, broken)
    with pytest.raises(ZeroDivisionError):
        sts.clock_offset()
    assert tuple(capfd.readouterr()) == ("", "")


def test_after_a_failed_call_the_next_one_tries_anew(clock: Clock, aws_clock: Clock, sts: Sts) -> None:
    aws_clock.advance(3600)
    with pytest.raises(errors.ClockWrong):
        sts.clock_offset()
    clock.advance(3600)
    assert abs(sts.clock_offset()) < 1
    sts.check()


@pytest.mark.parametrize(
    ("seconds", "said"), [(901, "15m 01s behind AWS's"), (-902, "15m 02s ahead of AWS's")]
)
def test_a_clock_beyond_what_aws_takes_is_told_without_a_signed_call(
    sts: Sts, aws: SimulatedAws, aws_clock: Clock, seconds: float, said: str
) -> None:
    aws_clock.advance(seconds)
    with pytest.raises(errors.ClockWrong, match=said):
        sts.clock_offset()
    assert aws.calls == []


def test_a_region_that_is_none_is_told_by_check(clock: Clock) -> None:
    sts = Sts("no region", None, {}, clock)
    sts.prepare()
    sts.close()
    with pytest.raises(errors.RegionUnknown):
        sts.check()


def test_the_caller_s_arn_needs_no_mfa(sts: Sts, key: AwsAccessKey) -> None:
    assert sts.caller_arn(long_term(key)) == f"arn:aws:iam::{ACCOUNT}:user/alice"


def test_an_mfa_session_and_a_role_on_it(
    sts: Sts, aws: SimulatedAws, key: AwsAccessKey, device: MfaDevice
) -> None:
    role = aws.account(ACCOUNT).role("dev", requires_mfa=True, external_id="ticket-7")
    code = TokenCode(device.serial, device.code(aws.clock()), None)
    session = sts.credentials(GetSessionToken((device.serial,), 7200), long_term(key), code, FACTS)
    asked = AssumeRole(role.arn, "alice", external_id="ticket-7", duration=900)
    credentials = sts.credentials(asked, session, None, FACTS)

    assert session.expiration == int(aws.clock()) + 7200
    assert credentials.expiration == int(aws.clock()) + 900
    first, second = aws.calls
    assert (first.action, first.access_key_id) == ("GetSessionToken", key.id)
    assert first.parameters == {
        "DurationSeconds": "7200",
        "SerialNumber": device.serial,
        "TokenCode": "<hidden>",
    }
    assert (second.action, second.access_key_id) == ("AssumeRole", session.access_key_id)
    assert second.parameters == {
        "DurationSeconds": "900",
        "RoleArn": role.arn,
        "RoleSessionName": "alice",
        "ExternalId": "ticket-7",
    }


def test_a_role_with_the_code_on_it(
    sts: Sts, aws: SimulatedAws, key: AwsAccessKey, device: MfaDevice
) -> None:
    role = aws.account(ACCOUNT).role("dev", max_age=1, max_duration=43200)
    code = TokenCode(device.serial, device.code(aws.clock()), None)
    asked = AssumeRole(role.arn, "alice", external_id=None, duration=43200, mfa_serials=(device.serial,))
    assert sts.credentials(asked, long_term(key), code, FACTS).expiration == int(aws.clock()) + 43200
    assert "ExternalId" not in aws.calls[0].parameters


def test_a_refused_role_is_named(sts: Sts, key: AwsAccessKey) -> None:
    asked = AssumeRole(f"arn:aws:iam::{ACCOUNT}:role/none", "alice", external_id=None, duration=900)
    with pytest.raises(
        errors.RoleDenied, match="does not let alice assume arn:aws:iam::123456789012:role/none"
    ):
        sts.credentials(asked, long_term(key), None, FACTS)


class Expiration:
    """What botocore makes of a time."""

    def __init__(self, epoch: float) -> None:
        self.epoch = epoch

    def timestamp(self) -> float:
        """Return the epoch."""
        return self.epoch


GOOD: dict[str, Any] = {
    "AccessKeyId": "ASIA",
    "SecretAccessKey": "secret",
    "SessionToken": "token",
    "Expiration": Expiration(7.9),
}


def test_credentials_are_read_with_whole_seconds() -> None:
    found = _credentials({"Credentials": GOOD}, "host")
    assert found == Credentials("ASIA", Secret("secret"), Secret("token"), 7)


@pytest.mark.parametrize("name", ["AccessKeyId", "SecretAccessKey", "SessionToken"])
@pytest.mark.parametrize("value", [None, "", "two\nlines", "null\0byte", "caf\xe9"])
def test_credentials_that_no_environment_can_hold_are_not_aws_s(name: str, value: str | None) -> None:
    with pytest.raises(errors.AnswerMalformed, match="host gave an answer that is not AWS's"):
        _credentials({"Credentials": {**GOOD, name: value}}, "host")


@pytest.mark.parametrize(
    "answer", [{}, {"Credentials": None}, {"Credentials": {}}, {"Credentials": {**GOOD, "Expiration": None}}]
)
def test_an_answer_without_credentials_is_not_aws_s(answer: dict[str, Any]) -> None:
    with pytest.raises(errors.AnswerMalformed):
        _credentials(answer, "host")
