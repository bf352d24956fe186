"""Tokens of other makes, behind pcscd: short APDUs, no management application, other status words, locks.

The main job works with each as it does with a YubiKey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from yubikit.core import TRANSPORT
from yubikit.oath import OathSession

from support.hurry import HurriedWorld
from support.keys import DIGITS, SEED, SERIAL, STEP
from support.pcscd import missing
from support.virtual_card import VirtualCard
from vaultpy import errors
from vaultpy.accounts import Account
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import NoFinger, SteadyFinger
from vaultpy.simulated.other_token import MAKES, Make, OtherToken
from vaultpy.terminal import Terminal
from vaultpy.totp import Seed
from vaultpy.values import Secret
from vaultpy.wiring import Wiring
from vaultpy.yubikey import NoTouchError, RefusedError, YubiKey, identify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "open sesame"
READER = "Somebody's Smart Token"
SHORT_ATR = bytes.fromhex("3b8d80018073c021c057597562694b6579f9")
ACCOUNT = Account(SERIAL.encode(), "TOTP, SHA1", fits=True)
each_make = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)


def opened(token: OtherToken) -> YubiKey:
    return YubiKey(SimulatedConnection(token, TRANSPORT.NFC))


@each_make
def test_it_is_a_token_without_a_serial_number(make: Make) -> None:
    assert identify(SimulatedConnection(OtherToken(make), TRANSPORT.NFC)).serial is None


@each_make
def test_a_long_list_comes_in_short_answers(make: Make) -> None:
    token = OtherToken(make)
    for number in range(30):
        token.add_account(f"{number:02}" + "x" * 60, SEED)
    token.add_account(SERIAL, SEED)
    key = opened(token)
    assert len(key.accounts()) == 31
    assert [call.name for call in token.calls].count("SEND REMAINING") >= 5
    assert key.calculate(ACCOUNT, STEP) == DIGITS


@each_make
def test_a_password_locks_it_sooner_or_later_and_only_the_right_one_opens_it(make: Make) -> None:
    token = OtherToken(make)
    token.add_account(SERIAL, SEED)
    session = OathSession(SimulatedConnection(token, TRANSPORT.NFC))
    session.set_key(session.derive_key(PASSWORD))
    key = opened(token)
    assert key.locked
    with pytest.raises(errors.YubiKeyFailed, match="6982"):
        key.accounts()
    assert not key.unlock(key.derive("open barley"))
    assert key.unlock(key.derive(PASSWORD))
    assert key.calculate(ACCOUNT, STEP) == DIGITS


@each_make
def test_an_account_that_is_missing_or_untouched_is_told(make: Make) -> None:
    token = OtherToken(make, finger=NoFinger(), touch_timeout=0.01)
    key = opened(token)
    with pytest.raises(errors.YubiKeyFailed, match="6984"):
        key.calculate(ACCOUNT, STEP)
    assert not key.delete(SERIAL)
    token.add_account(SERIAL, SEED, touch=True)
    with pytest.raises(NoTouchError):
        key.calculate(ACCOUNT, STEP)


@each_make
def test_writing_over_an_account_works_or_is_refused_and_never_half_done(make: Make) -> None:
    token = OtherToken(make, finger=SteadyFinger())
    token.add_account(SERIAL, SEED)
    key = opened(token)
    other = Seed("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR")
    if make.put_again == 0x9000:
        key.put(SERIAL, other)
        assert key.calculate(ACCOUNT, STEP) != DIGITS
        return
    with pytest.raises(RefusedError) as refused:
        key.put(SERIAL, other)
    assert refused.value.status == make.put_again
    assert key.calculate(ACCOUNT, STEP) == DIGITS


def test_an_extended_command_is_refused_by_this_simulation() -> None:
    token = OtherToken(MAKES["one"])
    assert token.transmit(bytes.fromhex("00a4040000000007a0000005272101")) == (b"", 0x6700)


# ---- the main job ------------------------------------------------------------------------------------


class TokenWorld(HurriedWorld):
    """A world in which a token of another make is plugged in, in a reader of its own name."""

    def __init__(self, directory: Path, make: Make, *, locked: bool) -> None:
        super().__init__(directory, finger=SteadyFinger(), readers=(READER,))
        self.locked = locked
        self.token = OtherToken(make, finger=self.finger)
        self.token.add_account(self.device.serial, self.device.seed, touch=True)
        self.yubikey = self.token

    def plug_in_as_it_is(self) -> None:
        """Put it in as a card that takes short commands alone; the keystore knows its password."""
        self.card.remove()
        if self.locked:
            session = OathSession(SimulatedConnection(self.token, TRANSPORT.NFC))
            derived = session.derive_key(PASSWORD)
            session.set_key(derived)
            keystore = Wiring(self.environment, Terminal(self.environment, listens=False)).keystore("file")
            keystore.set(f"oath-password/{session.device_id}", Secret(derived.hex()))
        self.environment["VAULTPY_READER"] = "smart token"
        self.card = VirtualCard(self.token, self.pcscd.readers[0], SHORT_ATR)
        self.card.insert()


@pytest.fixture(
    params=[
        pytest.param((name, locked), marks=() if (place + locked) % 2 else pytest.mark.long)
        for place, name in enumerate(MAKES)
        for locked in (False, True)
    ],
    ids=str,
)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TokenWorld]:
    name, locked = request.param
    with TokenWorld(tmp_path, MAKES[name], locked=locked) as world:
        world.enrol()
        world.plug_in_as_it_is()
        yield world


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_the_main_job_takes_one_touch_of_it_and_no_other_account_s_code(world: TokenWorld) -> None:
    world.token.add_account("GitHub:alice", SEED)
    for _ in range(2):
        done = world.vaultpy("exec", "dev-role", "--", "printenv", "AWS_ACCESS_KEY_ID")
        assert done.returncode == 0, done.stderr
        session = world.aws.session(done.stdout.strip())
        assert session.principal.arn.endswith(":assumed-role/dev/alice")
    assert world.token.calculations == 1
    names = [call.name for call in world.token.calls]
    assert "CALCULATE ALL" not in names
    assert ("VALIDATE" in names) == world.locked
    status = world.vaultpy("status", "dev-role")
    assert status.returncode == 0, status.stderr
