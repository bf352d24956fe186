"""The keys at hand: which readers hold one, how to connect to it, how to wait for one that is not here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from vaultpy import errors
from vaultpy.background import POLL_SECONDS, Task, typed_before_end
from vaultpy.bounded_connection import BoundedConnection
from vaultpy.trace import trace
from vaultpy.values import Value
from vaultpy.yubikey import identify

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Protocol

    from yubikit.core.smartcard import SmartCardConnection

    from vaultpy.background import Waiting
    from vaultpy.mfa import Meanwhile
    from vaultpy.yubikey import Identity

    class Cards(Protocol):
        """The card readers."""

        def readers(self) -> list[str]:
            """Return the names of the readers that hold a card."""

        def empty_readers(self) -> list[str]:
            """Return the names of the readers that hold none."""

        def open(self, reader: str) -> SmartCardConnection:
            """Connect; may block while another program's transaction runs."""

    class Watcher(Protocol):
        """Whoever sits at the terminal."""

        def waiting(self, text: str, seconds: float) -> AbstractContextManager[Waiting]:
            """Say what is waited for, for how long at the most; six digits may be typed meanwhile."""


T = TypeVar("T")

PLUG_IN_SECONDS = 15
BUSY_SECONDS = 20
_BUSY = "the YubiKey is busy: it still blinks for a run that ended, or another program uses it"
_USB_READER = "yubico yubikey"


class DigitsTypedError(Exception):
    """Six digits were typed while a key was waited for."""

    def __init__(self, digits: str) -> None:
        self.digits = digits
        super().__init__()


class Selection(Value):
    """Which key to use: by serial number, by a part of its reader's name; None where any will do."""

    __slots__ = ("reader", "serial")
    serial: str | None
    reader: str | None

    def __init__(self, serial: str | None = None, reader: str | None = None) -> None:
        self._set(serial=serial, reader=reader)


class Visit(Value):
    """A key that is being looked at, in a transaction of ours until `connection` is closed."""

    __slots__ = ("connection", "identity", "reader", "where")
    reader: str
    connection: BoundedConnection
    identity: Identity
    where: str

    def __init__(self, reader: str, connection: BoundedConnection) -> None:
        """Ask who it is."""
        identity = identify(connection)
        where = f"YubiKey {identity.serial}" if identity.serial else f"the token in {reader}"
        trace(f"looking at {where} in {reader}")
        self._set(reader=reader, connection=connection, identity=identity, where=where)


if TYPE_CHECKING:
    Take = Callable[[Visit], T | None]


class YubiKeysAtHand:
    """The keys that a selection leaves, here or still to come.

    What looks at one (`take`) returns what it made of it, and then owns the connection; or None if it is
    not the one. If it raises, the connection is closed. Meanwhile digits may be typed: DigitsTypedError.
    """

    def __init__(
        self,
        cards: Cards,
        selection: Selection,
        *,
        person: Watcher,
        yubico_on_usb: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`yubico_on_usb` tells a Yubico device without a card reader from none at all."""
        self._cards = cards
        self._selection = selection
        self._person = person
        self._yubico_on_usb = yubico_on_usb
        self._clock = clock
        self._others: dict[str, str] = {}

    def first(
        self, take: Take[T], meanwhile: Meanwhile, *, invitation: str = "", seconds: float = PLUG_IN_SECONDS
    ) -> T:
        """Return the first that is taken; waits for one to be plugged in where none is."""
        found = self._look(take, meanwhile)
        if found is not None:
            return found
        meanwhile.prepare()
        deadline = self._clock() + seconds
        while (left := deadline - self._clock()) > 0:
            came = self._wait_for_change(invitation or self._invitation(), left, meanwhile)
            if came and (found := self._look(take, meanwhile)) is not None:
                return found
        raise self._absent(seconds)

    def all(self, take: Take[T], meanwhile: Meanwhile) -> list[tuple[str, T | errors.VaultpyError]]:
        """Return all of those that are here, each with its reader's name: what was made of it, or why not."""
        found: list[tuple[str, T | errors.VaultpyError]] = []
        for reader in self._unseen():
            taken = self._tried(reader, take, meanwhile)
            if taken is not None:
                found.append((reader, taken))
        return found

    def any_here(self) -> bool:
        """Tell whether there is a reader with a card to look at."""
        return bool(self._unseen())

    def _wait_for_change(self, invitation: str, seconds: float, meanwhile: Meanwhile) -> bool:
        """Ask for the key; tell whether a card came that is to be seen."""
        deadline = self._clock() + seconds
        with self._person.waiting(invitation, seconds) as waiting:
            while self._clock() < deadline:
                typed = waiting.pause(POLL_SECONDS, None)
                if typed is not None:
                    raise DigitsTypedError(typed)
                meanwhile.check()
                if self.any_here():
                    return True
        return False

    def _invitation(self) -> str:
        if self._selection.reader:
            return f"put your YubiKey on the reader {self._selection.reader}"
        named = f"YubiKey {self._selection.serial}" if self._selection.serial else "your YubiKey"
        return f"plug in {named}"

    def _absent(self, seconds: float) -> errors.VaultpyError:
        if self._selection.serial:
            seen = ", ".join(self._others.values()) or "none"
            return errors.YubiKeyAbsent(serial=self._selection.serial, seen=seen)
        if self._selection.reader:
            names = self._cards.readers() + self._cards.empty_readers()
            if not any(self._may_hold_it(name) for name in names):
                return errors.ReaderAbsent(text=self._selection.reader, seen=", ".join(names) or "none")
        elif self._yubico_on_usb() and not self._others:
            return errors.NoCardReader()
        elif others := [name for name in self._cards.readers() if not self._may_hold_it(name)]:
            return errors.CardPassedOver(reader=others[0])
        return errors.NoYubiKey(seconds=seconds)

    def _may_hold_it(self, reader: str) -> bool:
        return (self._selection.reader or _USB_READER).casefold() in reader.casefold()

    def _unseen(self) -> list[str]:
        """Return the readers to look at: with a card in them, and not one that we know to be another."""
        readers = self._cards.readers()
        self._others = {name: who for name, who in self._others.items() if name in readers}
        return [name for name in readers if self._may_hold_it(name) and name not in self._others]

    def _look(self, take: Take[T], meanwhile: Meanwhile) -> T | None:
        """Look at each key not seen yet; None while none of those that are here may be used.

        A problem with one does not keep us from the next, and a key that went is absent.
        """
        problems: list[errors.VaultpyError] = []
        for reader in self._unseen():
            found = self._tried(reader, take, meanwhile)
            if not isinstance(found, errors.VaultpyError):
                if found is not None:
                    return found
            elif not isinstance(found, errors.CardRemoved) or reader in self._cards.readers():
                problems.append(found)
        if problems:
            raise problems[0]
        return None

    def _tried(self, reader: str, take: Take[T], meanwhile: Meanwhile) -> T | errors.VaultpyError | None:
        try:
            return self._look_at(reader, take, meanwhile)
        except errors.VaultpyError as problem:
            return problem

    def _look_at(self, reader: str, take: Take[T], meanwhile: Meanwhile) -> T | None:
        """Look at the key in this reader; None if it is another one."""
        connection = self.open(reader, meanwhile)
        try:
            visit = Visit(reader, connection)
            taken = take(visit) if self._selection.serial in {None, visit.identity.serial} else None
        except BaseException:
            connection.close()
            raise
        if taken is None:
            self._others[reader] = visit.where
            connection.close()
        return taken

    def open(self, reader: str, meanwhile: Meanwhile) -> BoundedConnection:
        """Connect on a thread of its own: it blocks while the card waits for somebody else's touch.

        Raises DigitsTypedError if six digits are typed while that is waited for.
        """
        task = Task(lambda: BoundedConnection(self._cards.open(reader)))
        try:
            if not task.finished(1):
                self._wait_for_turn(task, meanwhile)
        except BaseException:
            task.abandon(BoundedConnection.close)
            raise
        return task.result()

    def _wait_for_turn(self, task: Task[BoundedConnection], meanwhile: Meanwhile) -> None:
        meanwhile.prepare()
        deadline = self._clock() + BUSY_SECONDS

        def check() -> None:
            meanwhile.check()
            if self._clock() > deadline:
                raise errors.CardHeld

        with self._person.waiting(_BUSY, BUSY_SECONDS) as waiting:
            typed = typed_before_end(task, waiting, check)
        if typed is not None:
            raise DigitsTypedError(typed)
