"""Where sessions live: the kernel keyring, or a keystore in pieces that fit its items."""

from __future__ import annotations

import errno
import os
import sys
import time

from vaultpy.errors import BadVariable, KeystoreLocked, VaultpyError
from vaultpy.kernel_keyring import KernelKeyring, KernelPlace
from vaultpy.values import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol, TypeVar

    _Result = TypeVar("_Result")

    class Place(Protocol):
        """Somewhere that texts live under digests; each method raises OSError when it cannot.

        `name` stands in the index; `quiet` tells that nobody is ever asked anything for a look.
        """

        name: str
        quiet: bool

        def read(self, digest: str) -> str | None:
            """Return the text, or None where there is none or it has ended."""

        def write(self, digest: str, text: str, ttl: int) -> None:
            """Keep `text` for `ttl` seconds; EDQUOT asks for the removal of another."""

        def delete(self, digest: str) -> None:
            """Remove the text, if it is there."""

        def names(self) -> list[str]:
            """Return the digests of all that lives there, as far as the place can tell."""

    class Keystore(Protocol):
        """The part of a keystore that sessions need; each method raises VaultpyError."""

        def get(self, item: str) -> Secret | None:
            """Return the secret named `item`, or None."""

        def set(self, item: str, text: Secret) -> None:
            """Store `text` under `item`."""

        def delete(self, item: str) -> None:
            """Remove `item`, if it is there."""


_CHOICES = ("auto", "kernel", "keystore", "off")
_PIECE_CHARACTERS = 1200  # with its heading it stays below the 1280 UTF-16 units that Windows takes
_MOST_PIECES = 16


def all_places(opener: Callable[[], Keystore], platform: str = sys.platform) -> list[Place]:
    """Return where sessions may live on this platform, best first.

    `opener` opens the system keystore, which must ask nobody.
    """
    keystore = KeystorePlace(opener)
    return [KernelPlace(KernelKeyring()), keystore] if platform == "linux" else [keystore]


def chosen_places(environ: Mapping[str, str], places: list[Place]) -> list[Place]:
    """Return those of `places` that VAULTPY_SESSIONS names; raises BadVariable."""
    chosen = environ.get("VAULTPY_SESSIONS") or "auto"
    if chosen not in _CHOICES:
        wanted = "one of " + ", ".join(_CHOICES)
        raise BadVariable(variable="VAULTPY_SESSIONS", value=chosen, wanted=wanted)
    return [place for place in places if chosen in {"auto", place.name}]


class KeystorePlace:
    """A keystore as a place: opened when it is first used, and not asked again once it has failed for good.

    A text is cut into pieces. Each begins with a line that all pieces of one text share (the text's random
    mark, how many pieces, the epoch at which it ends), so that pieces of two texts are never joined. A
    keystore's error becomes an OSError: a cache that cannot be used is no reason to fail, or to ask for a
    passphrase, so `opener` must not ask for one either.
    """

    name = "keystore"
    quiet = False

    def __init__(self, opener: Callable[[], Keystore], clock: Callable[[], float] = time.time) -> None:
        self._opener = opener
        self._clock = clock
        self._keystore: Keystore | None = None
        self._failure = ""

    def read(self, digest: str) -> str | None:
        """Return the text, or None where there is none, it has ended or a piece of it is missing."""
        heading, text = self._piece(digest, 0)
        try:
            _, count, ends = heading.split(" ")
            if int(ends) <= self._clock():
                return None
            numbers = range(1, min(int(count), _MOST_PIECES))
        except ValueError:
            return None
        for number in numbers:
            its_heading, more = self._piece(digest, number)
            if its_heading != heading:
                return None
            text += more
        return text

    def write(self, digest: str, text: str, ttl: int) -> None:
        """Keep `text` for `ttl` seconds."""
        pieces = [text[at : at + _PIECE_CHARACTERS] for at in range(0, len(text), _PIECE_CHARACTERS)]
        if len(pieces) > _MOST_PIECES:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        heading = f"{os.urandom(8).hex()} {len(pieces)} {int(self._clock()) + ttl}"
        for number, piece in enumerate(pieces):
            self._store(_item(digest, number), Secret(f"{heading}\n{piece}"))
        self._remove(digest, len(pieces))

    def delete(self, digest: str) -> None:
        """Remove the text, if it is there."""
        self._remove(digest, 0)

    def names(self) -> list[str]:
        """Return nothing: keyring cannot list."""
        return []

    def _remove(self, digest: str, first: int) -> None:
        """Remove the pieces from `first` on, the last one first: a kill in between leaves no gap."""
        end = first
        while end < _MOST_PIECES and self._piece(digest, end) != ("", ""):
            end += 1
        for number in reversed(range(first, end)):
            self._discard(_item(digest, number))

    def _piece(self, digest: str, number: int) -> tuple[str, str]:
        """Return the piece's heading and text, both empty where there is none."""
        item = _item(digest, number)
        secret = self._ask(lambda keystore: keystore.get(item))
        heading, _, text = ("" if secret is None else secret.reveal()).partition("\n")
        return heading, text

    def _store(self, item: str, secret: Secret) -> None:
        self._ask(lambda keystore: keystore.set(item, secret))

    def _discard(self, item: str) -> None:
        self._ask(lambda keystore: keystore.delete(item))

    def _ask(self, question: Callable[[Keystore], _Result]) -> _Result:
        if self._failure:
            raise OSError(errno.EIO, self._failure)
        try:
            if self._keystore is None:
                self._keystore = self._opener()
            return question(self._keystore)
        except VaultpyError as error:
            if not isinstance(error, KeystoreLocked):  # it may be opened for the access key meanwhile
                self._failure = error.message
            raise OSError(errno.EIO, error.message) from error


def _item(digest: str, number: int) -> str:
    return f"session/{digest}/{number}"
