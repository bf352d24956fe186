"""One YubiKey, over Yubico's own protocol code."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SmartCardConnection
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from support.keys import DIGITS, SEED, SERIAL, STEP
from vaultpy import errors
from vaultpy.accounts import Account
from vaultpy.bounded_connection import BoundedConnection
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import NoFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.totp import Seed, totp
from vaultpy.yubikey import NoTouchError, RefusedError, YubiKey, identify

WRITTEN = Seed("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
ACCOUNT = Account(SERIAL.encode(), "TOTP, SHA1", fits=True)


def opened(key: SimulatedYubiKey, transport: TRANSPORT = TRANSPORT.USB) -> YubiKey:
    return YubiKey(SimulatedConnection(key, transport))


def names(key: SimulatedYubiKey) -> list[str]:
    return [call.name for call in key.calls]


class Babbler(SmartCardConnection):
    """A card that answers what the test says, or else the same for ever; counts the questions."""

    transport = TRANSPORT.USB

    def __init__(self, *answers: tuple[bytes, int]) -> None:
        self.answers = list(answers)
        self.questions = 0

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        """Answer the next, or the last again."""
        del apdu
        self.questions += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize("transport", [TRANSPORT.USB, TRANSPORT.NFC])
def test_the_code_is_the_one_of_rfc_6238(transport: TRANSPORT) -> None:
    key = SimulatedYubiKey()
    key.add_account(SERIAL, SEED)
    assert opened(key, transport).calculate(ACCOUNT, STEP) == DIGITS


def test_nothing_is_sent_but_select_list_and_one_calculate() -> None:
    key = SimulatedYubiKey()
    key.add_account("GitHub:alice", SEED)
    key.add_account(SERIAL, SEED)
    connection = SimulatedConnection(key)
    assert identify(connection).serial == "12345678"
    yubikey = YubiKey(connection)
    assert [account.name for account in yubikey.accounts()] == ["GitHub:alice", SERIAL]
    yubikey.calculate(ACCOUNT, STEP)
    assert names(key) == ["SELECT", "READ CONFIG", "SELECT", "LIST", "CALCULATE"]


@pytest.mark.parametrize("status", [0x6982, 0x6985])
def test_both_status_words_mean_that_nobody_touched(status: int) -> None:
    key = SimulatedYubiKey(finger=NoFinger(), touch_timeout=0.01, untouched_status=status)
    key.add_account(SERIAL, SEED, touch=True)
    with pytest.raises(NoTouchError):
        opened(key).calculate(ACCOUNT, STEP)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (CredentialData("a", OATH_TYPE.HOTP, HASH_ALGORITHM.SHA1, SEED), "HOTP, SHA1"),
        (CredentialData("a", OATH_TYPE.TOTP, HASH_ALGORITHM.SHA256, SEED), "TOTP, SHA256"),
        (CredentialData("a", OATH_TYPE.TOTP, HASH_ALGORITHM.SHA1, SEED, period=60), "TOTP, SHA1, 60 s"),
        (CredentialData("a", OATH_TYPE.TOTP, HASH_ALGORITHM.SHA1, SEED), None),
    ],
)
def test_the_list_tells_which_accounts_fit(data: CredentialData, kind: str | None) -> None:
    key = SimulatedYubiKey()
    OathSession(SimulatedConnection(key)).put_credential(data)
    (account,) = opened(key).accounts()
    assert account.fits == (kind is None)
    assert account.kind == (kind or "TOTP, SHA1")


def test_ids_are_what_the_card_has_where_yubikit_would_split_them() -> None:
    key = SimulatedYubiKey()
    key.add_account(SERIAL, SEED)
    (theirs,) = OathSession(SimulatedConnection(key)).list_credentials()
    assert theirs.issuer == "arn"
    assert [account.id for account in opened(key).accounts()] == [SERIAL.encode()]


def test_sixty_four_accounts_of_full_length_are_listed_over_nfc_too() -> None:
    key = SimulatedYubiKey(version=(5, 7, 0))
    for number in range(64):
        key.add_account(f"{number:02}" + "x" * 62, SEED)
    connection = BoundedConnection(SimulatedConnection(key, TRANSPORT.NFC))
    assert len(YubiKey(connection).accounts()) == 64


def test_oath_switched_off_is_said_so() -> None:
    with pytest.raises(errors.OathOff):
        opened(SimulatedYubiKey(oath_enabled=False))


def test_a_token_without_a_management_application_has_no_serial_number() -> None:
    identity = identify(SimulatedConnection(SimulatedYubiKey(None)))
    assert (identity.serial, identity.fips) == (None, False)


def test_a_firmware_that_cannot_tell_its_serial_number_has_none() -> None:
    assert identify(SimulatedConnection(SimulatedYubiKey(version=(4, 0, 0)))).serial is None


def test_a_fips_key_says_so() -> None:
    assert identify(SimulatedConnection(SimulatedYubiKey(fips=True))).fips


@pytest.mark.parametrize("wrong", [0x6A80, 0x6984])
def test_a_wrong_password_leaves_the_key_locked_and_a_right_one_opens_it(wrong: int) -> None:
    class OtherMaker(SimulatedConnection):
        def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
            data, status = super().send_and_receive(apdu)
            return data, wrong if status == 0x6A80 else status

    key = SimulatedYubiKey()
    session = OathSession(SimulatedConnection(key))
    session.set_key(session.derive_key("open sesame"))
    yubikey = YubiKey(OtherMaker(key))
    assert yubikey.has_password
    assert yubikey.locked
    assert not yubikey.unlock(yubikey.derive("open barley"))
    assert names(key)[-2:] == ["VALIDATE", "SELECT"]  # for a challenge that no attempt has been made with
    assert yubikey.locked
    assert yubikey.unlock(yubikey.derive("open sesame"))
    assert yubikey.accounts() == []


def test_a_key_that_cannot_prove_the_password_it_took_is_not_believed() -> None:
    key = SimulatedYubiKey()
    session = OathSession(SimulatedConnection(key))
    session.set_key(session.derive_key("open sesame"))

    class Liar(SimulatedConnection):
        def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
            if apdu[1] == 0xA3:
                return bytes((0x75, 20)) + bytes(20), 0x9000
            return super().send_and_receive(apdu)

    yubikey = YubiKey(Liar(key))
    with pytest.raises(errors.YubiKeyFailed):
        yubikey.unlock(yubikey.derive("guessed"))


@pytest.mark.parametrize("page", [b"", bytes(200)])
def test_an_answer_that_never_ends_is_given_up(page: bytes) -> None:
    babbler = Babbler((page, 0x6100))
    with pytest.raises(errors.YubiKeyFailed, match="does not come to an end"):
        YubiKey(BoundedConnection(babbler))
    assert babbler.questions < 1000


def test_a_huge_answer_is_given_up() -> None:
    with pytest.raises(errors.YubiKeyFailed, match="does not come to an end"):
        identify(BoundedConnection(Babbler((bytes(10**6), 0x9000))))


def test_device_information_without_a_last_page_is_given_up() -> None:
    endless = bytes((3, 0x10, 1, 1))
    with pytest.raises(errors.YubiKeyFailed, match="does not come to an end"):
        identify(BoundedConnection(Babbler((b"5.4.3", 0x9000), (endless, 0x9000))))


ANSWERS = st.lists(
    st.tuples(st.binary(max_size=60), st.sampled_from([0x9000, 0x6100, 0x6982, 0x6A82, 0x6D00])),
    min_size=1,
    max_size=6,
)
SELECTED = (bytes.fromhex("79030504037108e487fc32a7ab8fbb"), 0x9000)
LOCKED = (SELECTED[0] + bytes.fromhex("740801020304050607087b0101"), 0x9000)


@given(ANSWERS)
def test_garbage_about_itself_is_an_error_for_the_user(answers: list[tuple[bytes, int]]) -> None:
    with suppress(errors.VaultpyError):
        identify(BoundedConnection(Babbler(*answers)))


@given(ANSWERS)
def test_a_version_and_then_garbage_is_an_error_for_the_user(answers: list[tuple[bytes, int]]) -> None:
    with suppress(errors.VaultpyError):
        identify(BoundedConnection(Babbler((b"5.4.3", 0x9000), *answers)))


@given(ANSWERS)
def test_garbage_instead_of_oath_is_an_error_for_the_user(answers: list[tuple[bytes, int]]) -> None:
    with suppress(errors.VaultpyError):
        YubiKey(BoundedConnection(Babbler(*answers)))


def test_a_status_of_no_known_meaning_is_told_and_neither_a_code_nor_a_password_that_fits() -> None:
    with pytest.raises(errors.YubiKeyFailed, match="6f42"):
        YubiKey(BoundedConnection(Babbler(SELECTED, (b"", 0x6F42)))).calculate(ACCOUNT, STEP)
    with pytest.raises(errors.YubiKeyFailed, match="6f42"):
        YubiKey(BoundedConnection(Babbler(LOCKED, (b"", 0x6F42)))).unlock(bytes(16))


@given(ANSWERS)
def test_garbage_from_oath_is_an_error_for_the_user(answers: list[tuple[bytes, int]]) -> None:
    yubikey = YubiKey(BoundedConnection(Babbler(SELECTED, *answers)))
    with suppress(errors.VaultpyError):
        yubikey.accounts()
    with suppress(errors.VaultpyError, NoTouchError):
        yubikey.calculate(ACCOUNT, STEP)
    with suppress(errors.VaultpyError, RefusedError):
        yubikey.put(SERIAL, WRITTEN)
    with suppress(errors.VaultpyError):
        yubikey.delete(SERIAL)
    with suppress(errors.VaultpyError):
        yubikey.touch_wanted()


@pytest.mark.parametrize("transport", [TRANSPORT.USB, TRANSPORT.NFC])
def test_an_account_is_put_with_touch_makes_the_right_code_and_is_deleted(transport: TRANSPORT) -> None:
    key = SimulatedYubiKey()
    yubikey = opened(key, transport)
    yubikey.put(SERIAL, WRITTEN)
    assert yubikey.accounts() == [ACCOUNT]
    assert yubikey.touch_wanted() == {SERIAL.encode(): True}
    assert yubikey.calculate(ACCOUNT, STEP) == totp(WRITTEN, STEP).reveal()
    assert yubikey.delete(SERIAL)
    assert not yubikey.delete(SERIAL)
    assert key.accounts == {}


class Recorder(SimulatedConnection):
    """Keeps what is sent."""

    def __init__(self, key: SimulatedYubiKey) -> None:
        super().__init__(key, TRANSPORT.NFC)
        self.sent: list[str] = []

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        """Keep it, and hand it on."""
        self.sent.append(apdu.hex())
        return super().send_and_receive(apdu)


def test_looking_is_the_commands_that_the_protocol_has() -> None:
    key = SimulatedYubiKey()
    for name, touch in (("one", True), ("two", False), ("three", True)):
        key.add_account(name, SEED, touch=touch)
    recorder = Recorder(key)
    yubikey = YubiKey(recorder)
    assert [account.id for account in yubikey.accounts()] == [b"one", b"two", b"three"]
    assert yubikey.touch_wanted() == {b"one": True, b"two": False, b"three": True}
    listing, calculating = recorder.sent[-2:]
    assert listing.startswith("00a10000")
    assert calculating.startswith("00a400010a7408" + "00" * 8)


def test_putting_is_one_command_as_it_was_recorded() -> None:
    recorder = Recorder(SimulatedYubiKey())
    YubiKey(recorder).put("touch-required", WRITTEN)
    # as in the recording of a touch, but for the secret: name, TOTP with SHA-1, six digits, `78 02`
    expected = "710e746f7563682d7265717569726564" + "73162106" + WRITTEN.reveal().hex() + "7802"
    assert recorder.sent[-1].startswith("000100002a" + expected)


@pytest.mark.parametrize("status", [0x6A84, 0x6982, 0x6985, 0x6A80, 0x6F00])
def test_a_refused_put_tells_the_status_word_and_no_more(status: int) -> None:
    key = SimulatedYubiKey()
    key.refusals = {"PUT": status}
    with pytest.raises(RefusedError) as refusal:
        opened(key).put(SERIAL, WRITTEN)
    assert (refusal.value.status, str(refusal.value)) == (status, f"{status:04x}")


def test_version_and_transport_are_told() -> None:
    neo = opened(SimulatedYubiKey(version=(3, 4, 3)))
    assert (neo.version, neo.over_usb) == ((3, 4, 3), True)
    assert not opened(SimulatedYubiKey(), TRANSPORT.NFC).over_usb
