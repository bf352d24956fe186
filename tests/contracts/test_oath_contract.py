"""The OATH contract on the simulated YubiKey; hardware-tests has it on a real one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from oath_contract import BEHAVIOURS
from yubikit.core import TRANSPORT

from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.finger import NoFinger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oath_contract import Bench
    from yubikit.oath import OathSession


class SimulatedBench:
    """A simulated key that is touched, or not, as it is told."""

    password: str | None = "open sesame"

    def __init__(self, key: SimulatedYubiKey, transport: TRANSPORT) -> None:
        self.findings: list[str] = []
        self._key = key
        self._transport = transport
        self._names = iter(range(1000))

    @contextmanager
    def connect(self) -> Iterator[SimulatedConnection]:
        """Connect; nobody else does."""
        yield SimulatedConnection(self._key, self._transport)

    def unlock(self, session: OathSession) -> None:
        """Find it open."""
        assert not session.locked

    def name(self) -> str:
        """Return the next of numbered names."""
        return f"account {next(self._names)}"

    def touch(self) -> None:
        """Touch at once."""
        self._key.finger = SteadyFinger()

    def leave_alone(self) -> None:
        """Take the finger away."""
        self._key.finger = NoFinger()

    def report(self, finding: str) -> None:
        """Keep it."""
        self.findings.append(finding)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
@pytest.mark.parametrize("version", [(4, 2, 6), (5, 4, 3), (5, 7, 1)])
@pytest.mark.parametrize("transport", [TRANSPORT.USB, TRANSPORT.NFC])
def test_it_keeps_the_contract(
    behaviour: Callable[[Bench], None], version: tuple[int, int, int], transport: TRANSPORT
) -> None:
    behaviour(SimulatedBench(SimulatedYubiKey(version=version, touch_timeout=0.01), transport))


@pytest.mark.parametrize("status", [0x6982, 0x6985])
def test_how_a_touch_that_does_not_come_is_told_is_reported(status: int) -> None:
    key = SimulatedYubiKey(touch_timeout=0.01, untouched_status=status)
    bench = SimulatedBench(key, TRANSPORT.USB)
    next(each for each in BEHAVIOURS if "does_not_come" in each.__name__)(bench)
    assert [finding[:21] for finding in bench.findings] == [f"no touch: status {status:04x}"]
