"""The simulated AWS as a server: its log, its time, its connections, and trouble to order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from email.utils import formatdate
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ConnectionClosedError
from botocore.parsers import ResponseParserError

from support.aws import ACCOUNT, client, refusal
from vaultpy.simulated.aws import SimulatedAws
from vaultpy.simulated.aws_faults import Fault

if TYPE_CHECKING:
    from support.aws import Clock
    from vaultpy.simulated.aws_accounts import AccessKey, User
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.aws_fixtures"]


def connection(aws: SimulatedAws) -> HTTPConnection:
    host, _, port = aws.url.removeprefix("http://").partition(":")
    return HTTPConnection(host, int(port), timeout=10)


def test_every_reply_carries_the_simulation_s_time(
    aws: SimulatedAws, aws_clock: Clock, key: AccessKey
) -> None:
    aws_clock.advance(100_000)
    expected = formatdate(aws_clock.now, usegmt=True)
    sts = client(aws, key)
    assert sts.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]["date"] == expected
    for method in ("GET", "HEAD"):
        plain = connection(aws)
        plain.request(method, "/")
        reply = plain.getresponse()
        assert reply.headers["Date"] == expected
        assert not reply.read()
        plain.close()


def test_only_signed_requests_count_as_calls(
    aws: SimulatedAws, aws_clock: Clock, key: AccessKey, device: MfaDevice
) -> None:
    plain = connection(aws)
    plain.request("HEAD", "/")
    plain.getresponse().read()
    plain.close()
    sts = client(aws, key)
    code = device.code(aws_clock())
    for _ in range(2):
        with_code = {"SerialNumber": device.serial, "TokenCode": code}
        if not aws.calls:
            sts.get_session_token(DurationSeconds=900, **with_code)
        else:
            refusal(sts.get_session_token, **with_code)
    assert [(call.action, call.access_key_id, call.verdict) for call in aws.calls] == [
        ("GetSessionToken", key.id, "OK"),
        ("GetSessionToken", key.id, "AccessDenied"),
    ]
    assert aws.calls[0].parameters == {
        "DurationSeconds": "900",
        "SerialNumber": device.serial,
        "TokenCode": "<hidden>",
    }
    assert aws.calls[0].at == aws_clock.now
    assert code not in repr(aws.requests)
    assert [(call.action, call.signed) for call in aws.unsigned] == [("", False)]


def test_an_action_without_a_signature_is_refused(aws: SimulatedAws) -> None:
    plain = connection(aws)
    plain.request("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15")
    reply = plain.getresponse()
    assert reply.status == 403
    assert b"<Code>MissingAuthenticationToken</Code>" in reply.read()
    plain.close()
    assert not aws.calls


def test_a_connection_serves_many_requests(aws: SimulatedAws) -> None:
    plain = connection(aws)
    plain.connect()
    used = plain.sock
    for _ in range(3):
        plain.request("GET", "/")
        plain.getresponse().read()
        assert plain.sock is used
    plain.close()


def test_a_fault_strikes_as_often_as_ordered_and_only_its_action(aws: SimulatedAws, key: AccessKey) -> None:
    aws.fail_next("GetSessionToken", Fault.THROTTLING, times=2)
    sts = client(aws, key)
    sts.get_caller_identity()
    for _ in range(2):
        assert refusal(sts.get_session_token) == (400, "Throttling", "Rate exceeded")
    sts.get_session_token()
    assert [(call.verdict, call.fault) for call in aws.calls] == [
        ("OK", None),
        (None, Fault.THROTTLING),
        (None, Fault.THROTTLING),
        ("OK", None),
    ]


def test_a_server_error_is_aws_s_own_fault(aws: SimulatedAws, key: AccessKey) -> None:
    aws.fail_next("GetCallerIdentity", Fault.SERVER_ERROR)
    assert refusal(client(aws, key).get_caller_identity)[:2] == (500, "InternalFailure")


@pytest.mark.parametrize("fault", [Fault.CLOSE_BEFORE, Fault.CLOSE_AFTER])
def test_a_connection_can_close_instead_of_an_answer(aws: SimulatedAws, key: AccessKey, fault: Fault) -> None:
    aws.fail_next("GetCallerIdentity", fault)
    sts = client(aws, key)
    with pytest.raises(ConnectionClosedError):
        sts.get_caller_identity()
    sts.get_caller_identity()


def test_an_answer_can_break_off(aws: SimulatedAws, key: AccessKey) -> None:
    aws.fail_next("GetCallerIdentity", Fault.MALFORMED)
    with pytest.raises(ResponseParserError):
        client(aws, key).get_caller_identity()


@pytest.mark.parametrize("fault", list(Fault))
def test_a_fault_spends_the_code_unless_it_strikes_first(aws_clock: Clock, fault: Fault) -> None:
    with ThreadPoolExecutor(1) as pool, SimulatedAws(aws_clock) as aws:
        alice = aws.account(ACCOUNT).user("alice")
        key, device = alice.access_key(), alice.mfa_device()
        sts = client(aws, key)
        aws.fail_next("GetSessionToken", fault)
        with_code = {"SerialNumber": device.serial, "TokenCode": device.code(aws_clock())}
        pool.submit(sts.get_session_token, **with_code)
        aws.wait_for("GetSessionToken")
        if fault.strikes_first:
            sts.get_session_token(**with_code)
        else:
            assert "invalid MFA one time pass code" in refusal(sts.get_session_token, **with_code)[2]


def test_a_hanging_call_ends_with_the_simulation(aws_clock: Clock) -> None:
    with ThreadPoolExecutor(1) as pool:
        with SimulatedAws(aws_clock) as aws:
            key = aws.account(ACCOUNT).user("alice").access_key()
            aws.fail_next("GetCallerIdentity", Fault.HANG)
            hanging = pool.submit(client(aws, key).get_caller_identity)
            aws.wait_for("GetCallerIdentity")
            client(aws, key).get_caller_identity()
            assert not hanging.done()
        assert isinstance(hanging.exception(), ConnectionClosedError)


def test_an_answer_can_take_its_time(aws_clock: Clock) -> None:
    with ThreadPoolExecutor(1) as pool, SimulatedAws(aws_clock) as aws:
        sts = client(aws, aws.account(ACCOUNT).user("alice").access_key())
        aws.latency = 3600
        answer = pool.submit(sts.get_caller_identity)
        aws.wait_for("GetCallerIdentity")
        assert not wait([answer], timeout=0.2).done


def test_a_code_sent_by_many_at_once_works_for_one(
    aws: SimulatedAws, key: AccessKey, device: MfaDevice
) -> None:
    with_code = {"SerialNumber": device.serial, "TokenCode": device.code(aws.clock())}
    sts = client(aws, key)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(sts.get_session_token, **with_code) for _ in range(8)]
        refused = [answer for answer in answers if answer.exception()]
    assert len(refused) == 7


def test_accounts_users_and_roles_are_created_once(aws: SimulatedAws, alice: User) -> None:
    assert aws.account(ACCOUNT) is alice.account
    with pytest.raises(ValueError, match="has a user alice"):
        alice.account.user("alice")
    alice.account.role("dev")
    with pytest.raises(ValueError, match="has a role dev"):
        alice.account.role("dev")


def test_no_secret_shows_in_a_repr(aws: SimulatedAws, alice: User, key: AccessKey, device: MfaDevice) -> None:
    session = aws.session(client(aws, key).get_session_token()["Credentials"]["AccessKeyId"])
    shown = repr((aws.account(ACCOUNT), alice, key, device, session, aws.requests))
    for secret in (key.secret, repr(device.seed), session.secret, session.token):
        assert secret not in shown
