"""A YubiKey that answers APDUs: selection, chaining, power and a log around its applications."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vaultpy.simulated.apdu import CHAINED, CardError, Command, StatusWord, parse_command
from vaultpy.simulated.finger import Finger, SteadyFinger
from vaultpy.simulated.management_applet import ManagementApplet
from vaultpy.simulated.oath_account import Account
from vaultpy.simulated.oath_applet import OathApplet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SELECT = 0xA4
_BY_NAME = 0x04
_SHORT_ANSWER = 256


class Call(NamedTuple):
    """A command that reached the card: its instruction's name and when, by time.monotonic()."""

    name: str
    at: float


class _Applet(Protocol):
    aid: bytes
    more: int
    """The instruction that fetches the rest of a long answer."""

    @property
    def instructions(self) -> Mapping[int, tuple[str, Callable[[Command], bytes]]]: ...

    def select(self) -> bytes: ...

    def execute(self, command: Command) -> bytes: ...


class SimulatedYubiKey:
    """A YubiKey's OATH and management applications at APDU level; safe to use from several threads.

    `serial` None is a token of another make: OATH alone, without a serial number. `finger` answers each
    wait for a touch, which ends after `touch_timeout` seconds with `untouched_status` (no recording shows
    which: ykman reads 6982, other hosts 6985; unproven Y1). `random(n)` draws salts and challenges of n
    bytes.
    """

    def __init__(  # noqa: PLR0913  # each is a property that real keys differ in
        self,
        serial: int | None = 12345678,
        version: tuple[int, int, int] = (5, 4, 3),
        *,
        finger: Finger | None = None,
        fips: bool = False,
        oath_enabled: bool = True,
        touch_timeout: float = 15.0,
        untouched_status: int = StatusWord.SECURITY_NOT_SATISFIED,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.serial = serial
        self.version = version
        self.finger = finger or SteadyFinger()
        self.oath_enabled = oath_enabled
        self.calls: list[Call] = []
        self.refusals: dict[str, int] = {}
        """Instructions, by name, that end with a status word of the test's instead of being carried out."""
        self._lock = threading.Lock()
        self._oath = OathApplet(
            version,
            random,
            lambda: self.finger.touched(touch_timeout),
            fips=fips,
            untouched_status=untouched_status,
        )
        self._management: ManagementApplet | None = None
        if serial is not None:
            self._management = ManagementApplet(
                serial,
                version,
                fips=fips,
                oath_enabled=lambda: self.oath_enabled,
                oath_protected=lambda: self._oath.protected,
            )
        self._forget()

    def __repr__(self) -> str:
        return f"<simulated YubiKey {self.serial}, firmware {'.'.join(map(str, self.version))}>"

    @property
    def calculations(self) -> int:
        """How many CALCULATE commands have reached the card."""
        return sum(call.name == "CALCULATE" for call in self.calls)

    @property
    def accounts(self) -> dict[str, bool]:
        """The names of the accounts on it, and whether each waits for a touch."""
        return {name.decode(): account.touch for name, account in self._oath.accounts.items()}

    def add_account(self, name: str, secret: bytes, *, touch: bool = False) -> None:
        """Store a TOTP account as AWS wants it (SHA-1, six digits); raises CardError."""
        with self._lock:
            self._oath.put(name.encode(), Account(secret, touch=touch))

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """Answer one command APDU with data and status word, waiting for the finger where it must."""
        with self._lock:
            try:
                return self._respond(parse_command(apdu))
            except CardError as error:
                return b"", error.status

    def reset(self) -> None:
        """Cut the power: a wait for a touch ends, selection, unlocking and half-sent chains are gone."""
        while not self._lock.acquire(timeout=0.01):
            self.finger.abort()
        try:
            self._forget()
        finally:
            self._lock.release()

    def _forget(self) -> None:
        self._selected: _Applet | None = None
        self._chain = b""
        self._remaining = b""

    def _respond(self, command: Command) -> tuple[bytes, int]:
        if command.cla & ~CHAINED:
            raise CardError(StatusWord.WRONG_CLASS)
        self._chain += command.data
        if command.cla & CHAINED:
            return b"", StatusWord.OK
        command, self._chain = command._replace(data=self._chain), b""
        applet = self._selected
        if applet is not None and command.ins == applet.more:
            self._log("SEND REMAINING")
            return self._answer(self._rest(), command.le)
        self._remaining = b""  # unproven Y8
        if (command.ins, command.p1) == (_SELECT, _BY_NAME):
            self._log("SELECT")
            return self._answer(self._select(command.data), command.le)
        if applet is None or command.ins not in applet.instructions:
            self._log(f"{command.ins:02X}")
            raise CardError(StatusWord.WRONG_INSTRUCTION)
        name = applet.instructions[command.ins][0]
        self._log(name)
        if name in self.refusals:
            raise CardError(self.refusals[name])
        return self._answer(applet.execute(command), command.le)

    def _log(self, name: str) -> None:
        self.calls.append(Call(name, time.monotonic()))

    def _select(self, aid: bytes) -> bytes:
        if aid == OathApplet.aid and self.oath_enabled:
            self._selected = self._oath
        elif aid == ManagementApplet.aid and self._management:
            self._selected = self._management
        else:
            raise CardError(StatusWord.NOT_FOUND)
        return self._selected.select()

    def _rest(self) -> bytes:
        if not self._remaining:
            raise CardError(StatusWord.CONDITIONS_NOT_SATISFIED)
        return self._remaining

    def _answer(self, data: bytes, le: int | None) -> tuple[bytes, int]:
        """Return what fits; where the host named no length, that is a short answer, as on YubiKeys."""
        most = le or _SHORT_ANSWER
        data, self._remaining = data[:most], data[most:]
        if not self._remaining:
            return data, StatusWord.OK
        return data, 0x6100 | (len(self._remaining) if len(self._remaining) < _SHORT_ANSWER else 0)
