"""The whole way through a real pcscd, with processes of their own: a card is shared, waited for, let go."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from smartcard import scard

from support.key_user import LATER, Run
from support.keys import DIGITS, SEED, SERIAL
from support.pcscd import NFC_READER, YUBIKEY_READER, Pcscd, missing
from support.virtual_card import NFC_ATR, VirtualCard
from vaultpy import errors, pcsc
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.simulated.finger import PressedFinger

TOUCH = "waiting touch the YubiKey: arn:aws:iam::123456789012:role/dev for dev-role"
BUSY = "waiting the YubiKey is busy: it still blinks for a run that ended, or another program uses it"
HOLD = """
import sys
from smartcard import scard
context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)[1]
reader = scard.SCardListReaders(context, [])[1][0]
code, card, _ = scard.SCardConnect(
    context, reader, int(sys.argv[1]), scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
)
print(code, flush=True)
sys.stdin.readline()
print(scard.SCardStatus(card)[0], flush=True)
scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
"""
OPEN_AND_CLOSE = """
from vaultpy.pcsc import PcscCards
cards = PcscCards()
for _ in range(210):
    cards.open(cards.readers()[0]).close()
print("done")
"""
REACH = """
import os, sys
from vaultpy.errors import VaultpyError
from vaultpy.pcsc import PcscCards
if len(sys.argv) > 1:
    os.setuid(int(sys.argv[1]))
try:
    PcscCards()
except VaultpyError as error:
    print(type(error).__name__, error.message)
"""


def key(finger: PressedFinger | None = None, serial: int = 12345678) -> SimulatedYubiKey:
    made = SimulatedYubiKey(serial, finger=finger, touch_timeout=60)
    made.add_account(SERIAL, SEED, touch=finger is not None)
    return made


@pytest.fixture
def blinking(pcscd: Pcscd, finger: PressedFinger) -> Iterator[VirtualCard]:
    """Plug in a YubiKey whose account wants a touch."""
    with VirtualCard(key(finger), pcscd.readers[0]) as card:
        yield card


class Holder:
    """Another program, which connects to the card in its own way until it is told to end."""

    def __init__(self, environment: dict[str, str], share: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(share)],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert int(self._process.stdout.readline()) == scard.SCARD_S_SUCCESS

    def end(self) -> int:
        """End it, and return what it finds its connection to be."""
        return int(self._process.communicate("\n")[0])


@pytest.mark.usefixtures("blinking")
def test_a_touch_gives_the_code(pcscd: Pcscd, finger: PressedFinger) -> None:
    with Run(pcscd.environment) as run:
        assert run.line() == TOUCH
        finger.press()
        assert run.line() == f"code {DIGITS}"


@pytest.mark.usefixtures("blinking")
def test_typed_digits_end_the_run_while_the_key_goes_on_blinking(pcscd: Pcscd) -> None:
    with Run(pcscd.environment) as run:
        assert run.line() == TOUCH
        run.type("123456")
        assert run.line() == "code 123456"
        assert run.line() == ""


@pytest.mark.usefixtures("blinking")
def test_ctrl_c_ends_the_run_while_the_key_goes_on_blinking(pcscd: Pcscd, finger: PressedFinger) -> None:
    with Run(pcscd.environment) as run:
        assert run.line() == TOUCH
        finger.wait_until_blinking()
        assert run.kill(signal.SIGINT) == -signal.SIGINT


@pytest.mark.parametrize("end", [None, signal.SIGINT, signal.SIGKILL])
@pytest.mark.usefixtures("blinking")
def test_a_second_run_waits_for_the_blinking_of_the_first_and_goes_on_by_itself(
    pcscd: Pcscd, finger: PressedFinger, end: int | None
) -> None:
    with Run(pcscd.environment) as first, Run(pcscd.environment) as second:
        told = {first: first.line(), second: second.line()}
        assert set(told.values()) == {TOUCH, BUSY}
        blinker = next(run for run, line in told.items() if line == TOUCH)
        waiter = first if blinker is second else second
        finger.wait_until_blinking()
        if end is not None:
            blinker.kill(end)
        finger.press()
        assert waiter.line() == TOUCH
        finger.press()
        assert waiter.line() == f"code {DIGITS}"
        if end is None:
            assert blinker.line() == f"code {DIGITS}"


@pytest.mark.usefixtures("blinking")
def test_ctrl_c_ends_the_wait_for_another_runs_blinking(pcscd: Pcscd, finger: PressedFinger) -> None:
    with Run(pcscd.environment) as first:
        assert first.line() == TOUCH
        finger.wait_until_blinking()
        with Run(pcscd.environment) as second:
            assert second.line() == BUSY
            assert second.kill(signal.SIGINT) == -signal.SIGINT
        finger.press()
        assert first.line() == f"code {DIGITS}"


def test_a_key_pulled_out_while_it_blinks_is_said_so(
    pcscd: Pcscd, blinking: VirtualCard, finger: PressedFinger
) -> None:
    with Run(pcscd.environment) as run:
        assert run.line() == TOUCH
        finger.wait_until_blinking()
        blinking.remove()
        assert run.line() == "error CardRemoved: the YubiKey was pulled out before it answered"


def test_a_key_that_is_absent_is_found_when_it_is_plugged_in(pcscd: Pcscd) -> None:
    with Run(pcscd.environment) as run:
        assert run.line() == "waiting plug in your YubiKey"
        with VirtualCard(key(), pcscd.readers[0]):
            assert run.line() == f"code {DIGITS}"


def test_a_card_held_exclusively_is_said_so_and_its_holder_lives_on(pcscd: Pcscd) -> None:
    with VirtualCard(key(), pcscd.readers[0]):
        holder = Holder(pcscd.environment, scard.SCARD_SHARE_EXCLUSIVE)
        with Run(pcscd.environment) as run:
            assert run.line() == BUSY
            assert run.line() == "error CardHeld: another program holds the YubiKey"
        assert holder.end() == scard.SCARD_S_SUCCESS


def test_a_card_held_exclusively_is_taken_when_its_holder_ends(pcscd: Pcscd) -> None:
    with VirtualCard(key(), pcscd.readers[0]):
        holder = Holder(pcscd.environment, scard.SCARD_SHARE_EXCLUSIVE)
        with Run(pcscd.environment) as run:
            assert run.line() == BUSY
            holder.end()
            assert run.line() == f"code {DIGITS}"


def test_a_program_that_shares_the_card_finds_it_as_it_was(pcscd: Pcscd) -> None:
    with VirtualCard(key(), pcscd.readers[0]):
        holder = Holder(pcscd.environment, scard.SCARD_SHARE_SHARED)
        with Run(pcscd.environment) as run:
            assert run.line() == f"code {DIGITS}"
        assert holder.end() == scard.SCARD_S_SUCCESS


def test_the_told_one_of_two_keys_is_used_and_an_nfc_reader_by_its_name(tmp_path: Path) -> None:
    if reason := missing():
        pytest.skip(reason)
    names = (YUBIKEY_READER, YUBIKEY_READER + " two", NFC_READER)
    keys = [key(serial=1), key(serial=2), key(serial=3)]
    with Pcscd(tmp_path, names) as pcscd, ExitStack() as plugged:
        for one, reader in zip(keys[:2], pcscd.readers, strict=False):
            plugged.enter_context(VirtualCard(one, reader))
        plugged.enter_context(VirtualCard(keys[2], pcscd.readers[2], NFC_ATR))
        with Run(pcscd.environment, serial="2") as run:
            assert run.line() == f"code {DIGITS}"
        assert [one.calculations for one in keys] == [0, 1, 0]
        with Run(pcscd.environment, reader="acr122u") as run:
            assert run.line() == f"code {DIGITS}"
        assert [one.calculations for one in keys] == [0, 1, 1]
        with Run(pcscd.environment, serial="4") as run:
            assert run.line() == "waiting plug in YubiKey 4"
            run.type(LATER)
            seen = "YubiKey 1, YubiKey 2"
            assert run.line() == f"error YubiKeyAbsent: YubiKey 4 is not plugged in; what is: {seen}"


def test_closed_connections_leave_nothing_behind_for_pcscd_which_serves_200_at_once(pcscd: Pcscd) -> None:
    with VirtualCard(key(), pcscd.readers[0]):
        assert printed(OPEN_AND_CLOSE, pcscd.environment) == "done"


def printed(script: str, environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-c", script, *words]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    ).stdout.strip()


def reached(environment: dict[str, str], *user: str) -> str:
    return printed(REACH, environment, *user)


def test_a_missing_service_is_said_so(tmp_path: Path) -> None:
    environment = {"PCSCLITE_CSOCK_NAME": str(tmp_path / "none")}
    assert reached(environment) == "PcscMissing the smart card service does not answer: service not available"


def test_a_socket_that_nobody_listens_at_is_a_missing_service(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "left-behind"))
    environment = {"PCSCLITE_CSOCK_NAME": str(tmp_path / "left-behind")}
    assert reached(environment).startswith("PcscMissing ")


def test_a_socket_that_may_not_be_opened_is_named() -> None:
    with TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
        path = Path(directory, "closed")
        listener.bind(str(path))
        listener.listen()
        path.chmod(0)
        Path(directory).chmod(0o711)
        nobody = ["65534"] if os.getuid() == 0 else []
        said = reached({"PCSCLITE_CSOCK_NAME": str(path)}, *nobody)
    assert said == f"PcscForbidden the smart card service's socket {path} may not be opened"


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (scard.SCARD_E_NO_SERVICE, errors.PcscMissing),
        (scard.SCARD_E_SERVICE_STOPPED, errors.PcscMissing),
        (scard.SCARD_W_SECURITY_VIOLATION, errors.PcscRefused),
        (scard.SCARD_E_NO_ACCESS, errors.PcscRefused),
        (scard.SCARD_W_REMOVED_CARD, errors.CardRemoved),
        (scard.SCARD_E_NO_SMARTCARD, errors.CardRemoved),
        (scard.SCARD_E_SHARING_VIOLATION, errors.CardHeld),
        (scard.SCARD_F_INTERNAL_ERROR, errors.YubiKeyFailed),
    ],
)
def test_every_return_code_has_a_meaning(code: int, meaning: type[errors.VaultpyError]) -> None:
    with pytest.raises(meaning):
        pcsc._checked([code])
