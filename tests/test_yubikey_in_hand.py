"""An account goes onto a key after every check, is proven by a touch and deleted; its seed shows nowhere."""

from __future__ import annotations

import gc
import io
import logging
import signal
import traceback
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from support.key_user import Run
from support.keys import DIGITS, READER, SERIAL, STEP, Desk, SimulatedCards, wanted
from support.pcscd import NFC_READER, YUBIKEY_READER, Pcscd, missing
from support.virtual_card import NFC_ATR, USB_ATR, VirtualCard
from vaultpy import errors
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import NoFinger, PressedFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.totp import Seed, totp
from vaultpy.trace import _sinks, trace_to
from vaultpy.yubikeys_at_hand import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vaultpy.yubikey_in_hand import YubiKeyInHand

SEED_TEXT = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
SEED = Seed(SEED_TEXT)
OTHER_SEED = b"another seed of 20 b"
WRITER = "support.key_writer"
TOUCH = f"touch the YubiKey: {wanted().purpose}"
NFC = "ACS ACR122U PICC Interface 00 00"
EVERY_FIRMWARE_WITH_TOUCH = pytest.mark.parametrize("version", [(4, 2, 6), (4, 3, 7), (5, 4, 3), (5, 7, 1)])


def desk_with(key: SimulatedYubiKey) -> Desk:
    return Desk(SimulatedCards.with_key(key))


def chosen(key: SimulatedYubiKey) -> YubiKeyInHand:
    return desk_with(key).choice().first()


def set_password(key: SimulatedYubiKey, password: str) -> None:
    session = OathSession(SimulatedConnection(key))
    session.set_key(session.derive_key(password))


def names(key: SimulatedYubiKey) -> list[str]:
    return [call.name for call in key.calls]


def fill(key: SimulatedYubiKey, count: int) -> None:
    for number in range(count):
        key.add_account(f"GitHub:user-{number}", OTHER_SEED)


# ---- put, prove, delete ------------------------------------------------------------------------------


@EVERY_FIRMWARE_WITH_TOUCH
def test_an_account_is_put_there_with_touch_proven_and_deleted(version: tuple[int, int, int]) -> None:
    finger = PressedFinger()
    key = SimulatedYubiKey(version=version, finger=finger)
    desk = desk_with(key)
    hand = desk.choice().first()
    hand.check(SERIAL)
    hand.put(SERIAL, SEED)
    assert key.accounts == {SERIAL: True}
    desk.person.deeds = [finger.press]
    code = hand.code(wanted(account=SERIAL), STEP)
    assert (code.mfa_serial, code.step, code.digits) == (SERIAL, STEP, totp(SEED, STEP))
    assert desk.person.told == [f"touch the YubiKey: {wanted().purpose}"]
    assert key.calculations == 1
    assert hand.delete(SERIAL)
    assert key.accounts == {}
    assert desk.cards.open_connections == []


def test_what_is_put_makes_the_codes_that_aws_wants() -> None:
    key = SimulatedYubiKey()
    hand = chosen(key)
    hand.put(SERIAL, SEED)
    (held,) = hand.accounts()
    assert (held.account.fits, held.account.kind, held.touch) == (True, "TOTP, SHA1", True)
    session = OathSession(SimulatedConnection(key))
    (account,) = session.list_credentials()
    assert session.calculate_code(account, STEP * 30).value == DIGITS


def test_checking_writes_nothing_and_holds_nothing() -> None:
    key = SimulatedYubiKey()
    desk = desk_with(key)
    desk.choice().first().check(SERIAL)
    assert set(names(key)) == {"SELECT", "READ CONFIG", "LIST"}
    assert desk.cards.open_connections == []


def test_between_its_methods_the_key_is_free_for_others() -> None:
    key = SimulatedYubiKey()
    desk = desk_with(key)
    hand = desk.choice().first()
    for use in (lambda: hand.check(SERIAL), lambda: hand.put(SERIAL, SEED), hand.accounts):
        use()
        assert desk.cards.open_connections == []


def test_deleting_what_is_not_there_is_no_error() -> None:
    assert not chosen(SimulatedYubiKey()).delete(SERIAL)


def test_a_short_name_is_proven_under_the_mfa_serial() -> None:
    name = "Amazon Web Services:alice@123456789012"
    hand = chosen(SimulatedYubiKey())
    hand.put(name, SEED)
    assert hand.code(wanted(account=name), STEP).mfa_serial == SERIAL


def test_a_touch_that_does_not_come_is_asked_for_again_and_given_up() -> None:
    key = SimulatedYubiKey(finger=NoFinger(), touch_timeout=0.5)
    desk = desk_with(key)
    hand = desk.choice().first()
    hand.put(SERIAL, SEED)
    with pytest.raises(errors.NotTouched):
        hand.code(wanted(account=SERIAL), STEP)
    assert key.calculations == 3
    assert desk.cards.open_connections == []
    assert hand.delete(SERIAL)


def test_digits_that_are_typed_prove_nothing() -> None:
    finger = PressedFinger()
    desk = desk_with(SimulatedYubiKey(finger=finger))
    hand = desk.choice().first()
    hand.put(SERIAL, SEED)
    desk.person.deeds = [lambda: "123456", finger.press]
    assert hand.code(wanted(account=SERIAL), STEP).digits.reveal() == DIGITS


def test_an_account_that_is_gone_cannot_be_proven() -> None:
    desk = desk_with(SimulatedYubiKey())
    with pytest.raises(errors.AccountMissing):
        desk.choice().first().code(wanted(account=SERIAL), STEP)
    assert desk.cards.open_connections == []


# ---- what speaks against it --------------------------------------------------------------------------


def test_every_check_is_made_again_when_it_is_put() -> None:
    key = SimulatedYubiKey(version=(4, 2, 5))
    with pytest.raises(errors.TouchUnknown):
        chosen(key).put(SERIAL, SEED)
    assert "PUT" not in names(key)


@pytest.mark.parametrize("version", [(3, 4, 3), (4, 2, 5)])
def test_firmware_that_cannot_wait_for_a_touch_is_refused(version: tuple[int, int, int]) -> None:
    with pytest.raises(errors.TouchUnknown, match=".".join(map(str, version))):
        chosen(SimulatedYubiKey(version=version)).check(SERIAL)


def test_a_token_of_another_make_says_itself_whether_it_is_full() -> None:
    key = SimulatedYubiKey(None, version=(4, 14, 0))
    fill(key, 32)
    hand = chosen(key)
    hand.check(SERIAL)
    with pytest.raises(errors.YubiKeyFull, match="it holds 32"):
        hand.put(SERIAL, SEED)


@pytest.mark.parametrize(("version", "room"), [((5, 4, 3), 32), ((5, 6, 9), 32), ((5, 7, 0), 64)])
def test_a_full_key_is_refused_and_one_with_a_place_left_is_not(
    version: tuple[int, int, int], room: int
) -> None:
    key = SimulatedYubiKey(version=version)
    fill(key, room - 1)
    chosen(key).check(SERIAL)
    key.add_account("the last", OTHER_SEED)
    with pytest.raises(errors.YubiKeyFull, match=f"it holds {room}"):
        chosen(key).check(SERIAL)
    chosen(key).check("the last", replace=True)


def test_an_account_of_that_name_is_never_overwritten_unasked() -> None:
    key = SimulatedYubiKey()
    key.add_account(SERIAL, OTHER_SEED)
    hand = chosen(key)
    with pytest.raises(errors.AccountExists) as refusal:
        hand.check(SERIAL)
    assert refusal.value.hint.endswith(f"ykman oath accounts delete {SERIAL}")
    with pytest.raises(errors.AccountExists):
        hand.put(SERIAL, SEED)
    assert "PUT" not in names(key)
    assert key.accounts == {SERIAL: False}


def test_it_is_overwritten_where_that_is_wanted() -> None:
    key = SimulatedYubiKey()
    key.add_account(SERIAL, OTHER_SEED)
    hand = chosen(key)
    hand.put(SERIAL, SEED, replace=True)
    assert key.accounts == {SERIAL: True}
    assert hand.code(wanted(account=SERIAL), STEP).digits.reveal() == DIGITS


def test_a_name_of_64_bytes_is_taken_and_a_longer_one_refused() -> None:
    key = SimulatedYubiKey()
    hand = chosen(key)
    longest = "ä" * 32
    hand.put(longest, SEED)
    assert key.accounts == {longest: True}
    with pytest.raises(errors.AccountNameTooLong, match="has 65"):
        hand.check(longest + "x")


def test_a_fips_key_is_written_to_only_with_a_password() -> None:
    key = SimulatedYubiKey(fips=True)
    with pytest.raises(errors.FipsWithoutPassword):
        chosen(key).check(SERIAL)
    set_password(key, "open sesame")
    desk = desk_with(key)
    desk.person.password = "open sesame"
    desk.choice().first().put(SERIAL, SEED)
    assert key.accounts == {SERIAL: True}


def test_nothing_is_written_over_nfc() -> None:
    desk = Desk(SimulatedCards(**{NFC: SimulatedYubiKey()}))
    desk.selection = Selection(reader="ACR122U")
    with pytest.raises(errors.NfcReadOnly):
        desk.choice().first().check(SERIAL)
    assert desk.cards.open_connections == []


@pytest.mark.parametrize(
    ("status", "problem", "text"),
    [
        (0x6A84, errors.YubiKeyFull, "it holds 0"),
        (0x6982, errors.PutRefused, "it is locked"),
        (0x6985, errors.PutRefused, "may hold that name already"),
        (0x6A80, errors.PutRefused, "knows no such accounts"),
        (0x6F00, errors.PutRefused, "status 6f00"),
    ],
)
def test_a_refusal_of_the_key_itself_is_told_in_words(
    status: int, problem: type[errors.VaultpyError], text: str
) -> None:
    key = SimulatedYubiKey()
    key.refusals = {"PUT": status}
    desk = desk_with(key)
    with pytest.raises(problem, match=text):
        desk.choice().first().put(SERIAL, SEED)
    assert desk.cards.open_connections == []


def test_a_deletion_that_is_refused_is_told() -> None:
    key = SimulatedYubiKey()
    key.add_account(SERIAL, OTHER_SEED)
    key.refusals = {"DELETE": 0x6982}
    with pytest.raises(errors.YubiKeyFailed, match="6982"):
        chosen(key).delete(SERIAL)


# ---- the key changes meanwhile -----------------------------------------------------------------------


def test_a_key_that_was_pulled_out_is_missed() -> None:
    desk = desk_with(SimulatedYubiKey())
    hand = desk.choice().first()
    desk.cards.keys[READER] = None
    with pytest.raises(errors.CardRemoved):
        hand.put(SERIAL, SEED)


def test_another_key_in_its_place_is_not_written_to() -> None:
    desk = desk_with(SimulatedYubiKey(1))
    hand = desk.choice().first()
    other = SimulatedYubiKey(2)
    other.add_account(SERIAL, OTHER_SEED)
    desk.cards.keys[READER] = other
    for use in (lambda: hand.put(SERIAL, SEED, replace=True), lambda: hand.delete(SERIAL), hand.accounts):
        with pytest.raises(errors.CardRemoved):
            use()
    assert set(names(other)) == {"SELECT"}
    assert desk.cards.open_connections == []


def test_a_password_that_was_set_or_changed_meanwhile_is_noticed() -> None:
    key = SimulatedYubiKey()
    desk = desk_with(key)
    hand = desk.choice().first()
    set_password(key, "open sesame")
    with pytest.raises(errors.OathPasswordNeeded):
        hand.check(SERIAL)
    assert hand.unlock(hand.derive("open sesame"))
    hand.check(SERIAL)
    assert not hand.unlock(hand.derive("open barley"))
    session = OathSession(SimulatedConnection(key))
    session.validate(session.derive_key("open sesame"))
    session.set_key(session.derive_key("open wheat"))
    with pytest.raises(errors.OathPasswordWrong):
        hand.check(SERIAL)
    assert desk.cards.open_connections == []


# ---- what it holds -----------------------------------------------------------------------------------


def test_accounts_are_listed_with_what_only_calculate_all_tells_and_for_no_time_of_today() -> None:
    key = SimulatedYubiKey()
    key.add_account("GitHub:alice", OTHER_SEED)
    key.add_account(SERIAL, OTHER_SEED, touch=True)
    data = CredentialData("counted", OATH_TYPE.HOTP, HASH_ALGORITHM.SHA1, OTHER_SEED)
    OathSession(SimulatedConnection(key)).put_credential(data)
    desk = desk_with(key)
    held = desk.choice().first().accounts()
    assert [(each.account.name, each.touch, each.for_aws) for each in held] == [
        ("GitHub:alice", False, False),
        (SERIAL, True, True),
        ("counted", None, False),
    ]
    (asked,) = [apdu for apdu in desk.cards.apdus if apdu[1:3] == b"\xa4\x00"]
    assert bytes((0x74, 8)) + bytes(8) in asked
    assert key.calculations == 0


def test_sixty_four_accounts_of_full_length_are_listed() -> None:
    key = SimulatedYubiKey(version=(5, 7, 0))
    for number in range(64):
        key.add_account(f"{number:02}" + "x" * 62, OTHER_SEED)
    assert len(chosen(key).accounts()) == 64


# ---- behind a real pcscd -----------------------------------------------------------------------------


@pytest.mark.usefixtures("virtual_card")
def test_behind_pcscd_an_account_is_put_on_a_key_proven_and_deleted(
    pcscd: Pcscd, yubikey: SimulatedYubiKey, finger: PressedFinger
) -> None:
    with Run(pcscd.environment, module=WRITER) as run:
        assert [run.line() for _ in range(3)] == ["chosen YubiKey 12345678", "put", f"waiting {TOUCH}"]
        assert yubikey.accounts == {SERIAL: True}
        finger.press()
        assert [run.line() for _ in range(3)] == [f"code {DIGITS}", "deleted", ""]
    assert yubikey.accounts == {}


@pytest.mark.usefixtures("virtual_card")
def test_behind_pcscd_a_run_that_was_killed_at_the_touch_leaves_an_account_that_the_next_one_names(
    pcscd: Pcscd, yubikey: SimulatedYubiKey, finger: PressedFinger
) -> None:
    with Run(pcscd.environment, module=WRITER) as run:
        assert [run.line() for _ in range(3)][-1] == f"waiting {TOUCH}"
        finger.wait_until_blinking()
        run.kill(signal.SIGKILL)
        finger.abort()
    with Run(pcscd.environment, module=WRITER) as run:
        told = list(iter(run.line, ""))
    assert told[-1] == f"error AccountExists: YubiKey 12345678 holds an account {SERIAL} already"
    assert yubikey.accounts == {SERIAL: True}


@pytest.mark.usefixtures("virtual_card")
def test_behind_pcscd_a_key_pulled_out_at_the_touch_is_told_to_be_gone(
    pcscd: Pcscd, virtual_card: VirtualCard, finger: PressedFinger
) -> None:
    with Run(pcscd.environment, module=WRITER) as run:
        assert [run.line() for _ in range(3)][-1] == f"waiting {TOUCH}"
        finger.wait_until_blinking()
        virtual_card.remove()
        assert run.line().startswith("error CardRemoved")


def test_behind_pcscd_keys_are_told_apart_and_an_nfc_reader_is_known_by_its_card(tmp_path: Path) -> None:
    if reason := missing():
        pytest.skip(reason)
    with ExitStack() as plugged:
        pcscd = plugged.enter_context(Pcscd(tmp_path, [f"{YUBIKEY_READER} A", YUBIKEY_READER, NFC_READER]))
        for serial, reader in enumerate(pcscd.readers, 1):
            atr = NFC_ATR if reader.name.startswith(NFC_READER) else USB_ATR
            plugged.enter_context(VirtualCard(SimulatedYubiKey(serial), reader, atr))
        with Run(pcscd.environment, module=WRITER) as run:
            assert run.line().endswith("any may be meant: YubiKey 1, YubiKey 2")
        with Run(pcscd.environment, serial="2", module=WRITER) as run:
            assert list(iter(run.line, "")) == ["chosen YubiKey 2", "put", f"code {DIGITS}", "deleted"]
        with Run(pcscd.environment, reader=NFC_READER, module=WRITER) as run:
            assert list(iter(run.line, ""))[-1].startswith("error NfcReadOnly: YubiKey 3 lies")


# ---- the seed ----------------------------------------------------------------------------------------


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """Provide what all loggers say at their lowest levels, and what `--debug` would show."""
    text = io.StringIO()
    root, handler, before = logging.getLogger(), logging.StreamHandler(text), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(1)
    trace_to(sink := partial(print, file=text))
    yield text
    _sinks.remove(sink)
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.mark.parametrize("status", [None, 0x6A84, 0x6F00])
def test_the_seed_is_in_no_log_no_error_and_no_repr(
    status: int | None, everything_logged: io.StringIO
) -> None:
    key = SimulatedYubiKey()
    key.refusals = {} if status is None else {"PUT": status}
    hand = chosen(key)
    shown = []
    try:
        hand.put(SERIAL, SEED)
    except errors.VaultpyError as error:
        shown += [*traceback.format_exception(error), repr(error), repr(error.__context__)]
    shown += [repr(hand), repr(vars(hand)), everything_logged.getvalue()]
    assert f"storing account {SERIAL}" in shown[-1]
    everything = "".join(shown)
    secret = SEED.reveal()
    for form in (SEED_TEXT, secret.decode(), secret.hex(), secret.hex().upper()):
        assert form not in everything


def test_no_object_of_yubikits_that_shows_the_seed_in_its_repr_outlives_the_put() -> None:
    seed = Seed("MZXW6YTBOIQGM33PMJQXEIDGN5XWEYLS")
    chosen(SimulatedYubiKey()).put(SERIAL, seed)
    gc.collect()
    kept = [each for each in gc.get_objects() if isinstance(each, CredentialData)]
    assert not [each for each in kept if each.secret == seed.reveal()]
