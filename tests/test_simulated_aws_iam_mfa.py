"""The simulated IAM's MFA devices: made, enabled with two codes, resynced, deactivated and deleted."""

from __future__ import annotations

from base64 import b32decode
from typing import TYPE_CHECKING, Any

import pytest

from support.aws import ACCOUNT, Clock, assert_fits, client, refusal
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.aws_mfa import totp

if TYPE_CHECKING:
    from typing import TypeAlias

    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey, User
    from vaultpy.simulated.aws_mfa import MfaDevice

    Client: TypeAlias = Any  # boto3 makes its clients' methods at run time

pytest_plugins = ["support.aws_fixtures"]

SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/alice"
INVALID_TOKEN = (403, "InvalidClientTokenId", "The security token included in the request is invalid")
WRONG_CODES = (403, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
NOT_THE_USERS = (404, "NoSuchEntity", "MFA Device invalid for user.")
NO_SUCH_DEVICE = (404, "NoSuchEntity", f"VirtualMFADevice with serial number {SERIAL} does not exist.")
ACTIONS = (
    "CreateVirtualMFADevice",
    "EnableMFADevice",
    "ResyncMFADevice",
    "ListMFADevices",
    "ListVirtualMFADevices",
    "DeactivateMFADevice",
    "DeleteVirtualMFADevice",
)


@pytest.fixture
def aws_clock() -> Clock:
    """Return a clock at the beginning of a time step."""
    return Clock(1_800_000_000)


@pytest.fixture
def iam(aws: SimulatedAws, key: AccessKey) -> Client:
    """Return a client that signs as alice."""
    return client(aws, key, "iam")


@pytest.fixture
def blank(alice: User) -> MfaDevice:
    """Return a device that was created and not enabled."""
    return alice.account.virtual_device("alice")


def codes(device: MfaDevice, *at: float) -> dict[str, str]:
    return {f"AuthenticationCode{number}": device.code(time) for number, time in enumerate(at, 1)}


def enabling(device: MfaDevice, now: float, user: str = "alice") -> dict[str, str]:
    return {"UserName": user, "SerialNumber": device.serial, **codes(device, now - 30, now)}


def with_code(device: MfaDevice, at: float) -> dict[str, str]:
    return {"SerialNumber": device.serial, "TokenCode": device.code(at)}


def test_the_whole_life_of_a_device_in_replies_that_fit_the_api_model(
    aws: SimulatedAws, aws_clock: Clock, alice: User, key: AccessKey, iam: Client
) -> None:
    def call(action: str, **parameters: str) -> Any:  # noqa: ANN401  # a reply of boto3
        names = {api: method for method, api in iam.meta.method_to_api_mapping.items()}
        reply = getattr(iam, names[action])(**parameters)
        shape = iam.meta.service_model.operation_model(action).output_shape
        if shape is None:
            assert set(reply) == {"ResponseMetadata"}
        else:
            assert_fits(reply, shape)
        return reply

    made = call("CreateVirtualMFADevice", VirtualMFADeviceName="alice")["VirtualMFADevice"]
    assert made["SerialNumber"] == SERIAL
    assert made["QRCodePNG"].startswith(b"\x89PNG")
    seed = b32decode(made["Base32StringSeed"])
    step = int(aws_clock.now) // 30
    two_codes = {"AuthenticationCode1": totp(seed, step - 1), "AuthenticationCode2": totp(seed, step)}
    call("EnableMFADevice", UserName="alice", SerialNumber=SERIAL, **two_codes)
    listed = call("ListMFADevices")["MFADevices"]
    assert [each["SerialNumber"] for each in listed] == [SERIAL]
    assert listed[0]["EnableDate"].timestamp() == aws_clock.now
    assert call("ListVirtualMFADevices")["VirtualMFADevices"][0]["User"]["Arn"] == alice.arn

    client(aws, key).get_session_token(SerialNumber=SERIAL, TokenCode=totp(seed, step + 1))
    aws_clock.advance(90)
    two_codes = {"AuthenticationCode1": totp(seed, step + 2), "AuthenticationCode2": totp(seed, step + 3)}
    call("ResyncMFADevice", UserName="alice", SerialNumber=SERIAL, **two_codes)
    call("DeactivateMFADevice", UserName="alice", SerialNumber=SERIAL)
    assert "User" not in call("ListVirtualMFADevices")["VirtualMFADevices"][0]
    call("DeleteVirtualMFADevice", SerialNumber=SERIAL)
    assert call("ListVirtualMFADevices")["VirtualMFADevices"] == []
    assert not any(code in repr(aws.requests) for code in two_codes.values())


def test_a_device_has_a_name_and_a_path_that_nobody_else_has(iam: Client, alice: User) -> None:
    iam.create_virtual_mfa_device(VirtualMFADeviceName="alice")
    expected = (409, "EntityAlreadyExists", "MFADevice entity at the same path and name already exists.")
    for name in ("alice", "Alice"):
        assert refusal(iam.create_virtual_mfa_device, VirtualMFADeviceName=name) == expected
    reply = iam.create_virtual_mfa_device(VirtualMFADeviceName="alice", Path="/team/")
    assert reply["VirtualMFADevice"]["SerialNumber"] == alice.account.arn("mfa/team/alice")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"VirtualMFADeviceName": ""},
        {"VirtualMFADeviceName": "a b"},
        {"VirtualMFADeviceName": "a" * 227},
        {"VirtualMFADeviceName": "a", "Path": "team"},
    ],
)
def test_a_name_or_path_that_aws_does_not_take_is_refused(
    iam: Client, alice: User, parameters: dict[str, str]
) -> None:
    assert refusal(iam.create_virtual_mfa_device, **parameters)[:2] == (400, "ValidationError")
    assert alice.account.virtual_devices == {}


@pytest.mark.parametrize("steps_ago", [0, 1, 5, 19])
def test_two_codes_in_a_row_enable_a_device_and_old_ones_leave_it_out_of_sync(
    aws: SimulatedAws, aws_clock: Clock, iam: Client, blank: MfaDevice, steps_ago: int
) -> None:
    then, key = aws_clock.now, aws.account(ACCOUNT).users["alice"].access_key()
    aws_clock.advance(30 * steps_ago)
    iam.enable_mfa_device(**enabling(blank, then))
    sts, code = client(aws, key), with_code(blank, aws_clock.now + 30)
    if steps_ago <= 1:
        sts.get_session_token(**code)
    else:
        assert "unable to validate MFA code" in refusal(sts.get_session_token, **code)[2]
        aws_clock.advance(60)
        two = codes(blank, aws_clock.now - 30, aws_clock.now)
        iam.resync_mfa_device(UserName="alice", SerialNumber=blank.serial, **two)
        sts.get_session_token(**with_code(blank, aws_clock.now + 30))


@pytest.mark.parametrize("at", [(0, -30), (0, 0), (-60, 0), (0, 30), (-630, -600)])
def test_codes_that_are_not_the_last_ones_in_a_row_are_refused(
    aws_clock: Clock, alice: User, iam: Client, blank: MfaDevice, at: tuple[int, int]
) -> None:
    two = codes(blank, *(aws_clock.now + seconds for seconds in at))
    asked = {"UserName": "alice", "SerialNumber": blank.serial, **two}
    assert refusal(iam.enable_mfa_device, **asked) == WRONG_CODES
    assert alice.mfa_devices == {}


def test_the_two_codes_count_as_used(
    aws: SimulatedAws, aws_clock: Clock, key: AccessKey, iam: Client, blank: MfaDevice
) -> None:
    iam.enable_mfa_device(**enabling(blank, aws_clock.now))
    sts = client(aws, key)
    for ago in (0, 30):
        code = with_code(blank, aws_clock.now - ago)
        assert "invalid MFA one time pass code" in refusal(sts.get_session_token, **code)[2]
    assert refusal(iam.resync_mfa_device, **enabling(blank, aws_clock.now)) == WRONG_CODES
    aws_clock.advance(30)
    assert refusal(iam.resync_mfa_device, **enabling(blank, aws_clock.now)) == WRONG_CODES
    sts.get_session_token(**with_code(blank, aws_clock.now))


def test_a_resync_helps_a_device_that_is_out_of_sync(
    aws: SimulatedAws, aws_clock: Clock, key: AccessKey, iam: Client, device: MfaDevice
) -> None:
    device.out_of_sync = True
    iam.resync_mfa_device(**enabling(device, aws_clock.now))
    client(aws, key).get_session_token(**with_code(device, aws_clock.now + 30))


def test_a_device_is_enabled_once(aws_clock: Clock, alice: User, iam: Client, device: MfaDevice) -> None:
    alice.account.user("bob")
    expected = (409, "EntityAlreadyExists", "MFA Device is already in use.")
    for user in ("alice", "bob"):
        assert refusal(iam.enable_mfa_device, **enabling(device, aws_clock.now, user)) == expected


def test_a_user_has_eight_devices_at_most(
    aws_clock: Clock, alice: User, iam: Client, blank: MfaDevice
) -> None:
    for number in range(7):
        alice.mfa_device(f"d{number}")
    alice.fido_device("blue")
    expected = (409, "LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8")
    assert refusal(iam.enable_mfa_device, **enabling(blank, aws_clock.now)) == expected
    alice.mfa_devices.popitem()
    iam.enable_mfa_device(**enabling(blank, aws_clock.now))


def test_a_device_or_user_that_does_not_exist_is_named(
    aws_clock: Clock, alice: User, iam: Client, blank: MfaDevice
) -> None:
    nobody = (404, "NoSuchEntity", "The user with name nobody cannot be found.")
    assert refusal(iam.enable_mfa_device, **enabling(blank, aws_clock.now, "nobody")) == nobody
    del alice.account.virtual_devices[SERIAL]
    assert refusal(iam.enable_mfa_device, **enabling(blank, aws_clock.now)) == NO_SUCH_DEVICE
    assert refusal(iam.resync_mfa_device, **enabling(blank, aws_clock.now)) == NOT_THE_USERS
    assert refusal(iam.deactivate_mfa_device, UserName="alice", SerialNumber=SERIAL) == NOT_THE_USERS
    assert refusal(iam.delete_virtual_mfa_device, SerialNumber=SERIAL) == NO_SUCH_DEVICE


def test_enable_and_resync_want_the_user_s_name(aws_clock: Clock, iam: Client, blank: MfaDevice) -> None:
    asked = enabling(blank, aws_clock.now)
    del asked["UserName"]
    for call in (iam.enable_mfa_device, iam.resync_mfa_device):
        assert "Value null at 'userName'" in refusal(call, **asked)[2]


def test_a_device_in_use_is_not_deleted_and_a_deactivated_one_makes_no_session(
    aws: SimulatedAws, aws_clock: Clock, key: AccessKey, iam: Client, device: MfaDevice
) -> None:
    expected = (409, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
    assert refusal(iam.delete_virtual_mfa_device, SerialNumber=device.serial) == expected
    iam.deactivate_mfa_device(SerialNumber=device.serial)
    answer = refusal(client(aws, key).get_session_token, **with_code(device, aws_clock.now))
    assert "unable to validate MFA code" in answer[2]
    iam.enable_mfa_device(**enabling(device, aws_clock.now))


@pytest.mark.parametrize("make", ["hardware", "fido"])
def test_other_kinds_of_device_can_be_taken_off(alice: User, iam: Client, make: str) -> None:
    other = alice.mfa_device(serial="GAHT12345678") if make == "hardware" else alice.fido_device("blue")
    iam.deactivate_mfa_device(UserName="alice", SerialNumber=other.serial)
    assert iam.list_mfa_devices()["MFADevices"] == iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []


def test_virtual_devices_are_listed_by_assignment_and_in_pages(
    alice: User, iam: Client, device: MfaDevice
) -> None:
    spare = alice.account.virtual_device("spare")

    def listed(**parameters: object) -> list[str]:
        pages = iam.get_paginator("list_virtual_mfa_devices").paginate(**parameters)
        return [each["SerialNumber"] for page in pages for each in page["VirtualMFADevices"]]

    assert listed(AssignmentStatus="Assigned") == [device.serial]
    assert listed(AssignmentStatus="Unassigned") == [spare.serial]
    for every in ({}, {"AssignmentStatus": "Any"}, {"PaginationConfig": {"PageSize": 1}}):
        assert listed(**every) == [device.serial, spare.serial]
    assert refusal(iam.list_virtual_mfa_devices, AssignmentStatus="None")[1] == "ValidationError"


def test_a_user_made_anew_a_moment_ago_cannot_be_changed(
    aws_clock: Clock, alice: User, iam: Client, blank: MfaDevice, device: MfaDevice
) -> None:
    alice.in_transition = True
    answers = (
        refusal(iam.enable_mfa_device, **enabling(blank, aws_clock.now)),
        refusal(iam.deactivate_mfa_device, UserName="alice", SerialNumber=device.serial),
    )
    assert {answer[:2] for answer in answers} == {(409, "EntityTemporarilyUnmodifiable")}


def test_an_administrator_gives_another_user_a_device(
    aws: SimulatedAws, aws_clock: Clock, alice: User, iam: Client
) -> None:
    bob = alice.account.user("bob")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="bob")["VirtualMFADevice"]
    device = alice.account.virtual_devices[made["SerialNumber"]]
    iam.enable_mfa_device(**enabling(device, aws_clock.now, "bob"))
    client(aws, bob.access_key()).get_session_token(**with_code(device, aws_clock.now + 30))
    assert iam.list_mfa_devices(UserName="bob")["MFADevices"]
    assert refusal(iam.resync_mfa_device, **enabling(device, aws_clock.now, "alice")) == NOT_THE_USERS
    iam.deactivate_mfa_device(UserName="bob", SerialNumber=device.serial)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("why", ["denied", "denied without MFA", "a session without MFA"])
def test_each_action_can_be_refused(  # noqa: PLR0913, PLR0917  # fixtures
    aws: SimulatedAws, aws_clock: Clock, alice: User, key: AccessKey, blank: MfaDevice, action: str, why: str
) -> None:
    signer: Any = key
    if why == "a session without MFA":
        signer = client(aws, key).get_session_token()["Credentials"]
    else:
        (alice.denied if why == "denied" else alice.denied_without_mfa).add(f"iam:{action}")
    iam = client(aws, signer, "iam")
    method = next(name for name, api in iam.meta.method_to_api_mapping.items() if api == action)
    everything = enabling(blank, aws_clock.now) | {"VirtualMFADeviceName": "new"}
    shape = iam.meta.service_model.operation_model(action).input_shape
    asked = {name: value for name, value in everything.items() if name in shape.members}
    status, code, text = refusal(getattr(iam, method), **asked)
    if why == "a session without MFA":
        assert (status, code, text) == INVALID_TOKEN
    else:
        assert (status, code) == (403, "AccessDenied")
        assert text.startswith(
            f"User: {alice.arn} is not authorized to perform: iam:{action} on resource: arn"
        )
    assert list(alice.account.virtual_devices) == [blank.serial]
    assert alice.mfa_devices == {}


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.HANG])
def test_a_fault_strikes_before_the_device_is_enabled_or_after(
    aws: SimulatedAws, alice: User, iam: Client, blank: MfaDevice, fault: Fault
) -> None:
    aws.fail_next("EnableMFADevice", fault)
    with pytest.raises(Exception):  # noqa: B017, PT011  # each fault has an exception of its own
        iam.enable_mfa_device(**enabling(blank, aws.clock()))
    assert set(alice.mfa_devices) == (set() if fault.strikes_first else {SERIAL})
