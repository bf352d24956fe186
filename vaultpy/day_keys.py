"""The day key of an access key that lives on a YubiKey: which key has it, and the touch that it costs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.credentials import DayKey
from vaultpy.signing_account import (
    KIND,
    access_key_id_of,
    account_name,
    aws_date,
    challenge,
    is_near_midnight,
)
from vaultpy.touches import TOUCHES, Touches
from vaultpy.trace import trace
from vaultpy.values import Secret, Value
from vaultpy.yubikey import YubiKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Protocol

    from vaultpy.accounts import Account
    from vaultpy.bounded_connection import BoundedConnection
    from vaultpy.mfa import Meanwhile
    from vaultpy.yubikeys_at_hand import Visit, Watcher

    class Keys(Protocol):
        """The keys at hand, or one of them alone."""

        def first(self, take: Callable[[Visit], _Found | None], meanwhile: Meanwhile) -> _Found:
            """Return the first that is taken."""

    class Passwords(Protocol):
        """What knows OATH passwords."""

        def unlock(self, key: YubiKey, where: str) -> None:
            """Unlock a key, or raise what stands in the way."""

        def unlock_unasked(self, key: YubiKey) -> bool:
            """Unlock a key with what is remembered, if that fits; nobody is asked."""


_DAY_KEY_BYTES = 32


class _Found(Value):
    """The account, on a key in a transaction of ours until `connection` is closed."""

    __slots__ = ("account", "connection", "key", "where")
    connection: BoundedConnection
    key: YubiKey
    account: Account
    where: str

    def __init__(self, visit: Visit, key: YubiKey, account: Account) -> None:
        self._set(connection=visit.connection, key=key, account=account, where=visit.where)


class DayKeys:
    """Gets day keys off YubiKeys; none is kept here."""

    def __init__(
        self,
        keys: Callable[[], Keys],
        person: Watcher,
        passwords: Passwords,
        clock: Callable[[], float] = time.monotonic,
        *,
        holders: Collection[str] = (),
    ) -> None:
        """`keys` reaches the card readers and may raise PcscMissing or PcscRefused.

        `person` is told what is waited for, and types nothing meanwhile. `holders` are the keys that are
        known to hold the access key, by `YubiKeyInHand.id`: for another's OATH password nobody is asked.
        """
        self._keys = keys
        self._holders = holders
        self._passwords = passwords
        self._touches = Touches(person, clock)

    def day_key(
        self, key_id: str, date: Callable[[], str], purpose: str, meanwhile: Meanwhile, *, touch: str = ""
    ) -> DayKey:
        """Return the day key of the access key `key_id` for the date at AWS, which `date` tells.

        `touch` says which of several touches it is. Raises SigningKeyAbsent, AccessKeyElsewhere,
        SigningAccountUnfit, NotTouched, what `date` and OATH passwords raise, and what cards raise.
        """
        found = self._find(key_id, meanwhile)
        try:
            meanwhile.prepare()
            for attempt in range(TOUCHES):
                today = date()
                trace(f"asking {found.where} for the day key of {key_id}, {today}")
                text = _touch_text(touch, purpose, again=attempt > 0)
                asked = challenge(today)
                answer = self._touches.answer(_asking(found, asked), text, meanwhile)
                if answer is not None:
                    return _day_key(key_id, today, answer)
        finally:
            found.connection.close()
        raise errors.NotTouched(times=TOUCHES)

    def _find(self, key_id: str, meanwhile: Meanwhile) -> _Found:
        try:
            return self._keys().first(lambda visit: self._found(visit, key_id), meanwhile)
        except errors.NoYubiKey:
            raise errors.SigningKeyAbsent(key_id=key_id) from None

    def _found(self, visit: Visit, key_id: str) -> _Found:
        key = YubiKey(visit.connection)
        if key.locked:
            self._unlock(visit, key, key_id)
        name, accounts = account_name(key_id), key.accounts()
        account = next((it for it in accounts if it.id == name.encode()), None)
        if account is None:
            held = ", ".join(filter(None, (access_key_id_of(it.id) for it in accounts))) or "none"
            raise errors.AccessKeyElsewhere(key_id=key_id, where=visit.where, held=held)
        if account.kind != KIND:
            raise errors.SigningAccountUnfit(account=name, where=visit.where, kind=account.kind)
        return _Found(visit, key, account)

    def _unlock(self, visit: Visit, key: YubiKey, key_id: str) -> None:
        if not self._holders or (visit.identity.serial or key.device_id) in self._holders:
            self._passwords.unlock(key, visit.where)
        elif not self._passwords.unlock_unasked(key):
            held = "unknown, it is locked"
            raise errors.AccessKeyElsewhere(key_id=key_id, where=visit.where, held=held)


class AwsDay:
    """The date at AWS: this computer's clock may have another one, around midnight in UTC."""

    def __init__(
        self, known: Callable[[], float], offset: Callable[[], float], clock: Callable[[], float] = time.time
    ) -> None:
        """`known` is AWS's time as far as it is known, `offset` asks AWS by how much it is ahead of `clock`.

        All in seconds.
        """
        self._known = known
        self._offset = offset
        self._clock = clock

    def __call__(self) -> str:
        """Return it as `20261120`; raises what asking AWS raises, which is done near midnight alone."""
        now = self._known()
        return aws_date(self._clock() + self._offset() if is_near_midnight(now) else now)


def _asking(found: _Found, asked: bytes) -> Callable[[], bytes]:
    return lambda: found.key.hmac(found.account, asked)


def _day_key(key_id: str, date: str, answer: bytes) -> DayKey:
    if len(answer) != _DAY_KEY_BYTES:
        raise errors.YubiKeyFailed(reason=f"a day key of {len(answer)} bytes")
    return DayKey(key_id, date, Secret(answer.hex()))


def _touch_text(touch: str, purpose: str, *, again: bool) -> str:
    repeated = " again, it was not touched in time" if again else ""
    return f"touch the YubiKey{touch}{repeated}: {purpose}"
