"""The simulated card reads commands, and cuts its answers, as ISO 7816-4 says."""

from __future__ import annotations

import pytest

from vaultpy.simulated.apdu import Command, parse_command, take_tlv, tlv
from vaultpy.simulated.yubikey import SimulatedYubiKey

SEED = b"12345678901234567890"
SELECT_OATH = bytes.fromhex("00a4040007a0000005272101")
LIST = bytes.fromhex("00a10000")


@pytest.mark.parametrize(
    ("apdu", "command"),
    [
        ("00a10000", Command(0, 0xA1, 0, 0)),
        ("00a1000000", Command(0, 0xA1, 0, 0, le=256)),
        ("00a1000010", Command(0, 0xA1, 0, 0, le=16)),
        ("00a1000002abcd", Command(0, 0xA1, 0, 0, b"\xab\xcd")),
        ("00a1000002abcd00", Command(0, 0xA1, 0, 0, b"\xab\xcd", 256)),
        ("00a10000000100", Command(0, 0xA1, 0, 0, le=256)),
        ("00a10000000000", Command(0, 0xA1, 0, 0, le=65536)),
        ("00a10000000002abcd", Command(0, 0xA1, 0, 0, b"\xab\xcd")),
        ("00a10000000002abcd0010", Command(0, 0xA1, 0, 0, b"\xab\xcd", 16)),
    ],
)
def test_all_of_isos_command_forms_are_read(apdu: str, command: Command) -> None:
    assert parse_command(bytes.fromhex(apdu)) == command


@pytest.mark.parametrize("apdu", ["", "00a100", "00a1000003abcd", "00a1000001abcdef", "00a10000000003abcd"])
def test_a_command_whose_lengths_do_not_fit_is_refused(apdu: str) -> None:
    assert SimulatedYubiKey().transmit(bytes.fromhex(apdu)) == (b"", 0x6700)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 1000])
def test_objects_of_any_length_are_read_as_written(length: int) -> None:
    assert take_tlv(tlv(0x71, bytes(length)) + b"rest") == (0x71, bytes(length), b"rest")


def test_an_answer_comes_in_parts_of_the_length_asked_for_and_the_rest_is_dropped_by_another_command() -> (
    None
):
    key = SimulatedYubiKey()
    key.add_account("anna", SEED)
    key.transmit(SELECT_OATH)
    assert key.transmit(bytes.fromhex("00a1000004")) == (bytes.fromhex("72052161"), 0x6103)
    assert key.transmit(bytes.fromhex("00a5000002")) == (b"nn", 0x6101)
    assert key.transmit(bytes.fromhex("00ff0000")) == (b"", 0x6D00)
    assert key.transmit(bytes.fromhex("00a50000")) == (b"", 0x6985)


def test_another_class_or_instruction_is_refused() -> None:
    key = SimulatedYubiKey()
    key.transmit(SELECT_OATH)
    assert key.transmit(bytes.fromhex("80a10000")) == (b"", 0x6E00)
    assert key.transmit(bytes.fromhex("00ff0000")) == (b"", 0x6D00)


def test_a_command_comes_in_parts_that_are_joined() -> None:
    key = SimulatedYubiKey()
    key.transmit(SELECT_OATH)
    put = tlv(0x71, b"anna") + tlv(0x73, b"\x21\x06" + SEED)
    assert key.transmit(bytes((0x10, 0x01, 0, 0, 9)) + put[:9]) == (b"", 0x9000)
    assert key.transmit(bytes((0x00, 0x01, 0, 0, len(put) - 9)) + put[9:]) == (b"", 0x9000)
    assert key.transmit(LIST) == (tlv(0x72, b"\x21anna"), 0x9000)
    assert [call.name for call in key.calls] == ["SELECT", "PUT", "LIST"]
