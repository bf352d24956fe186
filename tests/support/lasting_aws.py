"""A simulated AWS, new for each test, at an address that lasts a module: clients of it are built once.

Building one takes longer than all that most tests ask of it. A file that wants this has its fixtures say so:
`aws_clock` returns `lasting_clock`, and `aws` returns `lasting_aws`. The clients are in `aws_clients`.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from support.aws import Clock
from vaultpy.simulated.aws import SimulatedAws
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.aws_server import AwsServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self


class Address:
    """A server, whose `answer` is whoever's it is at the time, and the clock that all of them share."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.server = AwsServer(lambda _: None, self.clock)


class LastingAws(SimulatedAws):
    """A simulated AWS at that address."""

    def __init__(self, address: Address, clock: Clock) -> None:
        super().__init__(clock)
        self._server.server_close()
        self._server = address.server
        address.server.answer = self._answer

    def __enter__(self) -> Self:
        """Be there: the server is on."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the server on; who is kept waiting is let go, and hangs up."""
        self._stopping.set()
        if any(call.fault is Fault.HANG for call in self.requests):
            for connection in list(self._server._connections):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    """Provide the address."""
    address = Address()
    address.server.start()
    yield address
    address.server.stop()


@pytest.fixture
def lasting_clock(address: Address) -> Clock:
    """Return the clock, which shows the present until a test changes it."""
    address.clock.now = float(int(time.time()))
    return address.clock


@pytest.fixture
def lasting_aws(address: Address, lasting_clock: Clock) -> Iterator[SimulatedAws]:
    """Provide a new AWS there."""
    with LastingAws(address, lasting_clock) as simulated:
        yield simulated
