"""IAM: the MFA devices and access keys of a user, made, changed and removed by a simulation that verifies."""

from __future__ import annotations

from base64 import b32decode, b64encode
from typing import TYPE_CHECKING

import pytest

from support.aws import ACCOUNT, client
from support.aws_clients import iam_at
from vaultpy import errors
from vaultpy.credentials import AccessKey, Credentials
from vaultpy.iam_records import (
    ALREADY_THERE,
    CODES_WRONG,
    DENIED,
    LIMIT_REACHED,
    NOT_THERE,
    STILL_IN_USE,
    AccessKeyState,
    EnabledDevice,
    LastUse,
)
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.aws_mfa import totp
from vaultpy.simulated.aws_server import Reply
from vaultpy.simulated.aws_xml import reply_xml
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.aws import Clock
    from support.lasting_aws import Address
    from vaultpy.iam import Iam
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_accounts import User
    from vaultpy.simulated.aws_mfa import MfaDevice
    from vaultpy.simulated.aws_server import AwsServer
    from vaultpy.simulated.aws_xml import Result

pytest_plugins = ["support.aws_fixtures", "support.lasting_aws"]

SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/alice"
UNKNOWN_KEY = "AKIAABCDEFGHIJKLMNOP"
NOW = 1_800_000_000
SEED = b64encode(b"GEZDGNBVGY3TQOJQ").decode()
CODES = (Secret("123456"), Secret("654321"))


@pytest.fixture
def aws_clock(lasting_clock: Clock) -> Clock:
    """Return the clock that AWS goes by."""
    return lasting_clock


@pytest.fixture
def aws(lasting_aws: SimulatedAws) -> SimulatedAws:
    """Return an AWS at an address that lasts: its clients are built once."""
    return lasting_aws


@pytest.fixture
def iam(aws: SimulatedAws) -> Iam:
    """Return the simulation's IAM."""
    return iam_at(aws.url)


@pytest.fixture
def signer(key: AwsAccessKey) -> AccessKey:
    """Return alice's access key."""
    return long_term(key)


def long_term(key: AwsAccessKey) -> AccessKey:
    return AccessKey(key.id, Secret(key.secret))


def mfa_session(aws: SimulatedAws, key: AwsAccessKey, device: MfaDevice | None) -> Credentials:
    """Return a session of the user's, made with MFA if there is a device."""
    asked = {} if device is None else {"SerialNumber": device.serial, "TokenCode": device.code(aws.clock())}
    made = client(aws, key).get_session_token(**asked)["Credentials"]
    secret, token = Secret(made["SecretAccessKey"]), Secret(made["SessionToken"])
    return Credentials(made["AccessKeyId"], secret, token, int(made["Expiration"].timestamp()))


def codes_of(seed: bytes, now: float) -> tuple[Secret, Secret]:
    step = int(now) // 30
    return Secret(totp(seed, step - 1)), Secret(totp(seed, step))


def refused_with(call: Callable[[], object]) -> str:
    """Return the code with which AWS refuses the call."""
    with pytest.raises(errors.AwsRefused) as refusal:
        call()
    return refusal.value.code


class Answering:
    """An IAM that answers as it is told to."""

    def __init__(self, server: AwsServer) -> None:
        self._server = server

    def __call__(self, action: str, *results: Result) -> Iam:
        """Return what is answered `results` in turn when it calls `action`, the last one ever after."""
        left = list(results)

        def answer(_: object) -> Reply:
            return Reply(200, reply_xml("iam", action, left.pop(0) if len(left) > 1 else left[0], "id"))

        self._server.answer = answer
        return iam_at(self._server.url)


@pytest.fixture
def answering(address: Address, signer: AccessKey) -> Answering:  # noqa: ARG001  # a signer answers there too
    """Return an IAM that answers as it is told to, in the place of the one that made the signer."""
    return Answering(address.server)


# ---- MFA devices -------------------------------------------------------------------------------------


def test_a_user_without_a_device_has_none(iam: Iam, signer: AccessKey) -> None:
    assert iam.mfa_serials(signer, "alice") == ()


def test_virtual_and_hardware_devices_are_listed_and_security_keys_left_out(
    aws: SimulatedAws, iam: Iam, signer: AccessKey, alice: User
) -> None:
    virtual = alice.mfa_device("phone", path="/team/")
    fido = alice.fido_device("blue")
    hardware = alice.mfa_device(serial="GAHT12345678")

    assert iam.mfa_serials(signer, "alice") == (virtual.serial, hardware.serial)
    assert [call.action for call in aws.calls] == ["ListMFADevices"]
    assert EnabledDevice(fido.serial, int(aws.clock())) in iam.mfa_devices(signer, "alice")


def test_a_device_is_created_enabled_resynced_deactivated_and_deleted(
    aws: SimulatedAws, aws_clock: Clock, iam: Iam, signer: AccessKey, alice: User
) -> None:
    made = iam.create_mfa_device(signer, "alice", "/team/")
    assert made.serial == alice.account.arn("mfa/team/alice")
    seed = b32decode(made.seed.reveal())
    assert seed == alice.account.virtual_devices[made.serial].seed
    assert iam.unassigned_serials(signer) == (made.serial,)

    iam.enable_mfa_device(signer, "alice", made.serial, codes_of(seed, aws_clock.now))
    assert iam.mfa_devices(signer, "alice") == (EnabledDevice(made.serial, int(aws_clock.now)),)
    assert iam.unassigned_serials(signer) == ()

    aws_clock.advance(60)
    alice.account.virtual_devices[made.serial].out_of_sync = True
    iam.resync_mfa_device(signer, "alice", made.serial, codes_of(seed, aws_clock.now))
    assert not alice.account.virtual_devices[made.serial].out_of_sync

    iam.deactivate_mfa_device(signer, "alice", made.serial)
    iam.delete_mfa_device(signer, made.serial)
    assert alice.account.virtual_devices == {}
    assert {call.verdict for call in aws.calls} == {"OK"}


def test_no_secret_of_a_device_shows(aws: SimulatedAws, iam: Iam, signer: AccessKey) -> None:
    made = iam.create_mfa_device(signer, "alice")
    codes = codes_of(b32decode(made.seed.reveal()), aws.clock())
    iam.enable_mfa_device(signer, "alice", made.serial, codes)
    shown = repr((made, codes, aws.requests))
    assert made.seed.reveal() not in shown
    assert not any(f"'{code.reveal()}'" in shown for code in codes)


def test_each_refusal_about_a_device_has_its_code(
    aws: SimulatedAws, iam: Iam, signer: AccessKey, alice: User, device: MfaDevice
) -> None:
    spare = alice.account.virtual_device("spare")
    good = codes_of(spare.seed, aws.clock())
    assert refused_with(lambda: iam.create_mfa_device(signer, "spare")) == ALREADY_THERE
    enable = iam.enable_mfa_device
    assert refused_with(lambda: enable(signer, "alice", spare.serial, good[::-1])) == CODES_WRONG
    assert refused_with(lambda: enable(signer, "nobody", spare.serial, good)) == NOT_THERE
    assert refused_with(lambda: enable(signer, "alice", device.serial, good)) == ALREADY_THERE
    assert refused_with(lambda: iam.resync_mfa_device(signer, "alice", device.serial, CODES)) == CODES_WRONG
    assert refused_with(lambda: iam.resync_mfa_device(signer, "alice", spare.serial, good)) == NOT_THERE
    assert refused_with(lambda: iam.deactivate_mfa_device(signer, "alice", spare.serial)) == NOT_THERE
    assert refused_with(lambda: iam.delete_mfa_device(signer, device.serial)) == STILL_IN_USE
    for number in range(7):
        alice.mfa_device(f"d{number}")
    assert refused_with(lambda: enable(signer, "alice", spare.serial, good)) == LIMIT_REACHED
    alice.in_transition = True
    with pytest.raises(errors.AwsBusy, match="alice cannot be modified"):
        iam.deactivate_mfa_device(signer, "alice", device.serial)


def test_removing_a_device_can_be_repeated_after_a_lost_answer(
    aws: SimulatedAws, iam: Iam, signer: AccessKey, device: MfaDevice
) -> None:
    steps: dict[str, Callable[[], None]] = {
        "DeactivateMFADevice": lambda: iam.deactivate_mfa_device(signer, "alice", device.serial),
        "DeleteVirtualMFADevice": lambda: iam.delete_mfa_device(signer, device.serial),
    }
    for action, remove in steps.items():
        aws.fail_next(action, Fault.CLOSE_AFTER)
        with pytest.raises(errors.NoAnswer):
            remove()
        assert refused_with(remove) == NOT_THERE


def test_a_device_whose_answer_was_lost_is_found_among_the_unassigned(
    aws: SimulatedAws, iam: Iam, signer: AccessKey
) -> None:
    aws.fail_next("CreateVirtualMFADevice", Fault.CLOSE_AFTER)
    with pytest.raises(errors.NoAnswer):
        iam.create_mfa_device(signer, "alice")
    assert iam.unassigned_serials(signer) == (SERIAL,)
    iam.delete_mfa_device(signer, SERIAL)
    assert iam.create_mfa_device(signer, "alice").serial == SERIAL


# ---- access keys -------------------------------------------------------------------------------------


def test_a_key_is_created_made_inactive_and_deleted_by_one_mfa_session(
    aws: SimulatedAws, iam: Iam, alice: User, key: AwsAccessKey, device: MfaDevice
) -> None:
    session = mfa_session(aws, key, device)
    new = iam.create_access_key(session, "alice")
    assert new.secret.reveal() == alice.access_keys[new.id].secret
    assert new.secret.reveal() not in repr(new)
    assert iam.mfa_serials(long_term(alice.access_keys[new.id]), "alice")

    iam.set_access_key(session, "alice", new.id, active=False)
    made = int(aws.clock())
    expected = {
        AccessKeyState(key.id, active=True, created=made),
        AccessKeyState(new.id, active=False, created=made),
    }
    assert set(iam.access_keys(session, "alice")) == expected
    iam.set_access_key(session, "alice", new.id, active=True)
    assert alice.access_keys[new.id].active
    iam.delete_access_key(session, "alice", new.id)
    assert list(alice.access_keys) == [key.id]


def test_an_administrator_changes_another_user_s_keys(iam: Iam, signer: AccessKey, alice: User) -> None:
    bob = alice.account.user("bob")
    new = iam.create_access_key(signer, "bob")
    assert list(bob.access_keys) == [new.id]
    iam.delete_access_key(signer, "bob", new.id)
    assert iam.access_keys(signer, "bob") == ()


def test_each_refusal_about_a_key_has_its_code(iam: Iam, signer: AccessKey, alice: User) -> None:
    alice.access_key()
    assert refused_with(lambda: iam.create_access_key(signer, "alice")) == LIMIT_REACHED
    assert refused_with(lambda: iam.create_access_key(signer, "nobody")) == NOT_THERE
    assert refused_with(lambda: iam.delete_access_key(signer, "alice", UNKNOWN_KEY)) == NOT_THERE
    change = iam.set_access_key
    assert refused_with(lambda: change(signer, "alice", UNKNOWN_KEY, active=False)) == NOT_THERE
    alice.denied.add("iam:UpdateAccessKey")
    assert refused_with(lambda: change(signer, "alice", signer.id, active=False)) == DENIED


def test_the_last_use_of_a_key_is_told_and_that_it_had_none(
    aws: SimulatedAws, iam: Iam, signer: AccessKey, alice: User
) -> None:
    other = alice.access_key()
    assert iam.last_use(signer, other.id) is None
    client(aws, other, region="eu-west-1").get_caller_identity()
    assert iam.last_use(signer, other.id) == LastUse(int(aws.clock()), "sts", "eu-west-1")


def test_a_key_whose_answer_was_lost_is_the_one_that_was_not_there_before(
    aws: SimulatedAws, iam: Iam, signer: AccessKey, key: AwsAccessKey
) -> None:
    aws.fail_next("CreateAccessKey", Fault.CLOSE_AFTER)
    with pytest.raises(errors.NoAnswer):
        iam.create_access_key(signer, "alice")
    (lost,) = {each.id for each in iam.access_keys(signer, "alice")} - {key.id}
    iam.delete_access_key(signer, "alice", lost)
    assert refused_with(lambda: iam.delete_access_key(signer, "alice", lost)) == NOT_THERE


# ---- who signs ---------------------------------------------------------------------------------------


def test_a_user_who_may_not_ask_is_told_aws_s_reason(iam: Iam, signer: AccessKey, alice: User) -> None:
    alice.denied.add("iam:ListMFADevices")
    with pytest.raises(errors.AwsRefused, match="not authorized to perform: iam:ListMFADevices"):
        iam.mfa_serials(signer, "alice")


def test_an_inactive_key_is_told_with_its_profile(iam: Iam, signer: AccessKey, key: AwsAccessKey) -> None:
    key.active = False
    with pytest.raises(errors.AccessKeyRefused, match=key.id) as refusal:
        iam.mfa_serials(signer, "alice")
    assert refusal.value.hint.endswith(" dev")


def test_a_key_that_aws_does_not_know_yet_is_refused_until_it_does(
    aws: SimulatedAws, aws_clock: Clock, iam: Iam, signer: AccessKey
) -> None:
    aws.habits.key_propagation = 10
    new = iam.create_access_key(signer, "alice")
    with pytest.raises(errors.AccessKeyRefused, match=new.id):
        iam.access_keys(new, "alice")
    aws_clock.advance(10)
    assert iam.access_keys(new, "alice")


def test_a_session_without_mfa_is_refused(aws: SimulatedAws, iam: Iam, key: AwsAccessKey) -> None:
    with pytest.raises(errors.SessionRefused):
        iam.access_keys(mfa_session(aws, key, None), "alice")


def test_a_session_may_or_may_not_outlive_its_inactive_key(
    aws: SimulatedAws, iam: Iam, key: AwsAccessKey, device: MfaDevice
) -> None:
    session = mfa_session(aws, key, device)
    iam.set_access_key(session, "alice", key.id, active=False)
    with pytest.raises(errors.SessionRefused):
        iam.delete_access_key(session, "alice", key.id)
    aws.habits.sessions_outlive_keys = True
    iam.delete_access_key(session, "alice", key.id)
    assert key.user.access_keys == {}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.THROTTLING, errors.AwsBusy),
        (Fault.SERVICE_UNAVAILABLE, errors.AwsBusy),
        (Fault.SERVER_ERROR, errors.AwsBusy),
        (Fault.CLOSE_BEFORE, errors.NoAnswer),
        (Fault.CLOSE_AFTER, errors.NoAnswer),
        (Fault.MALFORMED, errors.AnswerMalformed),
    ],
)
def test_a_fault_is_told_and_the_call_made_once(
    aws: SimulatedAws, iam: Iam, signer: AccessKey, fault: Fault, error: type[errors.VaultpyError]
) -> None:
    aws.fail_next("CreateAccessKey", fault)
    with pytest.raises(error):
        iam.create_access_key(signer, "alice")
    assert [call.action for call in aws.calls] == ["CreateAccessKey"]


# ---- strange answers ---------------------------------------------------------------------------------


def test_a_list_in_pages_is_read_to_its_end(answering: Answering, signer: AccessKey) -> None:
    device: Result = {"UserName": "alice", "SerialNumber": SERIAL, "EnableDate": "2027-01-15T08:00:00Z"}
    more: Result = {"IsTruncated": True, "Marker": "1", "MFADevices": [device]}
    empty: Result = {"IsTruncated": True, "Marker": "2", "MFADevices": []}
    last: Result = {"IsTruncated": False, "MFADevices": [device]}
    iam = answering("ListMFADevices", more, empty, last)
    assert iam.mfa_devices(signer, "alice") == (EnabledDevice(SERIAL, NOW),) * 2


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"IsTruncated": True, "Marker": "1", "MFADevices": []}, "a list without an end"),
        ({"IsTruncated": True, "MFADevices": []}, "no Marker"),
        ({"MFADevices": [{"EnableDate": "2027-01-15T08:00:00Z"}]}, "no SerialNumber"),
        ({"MFADevices": [{"SerialNumber": SERIAL}]}, "no EnableDate"),
        ({"MFADevices": [{"SerialNumber": "a\nb", "EnableDate": "1"}]}, "no SerialNumber"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(
    answering: Answering, signer: AccessKey, result: Result, reason: str
) -> None:
    iam = answering("ListMFADevices", result)
    with pytest.raises(errors.AnswerMalformed, match=reason):
        iam.mfa_devices(signer, "alice")


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        (None, "no VirtualMFADevice"),
        ({"SerialNumber": SERIAL}, "no Base32StringSeed"),
        ({"SerialNumber": SERIAL, "Base32StringSeed": ""}, "no Base32StringSeed"),
        ({"SerialNumber": SERIAL, "Base32StringSeed": b64encode(b"=").decode()}, "no Base32StringSeed"),
        ({"SerialNumber": SERIAL, "Base32StringSeed": b64encode(b"0189").decode()}, "no Base32StringSeed"),
        ({"Base32StringSeed": SEED}, "no SerialNumber"),
    ],
)
def test_a_new_device_without_serial_or_seed_is_refused(
    answering: Answering, signer: AccessKey, device: Result | None, reason: str
) -> None:
    iam = answering("CreateVirtualMFADevice", {"VirtualMFADevice": device})
    with pytest.raises(errors.AnswerMalformed, match=reason):
        iam.create_mfa_device(signer, "alice")


def test_a_seed_is_taken_padded_and_in_small_letters_too(answering: Answering, signer: AccessKey) -> None:
    padded = b64encode(b"gezdgnbvgy3tqojqge======").decode()
    device: Result = {"SerialNumber": SERIAL, "Base32StringSeed": padded}
    iam = answering("CreateVirtualMFADevice", {"VirtualMFADevice": device})
    assert iam.create_mfa_device(signer, "alice").seed == Secret("GEZDGNBVGY3TQOJQGE")


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (None, "no AccessKey"),
        ({"SecretAccessKey": "x"}, "no AccessKeyId"),
        ({"AccessKeyId": UNKNOWN_KEY}, "no SecretAccessKey"),
        ({"AccessKeyId": UNKNOWN_KEY, "SecretAccessKey": "x\ny"}, "no SecretAccessKey"),
    ],
)
def test_a_new_key_without_id_or_secret_is_refused(
    answering: Answering, signer: AccessKey, made: Result | None, reason: str
) -> None:
    iam = answering("CreateAccessKey", {"AccessKey": made})
    with pytest.raises(errors.AnswerMalformed, match=reason):
        iam.create_access_key(signer, "alice")


def test_a_last_use_that_makes_no_sense_is_refused(answering: Answering, signer: AccessKey) -> None:
    used: Result = {"AccessKeyLastUsed": {"LastUsedDate": "2027-01-15T08:00:00Z", "ServiceName": "sts"}}
    iam = answering("GetAccessKeyLastUsed", used)
    with pytest.raises(errors.AnswerMalformed, match="no Region"):
        iam.last_use(signer, UNKNOWN_KEY)
