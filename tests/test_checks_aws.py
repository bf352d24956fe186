"""What AWS says of an enrolled key, by a simulation that verifies; nothing there is changed, nobody asked."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from support.aws import ACCOUNT
from support.aws_clients import iam_at
from vaultpy import errors
from vaultpy.checks_aws import EnrolledKey
from vaultpy.findings import Finding, WouldAskError
from vaultpy.iam_records import NOT_THERE
from vaultpy.records import Enrolment
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.sts_and_iam import StsAndIam
from vaultpy.values import Secret

if TYPE_CHECKING:
    from support.aws import Clock
    from vaultpy.access_keys import Keystore
    from vaultpy.credentials import AccessKey as OurKey
    from vaultpy.iam import Iam
    from vaultpy.iam_records import AccessKeyState
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey, User
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.lasting_aws"]
DAY = 86400
READS = {"GetCallerIdentity", "ListMFADevices", "ListAccessKeys"}


class Quick(StsAndIam):
    """STS and IAM, whose client was built before."""

    def _iam(self) -> Iam:
        return iam_at(str(self._iam_at[1]))


class Case:
    """alice's key, enrolled as `dev`, and all that AWS knows of her."""

    def __init__(self, aws: SimulatedAws, key: AccessKey, device: MfaDevice) -> None:
        self.aws = aws
        self.kind: type[StsAndIam] = Quick
        self.key = key
        self.keystore = MemoryKeystore[Secret]()
        self.keystore.set(f"access-key/{key.id}", Secret(key.secret))
        self.wanted = {device.serial: "dev-role"}
        self.user_arn = key.user.arn
        self.listed: tuple[str, ...] = ()
        self.names: dict[str, str] = {}
        self.rotated: set[str] = set()

    def look(self) -> list[Finding]:
        """Return what is found, and hold it to reading alone."""
        enrolled = Enrolment(
            name="dev",
            access_key_id=self.key.id,
            user_arn=self.user_arn,
            mfa_serials=self.listed,
            keystore="system",
            keystore_file="",
            added=0,
        )

        def keystore(_name: str, _file: str) -> Keystore:
            return self.keystore

        def aws(_enrolment: Enrolment) -> StsAndIam:
            return self.kind("eu-central-1", self.aws.url, self.aws.url, {})

        found = list(
            EnrolledKey(
                enrolled, keystore, aws, self.wanted, time.time, names=self.names, rotated=self.rotated
            ).look()
        )
        assert {call.action for call in self.aws.requests} <= READS
        return found


@pytest.fixture
def aws_clock(lasting_clock: Clock) -> Clock:
    """Return the clock that AWS goes by."""
    return lasting_clock


@pytest.fixture
def aws(lasting_aws: SimulatedAws) -> SimulatedAws:
    """Return an AWS at an address that lasts: a client of its IAM is built once."""
    return lasting_aws


@pytest.fixture
def case(aws: SimulatedAws, key: AccessKey, device: MfaDevice) -> Case:
    return Case(aws, key, device)


def wrong(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.state != "ok"]


def test_a_healthy_key_is_ok_in_all_that_is_asked(case: Case, alice: User) -> None:
    case.kind = StsAndIam
    found = case.look()
    said = [finding.text for finding in found]
    assert wrong(found) == []
    assert said == [
        f"{case.aws.url} answers, and this computer's clock agrees with it",
        f"access key {case.key.id} is in its keystore",
        f"AWS takes it: it belongs to {alice.arn}",
        f"MFA device arn:aws:iam::{ACCOUNT}:mfa/alice is the user's",
        f"access key {case.key.id} is 0 days old",
    ]


# ---- the keystore ----------------------------------------------------------------------------------------


def test_a_keystore_that_would_ask_leaves_the_key_alone(case: Case) -> None:
    for failure in (WouldAskError("it is locked"), errors.KeystoreLocked()):
        case.keystore.failure = failure
        (finding,) = wrong(case.look())
        assert finding.state == "skipped"
        assert "locked" in finding.text
    assert not any(call.signed for call in case.aws.requests)


def test_the_clock_is_looked_at_though_the_key_cannot_be_taken_out(case: Case, aws_clock: Clock) -> None:
    case.keystore.failure = errors.KeystoreLocked()
    aws_clock.now = time.time() + 60
    clock, key = case.look()
    assert (clock.state, clock.remedy, key.state) == ("warning", errors.ClockWrong.hint, "skipped")


def test_a_key_that_is_lost_is_the_error_of_it(case: Case) -> None:
    case.keystore.delete(f"access-key/{case.key.id}")
    with pytest.raises(errors.KeyLost) as lost:
        case.look()
    assert lost.value.hint == "enrol it again: vaultpy add --force dev"


# ---- the clock -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (60, r"this computer's clock is (1m 0|5)\ds behind AWS's"),
        (-300, r"clock is [45]m \d\ds ahead of AWS's"),
    ],
)
def test_a_clock_that_is_off_is_a_warning(case: Case, aws_clock: Clock, ahead: int, said: str) -> None:
    case.key.effective_from -= 3600  # it was made at the time that the clock tells no more
    aws_clock.now = time.time() + ahead
    (finding,) = wrong(case.look())
    assert (finding.state, finding.remedy) == ("warning", errors.ClockWrong.hint)
    assert re.search(said, finding.text)


def test_a_clock_that_aws_does_not_bear_is_the_error_of_it(case: Case, aws_clock: Clock) -> None:
    aws_clock.now = time.time() + 3600
    (finding,) = wrong(case.look())
    assert (finding.state, finding.remedy) == ("failure", errors.ClockWrong.hint)
    assert not any(call.signed for call in case.aws.requests)


def test_an_endpoint_that_is_not_there_leaves_the_keystore_to_be_looked_at(case: Case) -> None:
    class Unreachable(Quick):
        def __init__(self, region: str, _sts: str, iam: str, settings: dict[str, str]) -> None:
            super().__init__(region, "http://127.0.0.1:9", iam, settings)

    case.kind = Unreachable
    assert [it.state for it in case.look()] == ["failure", "ok"]
    case.keystore.delete(f"access-key/{case.key.id}")
    with pytest.raises(errors.KeyLost):
        case.look()


# ---- the key ---------------------------------------------------------------------------------------------


def test_a_key_that_aws_does_not_take_is_the_error_of_it_with_its_profile(case: Case) -> None:
    case.key.active = False
    with pytest.raises(errors.AccessKeyRefused) as refused:
        case.look()
    assert refused.value.hint.endswith(": vaultpy add --force dev")


def test_a_secret_that_is_not_the_keys_is_the_error_of_it_with_its_profile(case: Case) -> None:
    case.keystore.set(f"access-key/{case.key.id}", Secret("hunter2"))
    with pytest.raises(errors.SecretWrong) as refused:
        case.look()
    assert refused.value.hint.endswith(": vaultpy add --force dev")


def test_a_key_that_became_anothers_is_a_warning(case: Case) -> None:
    case.user_arn = f"arn:aws:iam::{ACCOUNT}:user/bob"
    (finding,) = wrong(case.look())
    assert (finding.state, finding.remedy) == ("warning", "enrol it again: vaultpy add --force dev")
    case.user_arn = ""  # enrolled without asking AWS
    assert wrong(case.look()) == []


@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (91, "warning")])
def test_a_key_is_old_after_ninety_days(case: Case, days: int, state: str) -> None:
    case.key.created -= days * DAY + 60
    finding = case.look()[-1]
    assert (finding.state, f"{days} days old" in finding.text) == (state, True)
    assert finding.remedy == ("replace it: vaultpy rotate dev" if state == "warning" else "")


def test_a_second_key_is_a_warning_with_the_command_that_deletes_it(case: Case, alice: User) -> None:
    other = alice.access_key()
    other.active = False
    (finding,) = wrong(case.look())
    assert finding.text == f"the user has another access key, {other.id}: inactive, 0 days old"
    command = f"aws iam delete-access-key --user-name alice --access-key-id {other.id}"
    assert finding.remedy == f"if nothing uses it: vaultpy exec dev -- {command}"
    case.names = {other.id: "lap top"}
    (finding,) = wrong(case.look())
    assert finding.text.endswith("inactive, 0 days old, enrolled here as lap top")
    assert (
        finding.remedy == f"if nothing uses it: vaultpy remove 'lap top', then vaultpy exec dev -- {command}"
    )


def test_the_user_of_a_second_key_is_the_one_that_aws_told(case: Case, alice: User) -> None:
    alice.access_key()
    case.user_arn = ""  # enrolled without asking AWS
    (finding,) = wrong(case.look())
    assert " --user-name alice " in finding.remedy


def test_without_an_mfa_device_a_second_key_is_left_to_the_console(case: Case, alice: User) -> None:
    other = alice.access_key()
    case.wanted = {}
    (finding,) = wrong(case.look())
    assert finding.remedy == f"if nothing uses it: delete {other.id} in the IAM console"


def test_keys_of_a_rotation_are_not_told_as_other_keys(case: Case, alice: User) -> None:
    case.rotated = {alice.access_key().id, case.key.id}
    assert wrong(case.look()) == []


# ---- MFA devices -----------------------------------------------------------------------------------------


def test_a_device_that_is_not_the_users_fails_and_those_that_are_are_named(case: Case) -> None:
    gone = f"arn:aws:iam::{ACCOUNT}:mfa/old-phone"
    case.wanted = {gone: "dev-role"}
    (finding,) = wrong(case.look())
    assert (finding.state, finding.remedy) == ("failure", "correct mfa_serial in profile dev-role")
    assert finding.text.endswith(f"AWS knows of: arn:aws:iam::{ACCOUNT}:mfa/alice")
    case.listed = (gone,)
    (finding,) = wrong(case.look())
    assert finding.remedy == "enrol the key again: vaultpy add --force dev"


def test_a_user_without_a_device_is_a_warning(case: Case, alice: User) -> None:
    alice.mfa_devices.clear()
    case.wanted = {}
    (finding,) = wrong(case.look())
    assert (finding.state, finding.text) == ("warning", "this user has no MFA device")
    assert finding.remedy == "make one on a YubiKey: vaultpy mfa enroll dev"
    alice.fido_device("key")
    (finding,) = wrong(case.look())
    assert "security keys, which cannot serve the API" in finding.text


def test_what_the_user_may_not_list_is_skipped(case: Case, alice: User) -> None:
    alice.denied_without_mfa |= {"iam:ListMFADevices", "iam:ListAccessKeys"}
    found = wrong(case.look())
    assert [finding.text for finding in found] == [
        "AWS does not let the user list its MFA devices without MFA",
        "AWS does not let the user list its access keys without MFA",
    ]
    assert {finding.state for finding in found} == {"skipped"}


def test_another_refusal_is_the_error_of_it(case: Case, key: AccessKey) -> None:
    class Refusing(Quick):
        def access_keys(self, signer: OurKey, user_name: str) -> tuple[AccessKeyState, ...]:
            raise errors.AwsRefused(code=NOT_THERE, reason=f"{signer.id}, {user_name}")

    case.kind = Refusing
    with pytest.raises(errors.AwsRefused) as refused:
        case.look()
    assert refused.value.message.endswith(f"{key.id}, alice")


@pytest.mark.parametrize("action", sorted(READS))
def test_a_call_that_fails_is_the_error_of_it(case: Case, action: str) -> None:
    case.aws.fail_next(action, Fault.THROTTLING)
    with pytest.raises(errors.AwsBusy):
        case.look()
