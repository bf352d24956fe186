"""Conversations with a real key, and what the simulated one answers to the same commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from vaultpy.simulated.finger import Finger

SELECT = 0xA4, 0x04
RESET = 0x04, 0xDE


class Exchange(NamedTuple):
    """A command, and its answer: data and status word."""

    command: bytes
    answer: bytes


def exchanges(text: str) -> list[Exchange]:
    """Read a conversation: on each line a command and its answer, in hexadecimal."""
    return [Exchange(*map(bytes.fromhex, line.split())) for line in text.strip().splitlines()]


def recorded_exchanges(recording: str) -> list[Exchange]:
    """Read the text of a recording in the format of cunicu/go-ykoath's."""
    return exchanges(
        "\n".join(line.split("Transmit")[1] for line in recording.splitlines() if "Transmit" in line)
    )


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


def replay(conversation: list[Exchange], finger: Finger | None = None) -> list[Exchange]:
    """Ask a simulated key that draws what the recorded one drew; return what it answers."""
    draws = iter(recorded_draws(conversation))
    key = SimulatedYubiKey(finger=finger, touch_timeout=0.01, random=lambda count: next(draws)[:count])
    return [Exchange(command, _joined(*key.transmit(command))) for command, _ in conversation]


def _joined(data: bytes, status: int) -> bytes:
    return data + status.to_bytes(2, "big")
