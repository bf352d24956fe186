"""An MFA device goes everywhere or is named with the command that finishes it; AWS and keys are simulated."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from yubikit.oath import OathSession

from support.aws import ACCOUNT, client
from support.aws_clients import iam_at
from support.keys import READER, ScriptedPerson, SimulatedCards
from support.keys import Desk as KeyDesk
from vaultpy import errors
from vaultpy.config import Config
from vaultpy.credentials import AccessKey, Credentials
from vaultpy.index import Index
from vaultpy.mfa_removal import Removal, Remover, profiles_naming
from vaultpy.mfa_removal_in_iam import Devices
from vaultpy.records import Enrolment
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.aws import Clock
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_mfa import MfaDevice
    from vaultpy.yubikey_in_hand import YubiKeyInHand

pytest_plugins = ["support.aws_fixtures", "support.lasting_aws"]

SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/alice"
SPARE = f"arn:aws:iam::{ACCOUNT}:mfa/spare"
QR_CODE = f"Amazon Web Services:alice@{ACCOUNT}"
SEED = b"twenty bytes of seed"
CONFIG = f"""# mine
[profile dev]
mfa_serial = {SERIAL}
region = eu-central-1 ; a comment

[profile other]
mfa_serial={SPARE}
"""
COMMAND = f"vaultpy mfa remove dev --mfa-serial {SERIAL}"


class Desk:
    """Alice, her device in IAM and on a YubiKey, her config and her index."""

    def __init__(self, directory: Path, aws: SimulatedAws, key: AwsAccessKey, device: MfaDevice) -> None:
        key.effective_from = 0
        self.aws, self._key, self._device = aws, key, device
        self.user = key.user
        self.yubikey = SimulatedYubiKey()
        self.yubikey.add_account(SERIAL, SEED, touch=True)
        self.cards = SimulatedCards.with_key(self.yubikey)
        self.config = directory / "config"
        self.config.write_text(CONFIG)
        self.index = Index(str(directory / "index"))
        for name, key_id in (("dev", key.id), ("twin", key.id), ("other", "AKIAIOSFODNN7EXAMPLE")):
            self._enrol(name, key_id)
        self.sessions = 0
        self.said: list[str] = []
        self.noted: list[str] = []
        self.keys_fail: errors.VaultpyError | None = None

    def _enrol(self, name: str, key_id: str) -> None:
        serials = (SPARE,) if name == "other" else (SERIAL, SPARE)
        enrolment = Enrolment(
            name=name,
            access_key_id=key_id,
            user_arn=f"arn:aws:iam::{ACCOUNT}:user/alice",
            mfa_serials=serials,
            keystore="system",
            keystore_file="",
            added=7,
        )
        self.index.enrol(enrolment)

    def devices(self, *, with_session: bool = True, user: str = "alice") -> Devices:
        """Return alice's devices, or another user's as she may see them."""
        signer = AccessKey(self._key.id, Secret(self._key.secret))
        session = self._session if with_session else None
        iam, own = iam_at(self.aws.url), user == "alice"
        return Devices(iam, user, signer, session, profile="dev", own=own)

    def _session(self) -> Credentials:
        self.sessions += 1
        asked = {"SerialNumber": SERIAL, "TokenCode": self._device.code(self.aws.clock())}
        made = client(self.aws, self._key).get_session_token(**asked)["Credentials"]
        secret, token = Secret(made["SecretAccessKey"]), Secret(made["SessionToken"])
        return Credentials(made["AccessKeyId"], secret, token, int(made["Expiration"].timestamp()))

    def remove(self, removal: Removal | None = None, devices: Devices | None = None) -> None:
        """Remove the device as a new run does."""

        def keys() -> list[tuple[str, YubiKeyInHand | errors.VaultpyError]]:
            if self.keys_fail is not None:
                raise self.keys_fail
            return KeyDesk(self.cards, ScriptedPerson()).choice().all()

        remover = Remover(
            devices or self.devices(),
            keys,
            index=self.index,
            config_path=str(self.config),
            say=self.said.append,
            note=self.noted.append,
        )
        remover.remove(removal or Removal("dev", "alice", SERIAL))

    def is_gone(self) -> bool:
        """Tell whether it is gone everywhere, and nothing else is."""
        in_iam = SERIAL in self.user.mfa_devices or SERIAL in self.user.account.virtual_devices
        serials = [enrolment.mfa_serials for enrolment in self.index.enrolments()]
        return (
            not in_iam
            and SERIAL not in self.yubikey.accounts
            and self.config.read_text() == CONFIG.replace(f"mfa_serial = {SERIAL}\n", "")
            and serials == [(SPARE,)] * 3
        )


@pytest.fixture
def aws_clock(lasting_clock: Clock) -> Clock:
    """Return the clock that AWS goes by."""
    return lasting_clock


@pytest.fixture
def aws(lasting_aws: SimulatedAws) -> SimulatedAws:
    """Return an AWS at an address that lasts: its clients are built once."""
    return lasting_aws


@pytest.fixture
def desk(tmp_path: Path, aws: SimulatedAws, key: AwsAccessKey, device: MfaDevice) -> Desk:
    """Return alice's desk."""
    return Desk(tmp_path, aws, key, device)


def unfinished(call: Callable[[], None]) -> errors.MfaRemovalUnfinished:
    with pytest.raises(errors.MfaRemovalUnfinished) as raised:
        call()
    return raised.value


def test_the_device_goes_everywhere_and_nothing_else_does(desk: Desk) -> None:
    desk.yubikey.add_account("GitHub:alice", SEED)
    before = {enrolment.name: enrolment.access_key_id for enrolment in desk.index.enrolments()}
    desk.remove()
    assert desk.is_gone()
    assert desk.yubikey.accounts == {"GitHub:alice": False}
    assert {enrolment.name: enrolment.access_key_id for enrolment in desk.index.enrolments()} == before
    assert desk.said == [
        f"removed MFA device {SERIAL} of alice from IAM",
        f"deleted account {SERIAL} from YubiKey 12345678",
        f"took mfa_serial out of [profile dev] in {desk.config}",
    ]
    assert desk.sessions == 0


def test_it_goes_from_every_key_that_is_plugged_in(desk: Desk) -> None:
    spare = SimulatedYubiKey(serial=87654321)
    spare.add_account(SERIAL, SEED, touch=True)
    desk.cards.keys["Yubico YubiKey 01 00"] = spare
    desk.remove()
    assert spare.accounts == desk.yubikey.accounts == {}


def test_no_key_is_calculated_on_and_none_touched(desk: Desk) -> None:
    desk.remove()
    assert not {call.name for call in desk.yubikey.calls} & {"CALCULATE", "CALCULATE ALL"}
    assert desk.yubikey.calculations == 0


# ---- accounts that two devices may share -------------------------------------------------------------


def test_the_qr_codes_account_goes_with_the_users_only_device(desk: Desk) -> None:
    desk.yubikey.add_account(QR_CODE, SEED)
    desk.user.fido_device("blue")
    desk.remove()
    assert desk.yubikey.accounts == {}


def test_the_qr_codes_account_stays_where_another_device_may_be_its_own(desk: Desk) -> None:
    desk.yubikey.add_account(QR_CODE, SEED)
    desk.user.mfa_device("spare")
    desk.remove()
    assert list(desk.yubikey.accounts) == [QR_CODE]


def test_the_qr_codes_account_stays_where_iam_does_not_tell(desk: Desk) -> None:
    desk.yubikey.add_account(QR_CODE, SEED)
    desk.user.denied.add("iam:ListMFADevices")
    desk.remove()
    assert list(desk.yubikey.accounts) == [QR_CODE]


def test_the_account_that_the_profile_names_goes_with_its_setting(desk: Desk) -> None:
    desk.yubikey.add_account("work", SEED)
    desk.config.write_text("[profile dev]\nvaultpy_account = work\nregion = x\n")
    desk.remove(Removal("dev", "alice", SERIAL, account="work"))
    assert desk.yubikey.accounts == {}
    assert desk.config.read_text() == "[profile dev]\nregion = x\n"


# ---- who signs ---------------------------------------------------------------------------------------


def test_a_session_signs_what_is_denied_without_mfa_and_is_made_once(desk: Desk) -> None:
    desk.user.denied_without_mfa |= {"iam:DeactivateMFADevice", "iam:DeleteVirtualMFADevice"}
    desk.remove()
    assert desk.is_gone()
    assert desk.sessions == 1


def test_a_session_that_only_the_deletion_wants_is_made_while_the_device_still_can(desk: Desk) -> None:
    desk.user.denied_without_mfa.add("iam:DeleteVirtualMFADevice")
    desk.remove()
    assert desk.is_gone()
    assert desk.sessions == 1


def test_a_deletion_that_is_denied_is_told_before_the_device_is_deactivated(desk: Desk) -> None:
    desk.user.denied.add("iam:DeleteVirtualMFADevice")
    with pytest.raises(errors.DeviceForbidden) as raised:
        desk.remove()
    assert raised.value.hint.endswith(f": vaultpy mfa remove ADMIN --user alice --mfa-serial {SERIAL}")
    assert SERIAL in desk.user.mfa_devices


def test_a_device_that_is_enabled_for_nobody_is_asked_for_no_session(desk: Desk) -> None:
    desk.user.denied_without_mfa.add("iam:DeleteVirtualMFADevice")
    desk.user.mfa_devices.clear()
    with pytest.raises(errors.DeviceForbidden) as raised:
        desk.remove()
    assert raised.value.hint.endswith(f": vaultpy mfa remove ADMIN --user alice --mfa-serial {SERIAL}")
    assert desk.sessions == 0


def test_after_the_device_is_deactivated_no_session_is_made_with_it(desk: Desk) -> None:
    devices = desk.devices()
    assert devices.deactivate(SERIAL)
    desk.user.denied |= {"iam:DeleteVirtualMFADevice", "iam:ListMFADevices"}
    with pytest.raises(errors.DeviceForbidden):
        devices.delete(SERIAL)
    assert desk.sessions == 0


def test_an_administrators_session_deletes_the_device_of_a_user_who_has_no_other(desk: Desk) -> None:
    bob = desk.user.account.user("bob")
    device = bob.account.virtual_device("bob")
    desk.user.denied_without_mfa.add("iam:DeleteVirtualMFADevice")
    desk.remove(Removal("dev", "bob", device.serial, user="bob"), desk.devices(user="bob"))
    assert device.serial not in bob.account.virtual_devices
    assert desk.sessions == 1


@pytest.mark.parametrize("with_session", [True, False])
def test_what_is_denied_anyway_changes_nothing_and_names_the_administrators_command(
    desk: Desk, *, with_session: bool
) -> None:
    desk.user.denied.add("iam:DeactivateMFADevice")
    with pytest.raises(errors.DeviceForbidden) as raised:
        desk.remove(devices=desk.devices(with_session=with_session))
    assert raised.value.hint.endswith(f": vaultpy mfa remove ADMIN --user alice --mfa-serial {SERIAL}")
    assert desk.yubikey.accounts == {SERIAL: True}
    assert desk.config.read_text() == CONFIG
    assert SERIAL in desk.user.mfa_devices


def test_an_administrator_removes_anothers_device_and_keeps_their_own_profile(desk: Desk) -> None:
    bob = desk.user.account.user("bob")
    device = bob.mfa_device()
    desk.config.write_text(CONFIG.replace(SERIAL, device.serial))
    before = desk.config.read_text()
    desk.remove(Removal("dev", "bob", device.serial, user="bob"), desk.devices(user="bob"))
    assert bob.mfa_devices == {}
    assert device.serial not in bob.account.virtual_devices
    assert desk.config.read_text() == before
    assert SERIAL in desk.user.mfa_devices


def test_a_device_of_somebody_else_is_not_touched(desk: Desk) -> None:
    theirs = desk.user.account.user("bob").mfa_device()
    with pytest.raises(errors.NotTheirDevice):
        desk.remove(Removal("dev", "alice", theirs.serial))
    assert desk.user.account.holder(theirs.serial) is not None


@pytest.mark.parametrize("kind", ["fido", "hardware"])
def test_what_no_key_holds_is_only_taken_from_the_user(desk: Desk, kind: str) -> None:
    made = desk.user.fido_device("blue") if kind == "fido" else desk.user.mfa_device(serial="GAHT12345678")
    desk.remove(Removal("dev", "alice", made.serial))
    assert list(desk.user.mfa_devices) == [SERIAL]
    assert desk.said == [f"removed MFA device {made.serial} of alice from IAM"]
    assert desk.yubikey.calls == []


# ---- which device ------------------------------------------------------------------------------------


def test_the_one_that_is_known_is_meant_else_the_one_that_iam_has(desk: Desk) -> None:
    desk.user.fido_device("blue")
    assert desk.devices().only_serial((SPARE,)) == SPARE
    assert desk.devices().only_serial(()) == SERIAL


def test_of_several_none_is_meant(desk: Desk) -> None:
    desk.user.mfa_device("spare")
    for known in ((), (SERIAL, SPARE)):
        with pytest.raises(errors.SeveralMfaDevices) as raised:
            desk.devices().only_serial(known)
        assert raised.value.message == f"alice has several MFA devices: {SERIAL}, {SPARE}"


def test_without_any_there_is_none_to_remove(desk: Desk) -> None:
    desk.user.mfa_devices.clear()
    with pytest.raises(errors.NoMfaDevice):
        desk.devices().only_serial(())


def test_the_question_names_the_device_and_says_if_it_is_the_only_one(desk: Desk) -> None:
    removal = Removal("dev", "alice", SERIAL)
    where = "from IAM and the YubiKeys that are plugged in, for good?"
    assert desk.devices().only(SERIAL)
    assert (
        removal.question(only=True) == f"remove MFA device {SERIAL} of alice, the only one for codes, {where}"
    )
    desk.user.mfa_device("spare")
    assert not desk.devices().only(SERIAL)
    assert removal.question(only=False) == f"remove MFA device {SERIAL} of alice, {where}"


def test_profiles_that_name_it_are_found_also_in_lists(desk: Desk) -> None:
    desk.config.write_text(
        CONFIG
        + f"\n[profile both]\nvaultpy_mfa_serials = {SPARE}, {SERIAL}\n[profile wrong]\nmfa_serial = ?\n"
    )
    config = Config.load({"AWS_CONFIG_FILE": str(desk.config), "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"})
    assert profiles_naming(config, SERIAL) == ["dev", "both"]


# ---- what fails --------------------------------------------------------------------------------------

FAULTS = [fault for fault in Fault if fault is not Fault.HANG]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("at", [1, 2, 3], ids=["may it be deleted", "deactivate", "delete"])
def test_after_any_failure_of_iam_the_same_command_finishes(desk: Desk, at: int, fault: Fault) -> None:
    desk.aws.fail_nth(at, fault)
    with pytest.raises(errors.VaultpyError) as raised:
        desk.remove()
    if isinstance(raised.value, errors.MfaRemovalUnfinished):
        assert raised.value.hint == f"mend that, then finish it: {COMMAND}"
    else:
        assert at < len(["may it be deleted", "deactivate", "delete"])
    desk.remove()
    assert desk.is_gone()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_list_that_iam_does_not_give_keeps_nothing_from_being_done(desk: Desk, fault: Fault) -> None:
    desk.aws.fail_next("ListMFADevices", fault)
    desk.remove()
    assert desk.is_gone()


def test_after_a_failure_of_a_key_the_rest_is_done_and_the_same_command_finishes(desk: Desk) -> None:
    desk.yubikey.refusals["DELETE"] = 0x6F00
    error = unfinished(desk.remove)
    assert "YubiKey 12345678 may hold its account" in error.message
    assert error.hint == f"mend that, then finish it: {COMMAND}"
    assert SERIAL not in desk.config.read_text()
    desk.yubikey.refusals.clear()
    desk.remove()
    assert desk.is_gone()
    assert desk.said[-2:] == [
        f"IAM has no MFA device {SERIAL} of alice any more",
        f"deleted account {SERIAL} from YubiKey 12345678",
    ]


def test_a_locked_key_may_hold_its_account(desk: Desk) -> None:
    session = OathSession(SimulatedConnection(desk.yubikey))
    session.set_key(session.derive_key("hunter2"))
    assert "YubiKey 12345678 was not looked at" in unfinished(desk.remove).message
    again = OathSession(SimulatedConnection(desk.yubikey))
    again.validate(again.derive_key("hunter2"))
    again.unset_key()
    desk.remove()
    assert desk.is_gone()


def test_where_the_config_file_cannot_be_changed_the_index_is(desk: Desk) -> None:
    desk.config.unlink()
    desk.config.mkdir()
    error = unfinished(desk.remove)
    assert str(desk.config) in error.message
    assert all(SERIAL not in enrolment.mfa_serials for enrolment in desk.index.enrolments())
    desk.config.rmdir()
    desk.config.write_text(CONFIG)
    desk.remove()
    assert desk.is_gone()


def test_what_finishes_it_is_a_command_for_a_shell() -> None:
    removal = Removal("my profile", "bob", SERIAL, user="bob's")
    words = ["vaultpy", "mfa", "remove", "my profile", "--user", "bob's", "--mfa-serial", SERIAL]
    assert shlex.split(removal.command) == words


def test_a_lost_key_keeps_nothing_from_being_done(desk: Desk) -> None:
    desk.cards.keys[READER] = None
    desk.remove()
    assert desk.noted == [
        "no YubiKey that is plugged in holds its account; on another one it is of no use any more"
    ]
    assert SERIAL not in desk.user.account.virtual_devices
    assert SERIAL not in desk.config.read_text()


def test_without_card_readers_that_is_said(desk: Desk) -> None:
    desk.keys_fail = errors.PcscMissing(reason="no pcscd", remedy="start it")
    desk.remove()
    assert desk.noted == ["no YubiKey was looked at: the smart card service does not answer: no pcscd"]


def test_a_key_whose_oath_is_off_holds_nothing(desk: Desk) -> None:
    desk.cards.keys[READER] = SimulatedYubiKey(oath_enabled=False)
    desk.remove()
    assert SERIAL not in desk.config.read_text()
