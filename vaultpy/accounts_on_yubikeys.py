"""An account put on YubiKeys, one after the other: each key is checked, written, and proven by one touch."""

from __future__ import annotations

from shlex import quote

from vaultpy import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any, Protocol, TypeVar

    from vaultpy.mfa import CodeWanted, TokenCode
    from vaultpy.undoing import Undoing
    from vaultpy.values import Secret

    class OathSecret(Protocol):
        """What an account's codes are made of."""

        algorithm: str
        """`SHA1` or `SHA256`."""

        def reveal(self) -> bytes: ...  # noqa: D102

    class Key(Protocol):
        """A YubiKey to write to."""

        @property
        def id(self) -> str: ...  # noqa: D102
        @property
        def where(self) -> str: ...  # noqa: D102
        @property
        def serial(self) -> str | None: ...  # noqa: D102
        def check(self, name: str, *, replace: bool = False, protected: bool = False) -> None: ...  # noqa: D102
        def put(  # noqa: D102
            self, name: str, secret: OathSecret, *, replace: bool = False, protected: bool = False
        ) -> None: ...
        def code(self, wanted: CodeWanted, step: int) -> TokenCode: ...  # noqa: D102
        def day_key(self, access_key_id: str, date: str, purpose: str) -> Secret: ...  # noqa: D102
        def delete(self, name: str) -> bool: ...  # noqa: D102

    class Keys(Protocol):
        """The YubiKeys at hand."""

        def first(self) -> Key: ...  # noqa: D102
        def another(self, done: Collection[Any], invitation: str = ...) -> Key: ...  # noqa: D102

    class NewAccount(Protocol):
        """An account to be put on keys."""

        name: str
        answer: str
        """What a key is asked for to prove it, in words."""

        def check(self, key: Key, *, replace: bool) -> None: ...  # noqa: D102
        def put(self, key: Key, *, replace: bool) -> None: ...  # noqa: D102
        def is_right(self, key: Key) -> bool: ...  # noqa: D102

    class Person(Protocol):
        """Who is told what was done."""

        def note(self, text: str) -> None: ...  # noqa: D102

    K = TypeVar("K", bound=Key)

NEXT_KEY = "plug in the next YubiKey"
_MAY_BE_THERE = (errors.CardRemoved, errors.YubiKeyFailed)


def one_after_the_other(
    keys: Keys, first: Key, count: int, invitations: tuple[str, ...] = ()
) -> Iterator[Key]:
    """Yield `first`, then so many others that there are `count`; each is asked for when it is wanted.

    `invitations` are for the second and those after it, as far as they reach.
    """
    done: list[Key] = [first]
    yield first
    for number in range(count - 1):
        key = keys.another(done, invitations[number] if number < len(invitations) else NEXT_KEY)
        done.append(key)
        yield key


def put_on(undo: Undoing, key: Key, account: NewAccount, person: Person, *, replace: bool = False) -> None:
    """Check the key, put the account on it, and have it prove that; what comes after can undo it.

    Raises what keys raise, and YubiKeyFailed for one that answers otherwise than the secret does.
    """
    account.check(key, replace=replace)  # an account that was there before is not ours to delete
    undo.add(
        lambda: key.delete(account.name),
        f"account {account.name} on {key.where}",
        deletion(account.name, key.serial),
    )
    try:
        account.put(key, replace=replace)
    except errors.VaultpyError as failure:
        if not isinstance(failure, _MAY_BE_THERE):
            undo.drop()
        raise
    if not account.is_right(key):
        raise errors.YubiKeyFailed(reason=f"another {account.answer} than the secret gives")
    person.note(f"account {account.name} is on {key.where}, and its {account.answer} is right")


def deletion(name: str, serial: str | None) -> str:
    """Return the command that deletes an account, for a person."""
    device = f" --device {serial}" if serial else ""
    return f"ykman{device} oath accounts delete {quote(name)}"
