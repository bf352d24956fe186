"""yubikit's own sessions run on the simulated YubiKey, which touches, locks and refuses as real ones do."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from yubikit.core import PID, TRANSPORT, ApplicationNotAvailableError, NotSupportedError, Version
from yubikit.core.smartcard import ApduError
from yubikit.management import CAPABILITY, FORM_FACTOR, ManagementSession
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession
from yubikit.support import read_info

from vaultpy.simulated.apdu import CardError
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import NoFinger, PressedFinger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Iterable

SEED = b"12345678901234567890"
SELECT_OATH = bytes.fromhex("00a4040007a0000005272101")
LIST = bytes.fromhex("00a10000")
OVER_USB_AND_NFC = pytest.mark.parametrize("transport", [TRANSPORT.USB, TRANSPORT.NFC])


# ---- yubikit's own sessions, unmodified --------------------------------------------------------------


def session_on(key: SimulatedYubiKey, transport: TRANSPORT = TRANSPORT.USB) -> OathSession:
    return OathSession(SimulatedConnection(key, transport))


def totp(name: str) -> CredentialData:
    return CredentialData(name, OATH_TYPE.TOTP, HASH_ALGORITHM.SHA1, SEED)


def status_of(error: pytest.ExceptionInfo[ApduError]) -> int:
    return int(error.value.sw)


@OVER_USB_AND_NFC
def test_yubikit_puts_lists_calculates_renames_and_deletes(transport: TRANSPORT) -> None:
    session = session_on(SimulatedYubiKey(), transport)
    account = session.put_credential(totp("anna"))
    assert session.list_credentials() == [account]
    assert session.calculate_code(account, 59).value == "287082"
    codes = session.calculate_all(59)
    assert [code and code.value for code in codes.values()] == ["287082"]
    session.rename_credential(account.id, "anna", "AWS")
    (renamed,) = session.list_credentials()
    assert renamed.id == b"AWS:anna"
    session.delete_credential(renamed.id)
    assert session.list_credentials() == []


@OVER_USB_AND_NFC
def test_yubikit_gathers_long_answers_from_their_parts(transport: TRANSPORT) -> None:
    key = SimulatedYubiKey()
    session = session_on(key, transport)
    names = [f"arn:aws:iam::123456789012:mfa/user-{number:02}" for number in range(32)]
    for name in names:
        session.put_credential(totp(name))
    assert [account.id.decode() for account in session.list_credentials()] == names
    assert len(session.calculate_all(59)) == len(names)
    assert [call.name for call in key.calls].count("SEND REMAINING") == 9


@OVER_USB_AND_NFC
def test_a_password_locks_the_accounts_until_it_is_given(transport: TRANSPORT) -> None:
    key = SimulatedYubiKey()
    first = session_on(key, transport)
    first.put_credential(totp("anna"))
    first.set_key(first.derive_key("open sesame"))

    second = session_on(key, transport)
    assert second.locked
    with pytest.raises(ApduError) as locked:
        second.list_credentials()
    assert status_of(locked) == 0x6982
    with pytest.raises(ApduError) as wrong:
        second.validate(second.derive_key("open says me"))
    assert status_of(wrong) == 0x6A80
    second.validate(second.derive_key("open sesame"))
    assert len(second.list_credentials()) == 1

    second.unset_key()
    assert not session_on(key, transport).locked


def test_reset_forgets_accounts_and_password_and_changes_the_device_id() -> None:
    key = SimulatedYubiKey()
    session = session_on(key)
    session.put_credential(totp("anna"))
    session.set_key(session.derive_key("open sesame"))
    locked = session_on(key)
    locked.reset()
    assert not locked.locked
    assert locked.list_credentials() == []
    assert locked.device_id != session.device_id


def test_calculate_all_computes_no_code_that_needs_a_touch_or_moves_a_counter() -> None:
    session = session_on(SimulatedYubiKey(finger=NoFinger(), touch_timeout=0.0))
    touched = session.put_credential(totp("touch"), touch_required=True)
    counted = session.put_credential(CredentialData("count", OATH_TYPE.HOTP, HASH_ALGORITHM.SHA1, SEED))
    assert session.calculate_all(59) == {touched: None, counted: None}
    assert session.calculate_code(counted).value == "755224"


# ---- what it refuses ---------------------------------------------------------------------------------


def test_an_account_that_is_not_there_is_refused() -> None:
    session = session_on(SimulatedYubiKey())
    for ask in (session.delete_credential, lambda name: session.calculate(name, bytes(8))):
        with pytest.raises(ApduError) as missing:
            ask(b"nobody")
        assert status_of(missing) == 0x6984


@pytest.mark.parametrize(("version", "room"), [((5, 4, 3), 32), ((5, 7, 0), 64)])
def test_it_is_full_after_as_many_accounts_as_its_firmware_holds(
    version: tuple[int, int, int], room: int
) -> None:
    key = SimulatedYubiKey(version=version)
    for number in range(room):
        key.add_account(str(number), SEED)
    key.add_account("0", SEED)
    session = session_on(key)
    with pytest.raises(ApduError) as full:
        session.put_credential(totp("one more"))
    assert status_of(full) == 0x6A84


def test_a_name_has_at_most_64_bytes() -> None:
    key = SimulatedYubiKey()
    key.add_account("x" * 64, SEED)
    with pytest.raises(CardError, match="6A80"):
        key.add_account("x" * 65, SEED)


def test_touch_needs_firmware_4_2_6() -> None:
    assert status_of_put((4, 2, 5), HASH_ALGORITHM.SHA1, touch=True) == 0x6A80
    assert status_of_put((4, 2, 6), HASH_ALGORITHM.SHA1, touch=True) == 0x9000


def test_sha_512_needs_firmware_4_3_1() -> None:
    assert status_of_put((4, 3, 0), HASH_ALGORITHM.SHA512) == 0x6A80
    assert status_of_put((4, 3, 1), HASH_ALGORITHM.SHA512) == 0x9000


def status_of_put(version: tuple[int, int, int], algorithm: HASH_ALGORITHM, *, touch: bool = False) -> int:
    session = session_on(SimulatedYubiKey(version=version))
    account = CredentialData("anna", OATH_TYPE.TOTP, algorithm, SEED)
    try:
        session.put_credential(account, touch_required=touch)
    except ApduError as refused:
        return int(refused.sw)
    return 0x9000


def test_renaming_needs_firmware_5_3_1() -> None:
    key = SimulatedYubiKey(version=(5, 3, 0))
    with pytest.raises(NotSupportedError):
        session_on(key).rename_credential(b"old", "new")
    assert key.transmit(bytes.fromhex("00050000")) == (b"", 0x6D00)


def test_a_fips_key_stores_no_account_before_it_has_a_password() -> None:
    session = session_on(SimulatedYubiKey(fips=True))
    with pytest.raises(ApduError):
        session.put_credential(totp("anna"))
    session.set_key(session.derive_key("open sesame"))
    session.put_credential(totp("anna"))


def test_a_neo_stores_accounts_but_none_that_waits_for_a_touch() -> None:
    assert status_of_put((3, 4, 3), HASH_ALGORITHM.SHA1) == 0x9000
    assert status_of_put((3, 4, 3), HASH_ALGORITHM.SHA1, touch=True) == 0x6A80


def test_it_refuses_what_it_is_told_to_and_carries_out_nothing_of_that() -> None:
    key = SimulatedYubiKey()
    key.refusals = {"PUT": 0x6A84}
    with pytest.raises(ApduError) as refused:
        session_on(key).put_credential(totp("anna"))
    assert status_of(refused) == 0x6A84
    assert key.accounts == {}
    key.refusals.clear()
    session_on(key).put_credential(totp("anna"), touch_required=True)
    assert key.accounts == {"anna": True}
    assert [call.name for call in key.calls] == ["SELECT", "PUT", "SELECT", "PUT"]


# ---- touch -------------------------------------------------------------------------------------------


def test_each_calculate_waits_for_a_touch_of_its_own() -> None:
    finger = PressedFinger()
    key = SimulatedYubiKey(finger=finger)
    key.add_account("anna", SEED, touch=True)
    session = session_on(key)
    (account,) = session.list_credentials()
    codes: list[str] = []

    def calculate_twice() -> None:
        codes.extend(session.calculate_code(account, time).value for time in (59, 1111111109))

    host = threading.Thread(target=calculate_twice)
    host.start()
    finger.press()
    finger.press()
    host.join()
    assert codes == ["287082", "081804"]
    assert key.calculations == 2
    assert not finger.touched(timeout=0.0)
    with pytest.raises(TimeoutError):
        finger.press(within=0.0)


@pytest.mark.parametrize("status", [0x6982, 0x6985])
def test_a_touch_that_does_not_come_ends_in_the_chosen_status_word(status: int) -> None:
    key = SimulatedYubiKey(finger=NoFinger(), touch_timeout=0.01, untouched_status=status)
    key.add_account("anna", SEED, touch=True)
    session = session_on(key)
    with pytest.raises(ApduError) as untouched:
        session.calculate_code(session.list_credentials()[0], 59)
    assert status_of(untouched) == status


@pytest.mark.parametrize(("delay", "comes"), [(0.0, True), (0.01, True), (60.0, False)])
def test_a_steady_finger_comes_unless_the_key_gives_up_first(delay: float, *, comes: bool) -> None:
    assert SteadyFinger(delay).touched(timeout=0.05) is comes


def test_losing_power_ends_the_wait_for_a_touch_and_locks_again() -> None:
    finger = PressedFinger()
    key = SimulatedYubiKey(finger=finger, touch_timeout=3600.0)
    key.add_account("anna", SEED, touch=True)
    session = session_on(key)
    (account,) = session.list_credentials()
    failures: list[ApduError] = []

    def calculate() -> None:
        with pytest.raises(ApduError) as lost:
            session.calculate_code(account, 59)
        failures.append(lost.value)

    host = threading.Thread(target=calculate)
    host.start()
    finger.wait_until_blinking()
    key.reset()
    host.join()
    assert len(failures) == 1
    assert key.transmit(LIST) == (b"", 0x6D00)


# ---- management and other applications ---------------------------------------------------------------


@OVER_USB_AND_NFC
def test_yubikit_reads_who_the_key_is(transport: TRANSPORT) -> None:
    connection = SimulatedConnection(SimulatedYubiKey(serial=424242, version=(5, 7, 1)), transport)
    info = ManagementSession(connection).read_device_info()
    assert (info.serial, info.version, info.form_factor) == (
        424242,
        Version(5, 7, 1),
        FORM_FACTOR.USB_A_KEYCHAIN,
    )
    assert CAPABILITY.OATH in info.config.enabled_capabilities[TRANSPORT.USB]
    assert not info.is_fips
    assert read_info(connection, PID.YK4_OTP_FIDO_CCID).serial == 424242


def test_a_fips_key_says_so_and_whether_its_oath_is_in_order() -> None:
    key = SimulatedYubiKey(version=(5, 7, 1), fips=True)
    connection = SimulatedConnection(key)
    before = ManagementSession(connection).read_device_info()
    session = session_on(key)
    session.set_key(session.derive_key("open sesame"))
    after = ManagementSession(connection).read_device_info()
    assert before.is_fips
    assert before.fips_capable == CAPABILITY.OATH
    assert (before.fips_approved, after.fips_approved) == (CAPABILITY(0), CAPABILITY.OATH)


def test_oath_switched_off_cannot_be_selected() -> None:
    key = SimulatedYubiKey(oath_enabled=False)
    info = ManagementSession(SimulatedConnection(key)).read_device_info()
    assert CAPABILITY.OATH not in info.config.enabled_capabilities[TRANSPORT.USB]
    assert key.transmit(SELECT_OATH) == (b"", 0x6A82)


def test_a_token_of_another_make_has_oath_but_no_serial_number() -> None:
    key = SimulatedYubiKey(serial=None)
    with pytest.raises(ApplicationNotAvailableError):
        ManagementSession(SimulatedConnection(key))
    assert session_on(key).list_credentials() == []


# ---- what tests see of it ----------------------------------------------------------------------------


def test_it_keeps_a_log_of_what_it_was_asked_and_when() -> None:
    key = SimulatedYubiKey()
    key.add_account("anna", SEED)
    session = session_on(key)
    session.calculate_code(session.list_credentials()[0], 59)
    assert [call.name for call in key.calls] == ["SELECT", "LIST", "CALCULATE"]
    assert is_sorted(call.at for call in key.calls)
    assert key.calculations == 1


def is_sorted(values: Iterable[float]) -> bool:
    listed = list(values)
    return listed == sorted(listed)


def test_no_secret_shows_in_its_repr() -> None:
    key = SimulatedYubiKey()
    key.add_account("anna", SEED)
    session = session_on(key)
    session.set_key(b"access code here")
    shown = repr((key, vars(key), vars(key._oath), key._oath.accounts))
    assert "1234567890" not in shown
    assert "access code here" not in shown
