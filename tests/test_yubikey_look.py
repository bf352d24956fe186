"""Each key that is plugged in is looked at with nobody asked, nothing written and no touch."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from support.keys import READER, SEED, SERIAL, SimulatedCards
from vaultpy import errors
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import NoFinger
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.values import Secret
from vaultpy.yubikey_look import YubiKeyReport, look_at_keys

if TYPE_CHECKING:
    from collections.abc import Callable

NFC = "ACS ACR122U PICC Interface 00 00"
SECOND = "Yubico YubiKey OTP+FIDO+CCID 01 00"


def nobody_remembers(_device: str) -> bytes | None:
    return None


def looked(
    cards: SimulatedCards,
    *,
    reader: str | None = None,
    ykman: Callable[[str], bytes | None] = nobody_remembers,
    keystore: MemoryKeystore[Secret] | None = None,
) -> list[YubiKeyReport | errors.VaultpyError]:
    opened = keystore or MemoryKeystore[Secret]()
    found = look_at_keys(cards, reader, ykman, lambda: opened)
    assert cards.open_connections == []
    return [report for _, report in found]


def only(found: list[YubiKeyReport | errors.VaultpyError]) -> YubiKeyReport:
    (report,) = found
    assert isinstance(report, YubiKeyReport)
    return report


def with_password(key: SimulatedYubiKey) -> bytes:
    session = OathSession(SimulatedConnection(key))
    derived: bytes = session.derive_key("open sesame")
    session.set_key(derived)
    return derived


def test_a_key_tells_what_it_is_and_holds_without_a_touch() -> None:
    key = SimulatedYubiKey(7, (5, 7, 1), finger=NoFinger())
    key.add_account(SERIAL, SEED, touch=True)
    key.add_account("plain", SEED)
    session = OathSession(SimulatedConnection(key))
    session.put_credential(CredentialData("counted", OATH_TYPE.HOTP, HASH_ALGORITHM.SHA1, SEED))
    before = key.accounts
    key.calls.clear()
    report = only(looked(SimulatedCards.with_key(key)))
    assert (report.where, report.serial, report.version) == ("YubiKey 7", "7", (5, 7, 1))
    assert (report.fips, report.over_usb, report.has_password) == (False, True, False)
    assert {it.account.name: it.touch for it in report.accounts or ()} == {
        SERIAL: True,
        "plain": False,
        "counted": None,
    }
    assert key.accounts == before
    assert {call.name for call in key.calls} <= {"SELECT", "READ CONFIG", "LIST", "CALCULATE ALL"}


def test_a_locked_key_that_nobody_remembers_keeps_its_accounts() -> None:
    key = SimulatedYubiKey()
    with_password(key)
    report = only(looked(SimulatedCards.with_key(key)))
    assert (report.has_password, report.accounts) == (True, None)


def test_a_locked_key_is_opened_with_what_ykman_or_the_keystore_remembers() -> None:
    key = SimulatedYubiKey()
    derived = with_password(key)
    cards = SimulatedCards.with_key(key)
    assert only(looked(cards, ykman=lambda _device: derived)).accounts == ()
    device_id = OathSession(SimulatedConnection(key)).device_id
    keystore = MemoryKeystore[Secret]()
    keystore.set(f"oath-password/{device_id}", Secret(derived.hex()))
    assert only(looked(cards, keystore=keystore)).accounts == ()
    keystore.failure = errors.KeystoreLocked()
    assert only(looked(cards, keystore=keystore)).accounts is None


def test_a_problem_with_one_key_keeps_nobody_from_the_next() -> None:
    cards = SimulatedCards()
    cards.keys = {READER: SimulatedYubiKey(1, oath_enabled=False), SECOND: SimulatedYubiKey(2)}
    first, second = looked(cards)
    assert isinstance(first, errors.OathOff)
    assert isinstance(second, YubiKeyReport)


def test_other_readers_are_looked_at_only_when_they_are_named() -> None:
    cards = SimulatedCards()
    cards.keys = {NFC: SimulatedYubiKey(1)}
    assert looked(cards) == []
    assert not only(looked(cards, reader="acr122")).over_usb


@pytest.mark.slow
def test_a_key_that_waits_for_somebody_elses_touch_counts_as_held() -> None:
    cards = SimulatedCards.with_key(SimulatedYubiKey())
    released = threading.Event()
    cards.opening = lambda _reader: released.wait(60)
    (problem,) = looked(cards)
    released.set()
    assert isinstance(problem, errors.CardHeld)
