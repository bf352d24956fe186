"""Which YubiKey is written to: the one that is named, the only one here, or the next one plugged in."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.accounts_on_yubikeys import NEXT_KEY
from vaultpy.mfa import NothingMeanwhile
from vaultpy.yubikey_in_hand import YubiKeyInHand
from vaultpy.yubikeys_at_hand import PLUG_IN_SECONDS, Selection, YubiKeysAtHand

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection, Iterator

    from vaultpy.background import Waiting
    from vaultpy.oath_passwords import OathPasswords
    from vaultpy.yubikeys_at_hand import Cards, Visit, Watcher

NEXT_SECONDS = 120


class YubiKeyChoice:
    """The choice of keys to write to: never a guess."""

    def __init__(  # noqa: PLR0913  # its ports
        self,
        cards: Cards,
        selection: Selection,
        *,
        person: Watcher,
        passwords: OathPasswords,
        yubico_on_usb: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`yubico_on_usb` tells a Yubico device without a card reader from none at all."""
        self._cards = cards
        self._selection = selection
        self._person = _Attentive(person)
        self._yubico_on_usb = yubico_on_usb
        self._passwords = passwords
        self._clock = clock

    def any_here(self) -> bool:
        """Tell whether a reader that may be a YubiKey's holds a card, without asking the card."""
        return self._keys(self._selection).any_here()

    def first(self) -> YubiKeyInHand:
        """Return the key to write to, unlocked; waits 15 s for one where none is here.

        Raises SeveralYubiKeys where two may be meant, NothingToWriteTo, and what YubiKeySearch raises.
        """
        return self._next(self._selection, set(), "", PLUG_IN_SECONDS)

    def another(self, done: Collection[YubiKeyInHand], invitation: str = NEXT_KEY) -> YubiKeyInHand:
        """Return a key that is none of `done`, unlocked; asks for one where none is here, and waits 2 min.

        The serial number of the selection was the first one's. Raises what `first` raises.
        """
        selection = Selection(reader=self._selection.reader)
        return self._next(selection, {key.id for key in done}, invitation, NEXT_SECONDS)

    def all(self) -> list[tuple[str, YubiKeyInHand | errors.VaultpyError]]:
        """Return all keys that are here, unlocked, by where they are; for some, the problem instead."""
        keys = self._keys(self._selection)
        found: list[tuple[str, YubiKeyInHand | errors.VaultpyError]] = []
        for reader, key in keys.all(lambda visit: self._taken(keys, visit, set()), NothingMeanwhile()):
            if isinstance(key, errors.VaultpyError):
                found.append((reader, key))
                continue
            try:
                self._unlock(key)
            except errors.VaultpyError as problem:
                found.append((key.where, problem))
            else:
                found.append((key.where, key))
        return found

    def _next(self, selection: Selection, done: set[str], invitation: str, seconds: int) -> YubiKeyInHand:
        keys = self._keys(selection)

        def take(visit: Visit) -> YubiKeyInHand | None:
            return self._taken(keys, visit, done)

        try:
            key = keys.first(take, NothingMeanwhile(), invitation=invitation, seconds=seconds)
        except errors.NoYubiKey:
            raise errors.NothingToWriteTo(seconds=seconds) from None
        here = keys.all(take, NothingMeanwhile()) if selection.serial is None else []
        if len(here) > 1:
            seen = [other.where if isinstance(other, YubiKeyInHand) else reader for reader, other in here]
            raise errors.SeveralYubiKeys(seen=", ".join(seen))
        self._unlock(key)
        return key

    def _keys(self, selection: Selection) -> YubiKeysAtHand:
        return YubiKeysAtHand(
            self._cards,
            selection,
            person=self._person,
            yubico_on_usb=self._yubico_on_usb,
            clock=self._clock,
        )

    def _taken(self, keys: YubiKeysAtHand, visit: Visit, done: set[str]) -> YubiKeyInHand | None:
        """Return the key with its connection closed, None if it is done."""
        key = YubiKeyInHand(keys, visit, person=self._person, clock=self._clock)
        visit.connection.close()
        return None if key.id in done else key

    def _unlock(self, key: YubiKeyInHand) -> None:
        if key.has_password:
            self._passwords.unlock(key, key.where)


class _Attentive:
    """A person who is told what is waited for; what they type is no answer to that."""

    def __init__(self, person: Watcher) -> None:
        self._person = person

    @contextmanager
    def waiting(self, text: str, seconds: float) -> Iterator[_Pause]:
        """Say what is waited for."""
        with self._person.waiting(text, seconds) as waiting:
            yield _Pause(waiting)


class _Pause:
    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting

    def pause(self, seconds: float, wake: socket.socket | None) -> None:
        """Wait until `wake` is readable, at most `seconds`."""
        self._waiting.pause(seconds, wake)
