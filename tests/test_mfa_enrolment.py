"""Enrolling an MFA device: what is judged, in which order it is made, what a failure anywhere leaves."""

from __future__ import annotations

import time
from base64 import b32encode
from typing import TYPE_CHECKING

import pytest

from support.aws import ACCOUNT, Clock
from support.enrolling import CONFIG, Enrolling, Killed, Trouble
from support.keys import READER
from vaultpy import errors
from vaultpy.mfa_target import target
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.finger import Finger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.values import Secret

pytest_plugins = ["support.aws_fixtures", "support.lasting_aws"]

SECOND = "Yubico YubiKey OTP+FIDO+CCID 01 00"
SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/alice"
WRITTEN = CONFIG + f"mfa_serial = {SERIAL}\n"
SEED = b"12345678901234567890"
ENABLE = 4
"""The number of the call to AWS, in an enrolment, that enables the device."""
KEEP = 10
"""The number of the call, in an enrolment with one key, that writes the device down."""
FAULTS = [fault for fault in Fault if fault is not Fault.HANG]  # which takes 10 s, and is tried once


@pytest.fixture
def aws_clock(lasting_clock: Clock) -> Clock:
    """Return the clock that AWS goes by."""
    return lasting_clock


@pytest.fixture
def aws(lasting_aws: SimulatedAws) -> SimulatedAws:
    """Return an AWS at an address that lasts: its clients are built once."""
    return lasting_aws


@pytest.fixture
def yubikey() -> SimulatedYubiKey:
    """Return an empty key."""
    return SimulatedYubiKey(1)


@pytest.fixture
def there(tmp_path: Path, aws: SimulatedAws, key: AwsAccessKey, yubikey: SimulatedYubiKey) -> Enrolling:
    """Return alice's desk."""
    return Enrolling(tmp_path, aws, key, **{READER: yubikey})


def seed_of(there: Enrolling, serial: str = SERIAL) -> bytes:
    return there.user.account.virtual_devices[serial].seed


def is_whole(there: Enrolling, *keys: SimulatedYubiKey) -> bool:
    """Tell whether everything is as after a run that went well, with the same seed everywhere."""
    enabled = SERIAL in there.user.mfa_devices
    held = all(SERIAL in key.accounts for key in keys)
    return enabled and held and there.config == WRITTEN


# ---- what it does ------------------------------------------------------------------------------------


def test_a_device_is_made_put_on_the_key_proven_by_one_touch_enabled_and_written_down(
    there: Enrolling, yubikey: SimulatedYubiKey
) -> None:
    done = there.enroll()
    assert done.where == ("YubiKey 1",)
    assert is_whole(there, yubikey)
    assert yubikey.accounts == {SERIAL: True}
    assert yubikey.calculations == 1
    enrolment = there.index.enrolment("dev")
    assert enrolment is not None
    assert enrolment.mfa_serials == (SERIAL,)
    assert there.calls() == [
        "ListMFADevices",
        "ListVirtualMFADevices",
        "CreateVirtualMFADevice",
        "EnableMFADevice",
        "GetSessionToken",
    ]


def test_the_proof_is_a_session_that_the_next_command_finds(there: Enrolling) -> None:
    there.enroll()
    assert there.has_session()


def test_the_touch_says_what_it_is_for(there: Enrolling) -> None:
    yubikey = there.desk.cards.keys[READER]
    assert yubikey is not None
    yubikey.finger = SteadyFinger(0.4)
    there.enroll()
    assert f"touch the YubiKey: the first code of {SERIAL}, to see that it is right" in there.person.told


def test_the_seed_is_in_no_file(there: Enrolling) -> None:
    there.enroll()
    seed = seed_of(there)
    assert seed not in there.on_disk()
    assert b32encode(seed).rstrip(b"=") not in there.on_disk()


def test_codes_go_by_the_clock_of_aws(there: Enrolling) -> None:
    there.ledger.time.set_offset(500)
    there.enroll()
    assert there.ledger.time.offset() == pytest.approx(0, abs=2)


def test_a_spare_gets_the_same_secret_and_is_asked_for(there: Enrolling, yubikey: SimulatedYubiKey) -> None:
    spare = SimulatedYubiKey(2)
    there.person.deeds = [lambda: there.desk.cards.keys.update({SECOND: spare})]
    done = there.enroll(spares=1)
    assert done.where == ("YubiKey 1", "YubiKey 2")
    assert "plug in the next YubiKey" in there.person.told
    assert is_whole(there, yubikey, spare)
    assert (yubikey.calculations, spare.calculations) == (1, 1)


def test_a_second_device_is_made_with_a_session_and_the_profile_goes_on_naming_the_first(
    there: Enrolling,
) -> None:
    first = there.user.mfa_device("first")
    there.user.denied_without_mfa |= {"iam:CreateVirtualMFADevice", "iam:ListVirtualMFADevices"}
    there.config_path.write_text(f"[profile dev]\nmfa_serial = {first.serial}\n")
    done = there.enroll()
    assert not done.written
    assert SERIAL in there.user.mfa_devices
    assert there.config == f"[profile dev]\nmfa_serial = {first.serial}\n"


def test_a_serial_that_is_too_long_for_a_key_is_called_as_the_qr_code_does(there: Enrolling) -> None:
    there.target = target(there.user.arn, "alice", "a" * 40)
    there.enroll()
    account = f"Amazon Web Services:alice@{ACCOUNT}"
    assert f"vaultpy_account = {account}\n" in there.config
    yubikey = there.desk.cards.keys[READER]
    assert yubikey is not None
    assert yubikey.accounts == {account: True}


def test_sixty_four_bytes_are_not_too_long() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
    for length, fits in ((64, True), (65, False)):
        wanted = target(arn, "alice", "a" * (length - len(f"arn:aws:iam::{ACCOUNT}:mfa/")))
        assert len(wanted.serial) == length
        assert (wanted.account == wanted.serial) is fits


def test_a_device_for_somebody_else_goes_into_no_profile(there: Enrolling) -> None:
    there.user.account.user("bob")
    there.target = target(there.user.arn, "bob", None)
    done = there.enroller(here=False).enroll()
    assert not done.written
    assert there.config == CONFIG
    assert list(there.user.account.users["bob"].mfa_devices) == [done.target.serial]


# ---- what is judged before anything is made ----------------------------------------------------------


def made_nothing(there: Enrolling) -> bool:
    return "CreateVirtualMFADevice" not in there.calls() and there.config == CONFIG


@pytest.mark.parametrize(
    ("unfit", "error"),
    [
        (SimulatedYubiKey(1, (4, 2, 5)), errors.TouchUnknown),
        (SimulatedYubiKey(1, fips=True), errors.FipsWithoutPassword),
        (SimulatedYubiKey(1, oath_enabled=False), errors.OathOff),
    ],
    ids=["firmware", "FIPS", "OATH off"],
)
def test_a_key_that_cannot_take_it_is_refused_first(
    there: Enrolling, unfit: SimulatedYubiKey, error: type[errors.VaultpyError]
) -> None:
    there.desk.cards.keys[READER] = unfit
    with pytest.raises(error):
        there.enroll()
    assert there.calls() == []


def test_a_user_with_eight_devices_gets_no_ninth(there: Enrolling) -> None:
    for number in range(8):
        there.user.fido_device(str(number))
    with pytest.raises(errors.MfaDevicesFull, match="alice has 8"):
        there.enroll()
    assert made_nothing(there)


def test_a_device_of_that_name_is_not_touched(there: Enrolling) -> None:
    there.user.mfa_device()
    with pytest.raises(errors.MfaDeviceExists):
        there.enroll()
    assert made_nothing(there)


def test_a_name_that_another_user_has_is_refused_and_nothing_of_it_deleted(there: Enrolling) -> None:
    there.user.account.user("bob").mfa_device("alice")
    with pytest.raises(errors.MfaDeviceExists):
        there.enroll()
    assert SERIAL in there.user.account.users["bob"].mfa_devices
    assert there.person.warnings == []


def test_an_account_of_that_name_is_replaced_only_if_a_person_says_so(
    there: Enrolling, yubikey: SimulatedYubiKey
) -> None:
    yubikey.add_account(SERIAL, SEED)
    with pytest.raises(errors.AccountExists):
        there.enroll()
    assert made_nothing(there)
    assert yubikey.accounts == {SERIAL: False}
    there.person.agrees = True
    there.enroll()
    assert is_whole(there, yubikey)
    assert there.person.asked[-1] == f"replace account {SERIAL} on YubiKey 1 for good?"


def test_a_spare_that_holds_the_name_is_not_overwritten_though_the_first_may_be(
    there: Enrolling, yubikey: SimulatedYubiKey
) -> None:
    spare = SimulatedYubiKey(2)
    for key in (yubikey, spare):
        key.add_account(SERIAL, SEED)
    there.person.agrees = True
    there.person.deeds = [lambda: there.desk.cards.keys.update({SECOND: spare})]
    with pytest.raises(errors.AccountExists, match="YubiKey 2"):
        there.enroll(spares=1)
    assert spare.accounts == {SERIAL: False}
    assert there.user.account.virtual_devices == {}


def test_a_device_that_is_nobodys_is_deleted_only_if_a_person_says_so(there: Enrolling) -> None:
    left = there.user.account.virtual_device("alice")
    with pytest.raises(errors.MfaDeviceLeft):
        there.enroll()
    assert there.user.account.virtual_devices[SERIAL] is left
    there.person.agrees = True
    there.enroll()
    assert SERIAL in there.user.mfa_devices


def test_a_user_who_may_not_is_told_so_and_nothing_is_left(
    there: Enrolling, yubikey: SimulatedYubiKey
) -> None:
    for action in ("CreateVirtualMFADevice", "EnableMFADevice"):
        there.user.denied = {f"iam:{action}"}
        with pytest.raises(errors.MfaForbidden, match=action):
            there.enroll()
        assert there.user.account.virtual_devices == {}
        assert yubikey.accounts == {}
    assert there.person.warnings == []


def test_a_user_who_may_look_at_nothing_may_still_enrol(there: Enrolling, yubikey: SimulatedYubiKey) -> None:
    there.user.denied = {"iam:ListMFADevices", "iam:ListVirtualMFADevices"}
    there.enroll()
    assert is_whole(there, yubikey)


def test_where_nobody_may_look_a_lost_answer_deletes_nothing_and_names_the_device(there: Enrolling) -> None:
    there.user.denied = {"iam:ListMFADevices", "iam:ListVirtualMFADevices"}
    there.aws.fail_next("CreateVirtualMFADevice", Fault.CLOSE_AFTER)
    with pytest.raises(errors.NoAnswer):
        there.enroll()
    assert "DeleteVirtualMFADevice" not in there.calls()
    remedy = f"aws iam delete-virtual-mfa-device --serial-number {SERIAL}"
    assert there.person.warnings == [
        f"MFA device {SERIAL} may have been made; if nobody needs it: {remedy}",
    ]


# ---- what goes wrong on the way ----------------------------------------------------------------------


def test_a_key_that_makes_other_codes_is_not_enrolled(there: Enrolling, yubikey: SimulatedYubiKey) -> None:
    put = yubikey._oath.put

    def put_another(name: bytes, account: object) -> None:
        del account
        yubikey._oath.accounts.pop(name, None)
        stranger = SimulatedYubiKey(9)
        stranger.add_account(name.decode(), SEED, touch=True)
        put(name, stranger._oath.accounts[name])

    yubikey._oath.put = put_another  # type: ignore[method-assign]  # a key that stores something else
    with pytest.raises(errors.YubiKeyFailed, match="another code"):
        there.enroll()
    assert there.user.account.virtual_devices == {}
    assert yubikey.accounts == {}


def test_a_key_that_was_pulled_out_is_named_with_the_command_that_takes_its_account_off(
    there: Enrolling, yubikey: SimulatedYubiKey
) -> None:
    class Pulled(Finger):
        def touched(self, timeout: float) -> bool:
            del timeout
            there.desk.cards.keys[READER] = None
            return False

    yubikey.finger = Pulled()
    with pytest.raises(errors.VaultpyError):
        there.enroll()
    assert there.user.account.virtual_devices == {}
    (warning,) = there.person.warnings
    assert warning.endswith(f"to remove it: ykman --device 1 oath accounts delete {SERIAL}")


def test_a_device_that_an_interrupted_run_enabled_is_only_written_down(
    there: Enrolling, yubikey: SimulatedYubiKey
) -> None:
    with pytest.raises(Killed):
        there.enroll(trouble=Trouble(KEEP))
    assert there.config == CONFIG
    assert SERIAL in there.user.mfa_devices
    done = there.enroll()
    assert done.seed is None
    assert is_whole(there, yubikey)


def test_what_cannot_be_written_is_named_and_the_next_run_writes_it(
    there: Enrolling, yubikey: SimulatedYubiKey
) -> None:
    there.config_path.unlink()
    there.config_path.mkdir()
    with pytest.raises(errors.VaultpyError):
        there.enroll()
    assert made_nothing_at_all(there, yubikey)
    there.config_path.rmdir()
    there.config_path.write_text(CONFIG)
    trouble = Trouble(KEEP, lambda: errors.ConfigUnwritable(path="config", reason="no space left"))
    with pytest.raises(errors.ConfigUnwritable):
        there.enroll(trouble=trouble)
    assert there.person.warnings == [f"{SERIAL} is enabled; run this again to have profile dev name it"]
    there.enroll()
    assert is_whole(there, yubikey)


def made_nothing_at_all(there: Enrolling, yubikey: SimulatedYubiKey) -> bool:
    return there.user.account.virtual_devices == {} and yubikey.accounts == {}


def test_a_device_that_may_be_enabled_and_cannot_be_taken_back_keeps_its_account(
    there: Enrolling, yubikey: SimulatedYubiKey
) -> None:
    there.aws.fail_nth(ENABLE, Fault.CLOSE_AFTER)
    for number in range(ENABLE + 1, 60):
        there.aws.fail_nth(number, Fault.CLOSE_BEFORE)
    with pytest.raises(errors.NoAnswer):
        there.enroll()
    assert SERIAL in there.user.mfa_devices
    assert yubikey.accounts == {SERIAL: True}
    commands = [warning.partition("to remove it: ")[2] for warning in there.person.warnings]
    assert [command.split()[2] for command in commands] == [
        "deactivate-mfa-device",
        "1",
        "delete-virtual-mfa-device",
    ]
    there.aws._faults._numbered.clear()
    there.enroll()
    assert is_whole(there, yubikey)


def test_a_proof_that_fails_undoes_nothing(there: Enrolling, yubikey: SimulatedYubiKey) -> None:
    there.aws.fail_next("GetSessionToken", Fault.CLOSE_BEFORE, times=9)
    with pytest.raises(errors.NoAnswer):
        there.enroll()
    assert is_whole(there, yubikey)


# ---- the console's way -------------------------------------------------------------------------------


class Console:
    """Somebody who has made a device in the console, and hands its two codes over there."""

    def __init__(self, there: Enrolling, name: str = "alice") -> None:
        self.device = there.user.account.virtual_device(name)
        self._there = there
        self.shown: list[tuple[str, str]] = []
        self.takes = True
        there.person.agrees = True
        there.person.password = b32encode(self.device.seed).decode()

    def show(self, first: Secret, second: Secret) -> None:
        """See two codes."""
        codes = (first.reveal(), second.reveal())
        self.shown.append(codes)
        if self.takes:
            assert self.device.synchronize(codes, self._there.clock())
            self._there.user.mfa_devices[self.device.serial] = self.device
        self.takes = True


def test_a_typed_secret_goes_onto_the_key_and_two_codes_enable_it(
    there: Enrolling, yubikey: SimulatedYubiKey
) -> None:
    console = Console(there)
    done = there.enroller().enroll_secret(console.show)
    assert is_whole(there, yubikey)
    assert done.seed is not None
    there.proof(done.target).prove(done.seed)
    assert set(there.calls()) == {"ListMFADevices", "GetSessionToken"}
    assert yubikey.calculations == 1


def test_codes_that_the_console_did_not_take_are_followed_by_two_others(there: Enrolling) -> None:
    console = Console(there)
    console.takes = False
    there.enroller().enroll_secret(console.show)
    assert len(set(console.shown)) == 2


def test_another_name_in_the_console_is_found(there: Enrolling, yubikey: SimulatedYubiKey) -> None:
    console = Console(there, "phone")
    done = there.enroller().enroll_secret(console.show)
    assert done.target.serial == console.device.serial
    assert yubikey.accounts == {SERIAL: True}
    assert there.config == CONFIG + f"mfa_serial = {console.device.serial}\nvaultpy_account = {SERIAL}\n"


def test_half_a_secret_is_refused_and_not_shown(there: Enrolling, yubikey: SimulatedYubiKey) -> None:
    Console(there)
    there.person.password = "GEZDGNBV"
    with pytest.raises(errors.BadSeed) as refusal:
        there.enroller().enroll_secret(lambda _one, _two: None)
    assert "GEZDGNBV" not in str(refusal.value)
    assert yubikey.accounts == {}


def test_ctrl_c_at_any_point_takes_a_typed_secret_off_the_key_again(
    there: Enrolling, yubikey: SimulatedYubiKey
) -> None:
    console = Console(there)
    trouble = Trouble()
    there.enroller(trouble).enroll_secret(console.show)
    before = trouble.calls.index("keep")
    for at in range(1, before + 1):
        there.user.mfa_devices.clear()
        console.device.last_step = -1
        yubikey._oath.accounts.clear()
        there.clock.advance(30)
        with pytest.raises(KeyboardInterrupt):
            there.enroller(Trouble(at, KeyboardInterrupt)).enroll_secret(console.show)
        assert yubikey.accounts == {}, trouble.calls[at - 1]


# ---- the sweep ---------------------------------------------------------------------------------------


class Sweep:
    """Runs that go wrong, each at a new desk; after each, what is there must make sense."""

    def __init__(self, directory: Path, aws: SimulatedAws) -> None:
        self._directory = directory
        self.aws = aws
        self.tried = 0

    def desk(self) -> tuple[Enrolling, SimulatedYubiKey, SimulatedYubiKey]:
        """Return a new user's desk, with two keys of which one is the spare."""
        self.tried += 1
        assert isinstance(self.aws.clock, Clock)
        self.aws.clock.now = time.time()
        account = self.aws.account(f"{self.tried:012}")
        first, spare = SimulatedYubiKey(1), SimulatedYubiKey(2)
        directory = self._directory / str(self.tried)
        directory.mkdir()
        key = account.user("alice").access_key()
        there = Enrolling(directory, self.aws, key, **{READER: first, SECOND: spare})
        there.desk.selection = type(there.desk.selection)("1")
        return there, first, spare

    def check(self, there: Enrolling, keys: tuple[SimulatedYubiKey, ...], *, killed: bool) -> None:
        """See that access works, nothing is orphaned or it is named, and the next run makes all whole."""
        serial = there.target.serial
        device = there.user.account.virtual_devices.get(serial)
        enabled = serial in there.user.mfa_devices
        held = [key for key in keys if serial in key.accounts]
        told = "\n".join(there.person.warnings)
        assert serial not in there.config or enabled
        if enabled:
            assert len(held) == len(keys)
        elif not killed:
            assert device is None or f"delete-virtual-mfa-device --serial-number {serial}" in told
            for key in held:
                assert f"ykman --device {key.serial} oath accounts delete {serial}" in told
        if device is not None:
            assert b32encode(device.seed).rstrip(b"=") not in there.on_disk()
        assert len(there.desk.cards.open_connections) == 0
        self._again(there, keys)

    def meets(self, fault: Fault, at: int, *, lasting: bool) -> None:
        """Let AWS's call number `at` meet the fault, and where it is `lasting` all after it."""
        there, *keys = self.desk()
        for number in range(at, at + 60) if lasting else [at]:
            self.aws.fail_nth(number, fault)
        try:
            there.enroll(spares=1)
        except errors.VaultpyError:
            assert lasting or fault is Fault.MALFORMED
        self.aws._faults._numbered.clear()
        self.check(there, tuple(keys), killed=False)

    @staticmethod
    def _again(there: Enrolling, keys: tuple[SimulatedYubiKey, ...]) -> None:
        serial = there.target.serial
        if serial in there.config:
            return
        there.clock.advance(90)
        there.person.agrees = True
        if serial not in there.user.mfa_devices:  # of a spare no account is replaced, as the hint says
            keys[1]._oath.accounts.pop(serial.encode(), None)
        there.enroll(spares=1)
        assert serial in there.user.mfa_devices
        assert f"mfa_serial = {serial}\n" in there.config
        assert all(serial in key.accounts for key in keys)


@pytest.fixture
def sweep(tmp_path: Path, aws: SimulatedAws) -> Sweep:
    """Return an empty sweep."""
    return Sweep(tmp_path, aws)


def tried(there: Enrolling, trouble: Trouble) -> None:
    with pytest.raises((errors.VaultpyError, KeyboardInterrupt, Killed)):
        there.enroll(spares=1, trouble=trouble)


def failures_of(name: str) -> list[tuple[Callable[[], BaseException], bool]]:
    """Return what can go wrong with a call: before it was made, and after.

    To be killed after a call is to be killed before the next one: both leave the same.
    """
    anywhere: list[tuple[Callable[[], BaseException], bool]] = [
        (KeyboardInterrupt, False),
        (KeyboardInterrupt, True),
        (Killed, False),
    ]
    if name in {"first", "another", "check", "put", "code"}:
        anywhere += [(errors.CardRemoved, False), (errors.CardRemoved, True)]
        anywhere.append((lambda: errors.YubiKeyFailed(reason="noise"), True))
    if name == "code":
        anywhere.append((lambda: errors.NotTouched(times=3), False))
    if name == "keep":
        anywhere.append((lambda: errors.ConfigUnwritable(path="config", reason="full"), False))
        anywhere.append((lambda: errors.StateUnusable(path="index", reason="full", remedy="x"), True))
    return anywhere


def test_after_a_failure_at_any_call_access_works_and_nothing_is_orphaned(
    sweep: Sweep, tell: Callable[[str], None]
) -> None:
    there, *_ = sweep.desk()
    usual = Trouble()
    there.enroll(spares=1, trouble=usual)
    for at, name in enumerate(usual.calls, 1):
        for failure, after in failures_of(name):
            there, *keys = sweep.desk()
            tried(there, Trouble(at, failure, after=after))
            sweep.check(there, tuple(keys), killed=failure is Killed)
    tell(f"{sweep.tried - 1} failures at {len(usual.calls)} calls of an enrolment")


def test_after_trouble_with_aws_at_any_call_access_works_and_nothing_is_orphaned(
    sweep: Sweep, tell: Callable[[str], None]
) -> None:
    there, *_ = sweep.desk()
    there.enroll(spares=1)
    calls = len(there.calls())
    for place, fault in enumerate(FAULTS):
        for at in range(1, calls + 1):
            lasting = (place + at) % 2 == 0
            sweep.meets(fault, at, lasting=lasting)
    tell(f"{sweep.tried - 1} faults of AWS at {calls} calls of an enrolment")


@pytest.mark.long
def test_after_trouble_with_aws_for_a_while_or_for_good_at_any_call_nothing_is_orphaned(sweep: Sweep) -> None:
    there, *_ = sweep.desk()
    there.enroll(spares=1)
    calls = len(there.calls())
    for fault in FAULTS:
        for at in range(1, calls + 1):
            for lasting in (False, True):
                sweep.meets(fault, at, lasting=lasting)


def test_after_a_failure_at_any_call_a_spare_still_has_the_account_that_it_had(sweep: Sweep) -> None:
    def tried_with(trouble: Trouble) -> None:
        there, _, spare = sweep.desk()
        spare.add_account(there.target.serial, SEED)
        tried(there, trouble)
        assert spare.accounts == {there.target.serial: False}

    usual = Trouble()
    tried_with(usual)
    for at, name in enumerate(usual.calls, 1):
        for failure, after in failures_of(name):
            tried_with(Trouble(at, failure, after=after))


@pytest.mark.long  # it waits for AWS as long as vaultpy ever does
def test_an_aws_that_never_answers_is_given_up_and_the_device_still_enrolled(sweep: Sweep) -> None:
    there, *keys = sweep.desk()
    sweep.aws.fail_next("EnableMFADevice", Fault.HANG)
    there.enroll(spares=1)
    assert "no answer whether the device is enabled: looking" in there.person.waits
    sweep.check(there, tuple(keys), killed=False)


INSTRUCTIONS = ("SELECT", "LIST", "PUT", "CALCULATE", "DELETE")
REFUSALS = (0x6982, 0x6984, 0x6985, 0x6A80, 0x6A84, 0x6F00)


@pytest.mark.parametrize(
    ("instruction", "statuses"),
    [
        *((name, (REFUSALS[place], REFUSALS[place + 1])) for place, name in enumerate(INSTRUCTIONS)),
        *(pytest.param(name, REFUSALS, marks=pytest.mark.long) for name in INSTRUCTIONS),
    ],
)
def test_after_a_refusal_of_the_key_nothing_is_orphaned(
    sweep: Sweep, instruction: str, statuses: tuple[int, ...]
) -> None:
    for status in statuses:
        there, *keys = sweep.desk()
        keys[1].refusals = {instruction: status}
        try:
            there.enroll(spares=1)
        except errors.VaultpyError:
            assert instruction != "DELETE"
        keys[1].refusals = {}
        sweep.check(there, tuple(keys), killed=False)
