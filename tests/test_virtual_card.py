"""The real ykman reaches the simulated YubiKey through a real pcscd, as it reaches a key in a USB port."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.pcscd import NFC_READER, YUBIKEY_READER, Pcscd
from support.virtual_card import NFC_ATR, VirtualCard
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from vaultpy.simulated.finger import PressedFinger

SEED_IN_BASE32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
FIRST_HOTP_CODES = ["755224", "287082"]  # of that seed: RFC 4226, appendix D
ANNA = "arn:aws:iam::123456789012:mfa/anna"


def start_ykman(pcscd: Pcscd, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("ykman")), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(pcscd.directory), **pcscd.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for `process`; return its exit status and what it wrote to stdout."""
    with process:
        output, _ = process.communicate()
    return process.returncode, output


def ykman(pcscd: Pcscd, *arguments: str, reader: int = 0) -> str:
    """Return what ykman says about the key at that reader."""
    status, output = finish(start_ykman(pcscd, "--reader", pcscd.readers[reader].name, *arguments))
    assert status == 0
    return output


def add_hotp(pcscd: Pcscd) -> None:
    ykman(pcscd, "oath", "accounts", "add", "--oath-type", "HOTP", "--touch", ANNA, SEED_IN_BASE32)


@pytest.mark.usefixtures("virtual_card")
def test_ykman_finds_the_key_by_its_serial_number(pcscd: Pcscd, yubikey: SimulatedYubiKey) -> None:
    assert finish(start_ykman(pcscd, "list", "--serials")) == (0, f"{yubikey.serial}\n")


@pytest.mark.usefixtures("virtual_card")
def test_ykman_lists_accounts_and_calculates_codes_that_need_no_touch(
    pcscd: Pcscd, yubikey: SimulatedYubiKey
) -> None:
    yubikey.add_account(ANNA, b"12345678901234567890")
    yubikey.add_account("touched", b"12345678901234567890", touch=True)
    assert ykman(pcscd, "oath", "accounts", "list").splitlines() == [ANNA, "touched"]
    free, touched = ykman(pcscd, "oath", "accounts", "code").splitlines()
    assert free.split()[0] == ANNA
    assert len(free.split()[1]) == 6
    assert touched.split(maxsplit=1) == ["touched", "[Requires Touch]"]
    assert yubikey.calculations == 0


@pytest.mark.usefixtures("virtual_card")
def test_a_code_comes_as_soon_as_the_key_is_touched(pcscd: Pcscd, finger: PressedFinger) -> None:
    add_hotp(pcscd)
    for code in FIRST_HOTP_CODES:
        waiting = start_ykman(
            pcscd, "--reader", pcscd.readers[0].name, "oath", "accounts", "code", "--single", ANNA
        )
        finger.press()
        assert finish(waiting) == (0, f"{code}\n")


@pytest.mark.usefixtures("virtual_card")
def test_long_answers_come_whole(pcscd: Pcscd, yubikey: SimulatedYubiKey) -> None:
    names = [f"arn:aws:iam::123456789012:mfa/user-{number:02}" for number in range(32)]
    for name in names:
        yubikey.add_account(name, b"12345678901234567890")
    assert ykman(pcscd, "oath", "accounts", "list").splitlines() == names


def test_a_key_pulled_out_while_it_blinks_fails_that_command_and_works_again_afterwards(
    pcscd: Pcscd, virtual_card: VirtualCard, finger: PressedFinger
) -> None:
    add_hotp(pcscd)
    command = "--reader", pcscd.readers[0].name, "oath", "accounts", "code", "--single", ANNA
    waiting = start_ykman(pcscd, *command)
    finger.wait_until_blinking()
    virtual_card.remove()
    status, output = finish(waiting)
    assert (status, output) == (1, "")
    virtual_card.insert()
    waiting = start_ykman(pcscd, *command)
    finger.press()
    assert finish(waiting) == (0, f"{FIRST_HOTP_CODES[0]}\n")


def test_a_key_can_be_pulled_out_and_plugged_in_again(pcscd: Pcscd, virtual_card: VirtualCard) -> None:
    virtual_card.remove()
    virtual_card.insert()
    assert ykman(pcscd, "oath", "accounts", "list") == ""


@pytest.mark.usefixtures("pcscd")
def test_readers_and_daemons_beside_each_other_keep_their_keys_apart(tmp_path: Path) -> None:
    keys = [SimulatedYubiKey(serial) for serial in (1001, 1002, 1003)]
    for key in keys:
        key.add_account(f"account of {key.serial}", b"12345678901234567890")
    for directory in ("first", "second"):
        (tmp_path / directory).mkdir()
    with (
        Pcscd(tmp_path / "first", [YUBIKEY_READER, NFC_READER]) as first,
        Pcscd(tmp_path / "second") as second,
        VirtualCard(keys[0], first.readers[0]),
        VirtualCard(keys[1], first.readers[1], NFC_ATR),
        VirtualCard(keys[2], second.readers[0]),
    ):
        assert ykman(first, "oath", "accounts", "list") == "account of 1001\n"
        assert ykman(first, "oath", "accounts", "list", reader=1) == "account of 1002\n"
        assert ykman(second, "oath", "accounts", "list") == "account of 1003\n"
