"""A user whose access key goes onto YubiKeys, as in `rotating`: simulated keys, each call may go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yubikit.core.smartcard import ApduError
from yubikit.oath import OathSession

from support.aws import Clock
from support.keys import READER, SimulatedCards
from support.keys import Desk as KeyDesk
from support.on_yubikey import PASSWORD, protect
from support.rotating import Desk
from vaultpy import errors
from vaultpy.access_key_on_yubikey import YubiKeyStore
from vaultpy.credentials import DayKey
from vaultpy.records import ON_YUBIKEY
from vaultpy.rotation_store import RotationStore
from vaultpy.signing_account import access_key_id_of, account_name, aws_date, challenge
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.values import Secret
from vaultpy.yubikey_in_hand import YubiKeyInHand
from vaultpy.yubikeys_at_hand import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from support.rotating import Calls, Network
    from vaultpy.access_keys import Keystore
    from vaultpy.credentials import LongTerm
    from vaultpy.records import Enrolment
    from vaultpy.simulated.aws_accounts import User
    from vaultpy.yubikey_choice import YubiKeyChoice

SPARE_READER = f"Spare {READER}"


def unlocked(yubikey: SimulatedYubiKey) -> OathSession:
    """Return a session with a key whose password `protect` has set."""
    session = OathSession(SimulatedConnection(yubikey))
    if session.locked:
        session.validate(session.derive_key(PASSWORD))
    return session


def day_key_of(yubikey: SimulatedYubiKey, key_id: str, date: str) -> DayKey | None:
    """Return what the key signs with, None if it does not hold the access key."""
    try:
        answer = unlocked(yubikey).calculate(account_name(key_id).encode(), challenge(date))
    except ApduError:
        return None
    return DayKey(key_id, date, Secret(answer.hex()))


def key_ids_on(yubikey: SimulatedYubiKey) -> set[str]:
    """Return the ids of the access keys on a key."""
    return {found for name in yubikey.accounts if (found := access_key_id_of(name.encode()))}


class YubiKeys:
    """The YubiKeys that are here, unlocked by a password that is remembered."""

    def __init__(self, *yubikeys: SimulatedYubiKey) -> None:
        self.yubikeys = yubikeys
        self.cards = SimulatedCards()
        self.desk = KeyDesk(self.cards)
        for reader, yubikey in zip((READER, SPARE_READER), yubikeys, strict=False):
            self.cards.keys[reader] = yubikey
            device_id, derived = protect(yubikey)
            self.desk.ykman[device_id] = derived

    def by_id(self, serial: str) -> SimulatedYubiKey:
        """Return the key with that serial number."""
        return next(it for it in self.yubikeys if str(it.serial) == serial)

    def choice(self, calls: Calls, serial: str | None = None) -> Any:  # noqa: ANN401  # with trouble around it
        """Return the choice of keys, which begins with the one of this number."""
        self.desk.selection = Selection(serial=serial)
        return _Choice(self.desk.choice(), calls)

    def store(self, person: Any, clock: Callable[[], float], calls: Calls, **more: Any) -> YubiKeyStore:  # noqa: ANN401  # what it takes
        """Return them as a keystore; the first of them is begun with."""
        first = str(self.yubikeys[0].serial)
        return YubiKeyStore(
            lambda: self.choice(calls), person, clock, first=lambda: self.choice(calls, first), **more
        )


class _Choice:
    """The choice of keys, with trouble at whatever is done to one."""

    def __init__(self, choice: YubiKeyChoice, calls: Calls) -> None:
        self._choice = choice
        self._calls = calls

    def first(self) -> _Key:
        """Return the first key."""
        return self._calls.make("key first", lambda: self._key(self._choice.first()), errors.CardRemoved())

    def another(self, done: Collection[Any], invitation: str) -> _Key:
        """Return another key."""
        made = lambda: self._key(self._choice.another(done, invitation))  # noqa: E731  # as the others
        return self._calls.make("key another", made, errors.NothingToWriteTo(seconds=120))

    def all(self) -> list[tuple[str, Any]]:
        """Return all keys."""
        found = self._calls.make("key all", self._choice.all, errors.CardRemoved())
        return [(where, self._key(key) if isinstance(key, YubiKeyInHand) else key) for where, key in found]

    def _key(self, key: YubiKeyInHand) -> _Key:
        return _Key(key, self._calls)


class _Key:
    def __init__(self, key: YubiKeyInHand, calls: Calls) -> None:
        self._key = key
        self._calls = calls

    def __getattr__(self, name: str) -> object:
        found = getattr(self._key, name)
        if name not in {"check", "put", "day_key", "delete"}:
            return found
        return lambda *args, **named: self._calls.make(
            f"key {name}", lambda: found(*args, **named), errors.CardRemoved()
        )


class OnKeysDesk(Desk):
    """A user's computer with a YubiKey, and perhaps a spare; new keys go `onto` so many of them."""

    def __init__(self, directory: Path, network: Network, user: User, *, count: int = 1, **more: str) -> None:
        super().__init__(directory, network, user, **more)
        self.keys = YubiKeys(*(SimulatedYubiKey(serial) for serial in range(1, count + 1)))
        self.onto = count
        self.calls.made.clear()

    def store(self) -> RotationStore:
        """Return what holds the keys."""
        into = self.yubikeys(count=self.onto) if self.onto else None

        def opened(name: str, file: str) -> Keystore:
            if name != ON_YUBIKEY:
                return self.keystores[name]
            return into if into is not None and not file else self.yubikeys(file=file)

        return RotationStore(self.index, self.sessions, opened, self.clock, day_key=self.day_key, into=into)

    def yubikeys(self, **more: Any) -> YubiKeyStore:  # noqa: ANN401  # what it takes
        """Return the YubiKeys as a keystore."""
        return self.keys.store(self, self.clock, self.calls, **more)

    def day_key(self, enrolment: Enrolment) -> DayKey:
        """Take it off the first key that has it; a touch."""
        assert isinstance(self.clock, Clock)
        self.touches += 1
        found = (day_key_of(it, enrolment.access_key_id, aws_date(self.clock())) for it in self.keys.yubikeys)
        return next(it for it in found if it)

    def signers(self, enrolment: Enrolment) -> list[LongTerm]:
        """Return what signs with an enrolled key, from each place where it is."""
        if not enrolment.on_yubikey:
            return super().signers(enrolment)
        holders = [self.keys.by_id(serial) for serial in enrolment.keystore_file.split()]
        assert holders
        found = [day_key_of(it, enrolment.access_key_id, aws_date(self.clock())) for it in holders]
        assert all(found)
        return [it for it in found if it]

    @property
    def stored(self) -> set[str]:
        """The ids of the keys in all keystores, and on YubiKeys unless a warning names them."""
        on_keys = {found for it in self.keys.yubikeys for found in key_ids_on(it)}
        named = {
            it for it in on_keys if any(f"accounts delete vaultpy:{it}" in text for text in self.warnings)
        }
        return super().stored | (on_keys - named)
