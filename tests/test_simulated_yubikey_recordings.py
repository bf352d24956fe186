"""The simulated YubiKey answers as recordings of a real one, and gives the codes of the RFCs."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.yubikey import SimulatedYubiKey

SEED = b"12345678901234567890"
SELECT = 0xA4, 0x04
RESET = 0x04, 0xDE

# What a YubiKey 5.4.3 was asked over USB, and answered; recorded by cunicu/go-ykoath (Apache-2.0).
TOTP_AND_HOTP = """
00a4040007a000000527210100 79030504037108e487fc32a7ab8fbb9000
0004dead 9000
0001000029710f726663363233382d746573742d3031731621083132333435363738393031323334353637383930 9000
0001000035710f726663363233382d746573742d303273222208313233343536373839303132333435363738393031323334\
3536373839303132 9000
00a10000 721021726663363233382d746573742d3031721022726663363233382d746573742d30329000
00a400010a74080000000000000001 710f726663363233382d746573742d3031760508059eb4ea710f726663363233382d7\
46573742d303276050802bfb94e9000
00a200011b710f726663363233382d746573742d303174080000000000000001 760508059eb4ea9000
00a2000018710f726663363233382d746573742d3031740568616c6c6f 75150828c6d33a03e7c67940c30d06253f8980f8e\
f54bd9000
0002000011710f726663363233382d746573742d3031 9000
0001000029710f726663343232362d746573742d3030731611063132333435363738393031323334353637383930 9000
00a200011b710f726663343232362d746573742d303074080000000000000001 760506000b86189000
00a200011b710f726663343232362d746573742d303074080000000000000001 7605060004616a9000
00010000377117726663343232362d386469676974732d746573742d30397316110831323334353637383930313233343536\
373839307a0400000009 9000
00a20001237117726663343232362d386469676974732d746573742d303974080000000000000001 76050802b696699000
"""
ACCESS_CODE = """
00a4040007a000000527210100 79030504037108f9acb48739fa26579000
0004dead 9000
00a4040007a000000527210100 790305040371088d848ca27d71e9ba9000
000300003f731102f811b7badeab0579ec07e302fbc12eda7408225f145cfc4875757520e3071ab65e356ac6e3fbb3acb093\
caa76ef6f9d0a0f1c77058e75010877a83d1 9000
00a4040007a000000527210100 790305040371088d848ca27d71e9ba74082404b5659cc7d30f7b01029000
00a300002c75206adc9285a6ac2349cba4a0fcc6fb2032d9c017b8fd283303c8cc2316a3d03f0074081645b32add642db1 \
6a80
00a4040007a000000527210100 790305040371088d848ca27d71e9ba74081ebc5ddebcd7f0ca7b01029000
00a300002c75204b4eba87e770e587aa1c67db02b9004681c95510c7f4f659191e5eb287b5903b74088b797cb2d9682404 \
75207831d961d57f4f73c530076d422525357ae0f2b0a10e5c8e9d7a680a8f18ae8a9000
00030000027300 9000
"""
TOUCH = """
00a4040007a000000527210100 790305040371082797d8d96bc481a99000
0004dead 9000
0001000024710e746f7563682072657175697265647310220600000000000000000000123412347802 9000
00a400010a74080000000000000001 710e746f7563682072657175697265647c01069000
00a200011a710e746f75636820726571756972656474080000000000000001 760506000dcc5b9000
"""


class Exchange(NamedTuple):
    """A command, and its answer: data and status word."""

    command: bytes
    answer: bytes


def exchanges(text: str) -> list[Exchange]:
    """Read a conversation: on each line a command and its answer, in hexadecimal."""
    return [Exchange(*map(bytes.fromhex, line.split())) for line in text.strip().splitlines()]


def recorded_draws(conversation: list[Exchange]) -> list[bytes]:
    """Return what the recorded card drew at random: a salt at each reset, a challenge at a locked SELECT."""
    draws, salt = [bytes(8)], 0
    for command, answer in conversation:
        if (command[1], command[2]) == RESET:
            salt = len(draws)
            draws.append(bytes(8))
        elif (command[1], command[2]) == SELECT:
            draws[salt] = answer[7:15]
            if answer[15] == 0x74:
                draws.append(answer[17:25])
    return draws


def replay(conversation: list[Exchange]) -> list[Exchange]:
    """Ask a simulated key that draws what the recorded one drew; return what it answers."""
    draws = iter(recorded_draws(conversation))
    key = SimulatedYubiKey(random=lambda count: next(draws)[:count])
    return [Exchange(command, _joined(*key.transmit(command))) for command, _ in conversation]


def _joined(data: bytes, status: int) -> bytes:
    return data + status.to_bytes(2, "big")


def recordings() -> list[Path]:
    return sorted((Path(__file__).resolve().parents[2] / "shared" / "transcripts").glob("yk-*.txt"))


@pytest.mark.parametrize("conversation", [TOTP_AND_HOTP, ACCESS_CODE, TOUCH], ids=["codes", "lock", "touch"])
def test_it_answers_byte_for_byte_as_a_recorded_key(conversation: str) -> None:
    assert replay(exchanges(conversation)) == exchanges(conversation)


def test_it_answers_byte_for_byte_as_every_recording_at_hand() -> None:
    if not recordings():
        pytest.skip("no recordings beside the repository")
    for recording in recordings():
        sent = [
            line.split("Transmit")[1] for line in recording.read_text().splitlines() if "Transmit" in line
        ]
        conversation = exchanges("\n".join(sent))
        assert replay(conversation) == conversation, recording.name


@pytest.mark.parametrize(
    ("algorithm", "seed", "codes"),
    [
        (HASH_ALGORITHM.SHA1, 20, ["94287082", "07081804", "14050471", "89005924", "69279037", "65353130"]),
        (HASH_ALGORITHM.SHA256, 32, ["46119246", "68084774", "67062674", "91819424", "90698825", "77737706"]),
        (HASH_ALGORITHM.SHA512, 64, ["90693936", "25091201", "99943326", "93441116", "38618901", "47863826"]),
    ],
)
def test_totp_gives_the_codes_of_rfc_6238_appendix_b(
    algorithm: HASH_ALGORITHM, seed: int, codes: list[str]
) -> None:
    session = OathSession(SimulatedConnection(SimulatedYubiKey()))
    secret = (SEED * 4)[:seed]
    account = session.put_credential(CredentialData("rfc", OATH_TYPE.TOTP, algorithm, secret, digits=8))
    times = [59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000]
    assert [session.calculate_code(account, time).value for time in times] == codes


def test_hotp_gives_the_codes_of_rfc_4226_appendix_d_one_after_another() -> None:
    session = OathSession(SimulatedConnection(SimulatedYubiKey()))
    account = session.put_credential(CredentialData("rfc", OATH_TYPE.HOTP, HASH_ALGORITHM.SHA1, SEED))
    codes = [755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489]
    assert [int(session.calculate_code(account).value) for _ in codes] == codes
