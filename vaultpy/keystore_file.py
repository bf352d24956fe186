"""The keystore in one encrypted file, for machines without a system keystore.

`keystore_format` describes its bytes. Whoever can write to the file can put back an older copy of it;
nothing in it can tell.
"""

# pathlib would cost the start milliseconds:
# ruff: noqa: PTH100, PTH111, PTH112, PTH117, PTH118, PTH120, PTH123

from __future__ import annotations

import hmac
import json
import os
import stat
import sys
import threading

from vaultpy.environment import PASSPHRASE_VARIABLES
from vaultpy.errors import (
    KeystoreFailed,
    KeystoreFileDamaged,
    KeystoreFileUnusable,
    PassphraseEmpty,
    PassphraseUnreadable,
    PassphraseWrong,
    StateUnusable,
)
from vaultpy.keystore_format import Argon2, Header
from vaultpy.state import locked, make_private_directory, replace_file
from vaultpy.values import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.access_keys import Questions

_FOREIGN_BITS = 0o077
_MAX_SIZE = 1 << 20
_TOO_LARGE = "it is larger than 1 MiB"
_MAX_PASSPHRASE = 1 << 16
# The number of threads that OpenSSL may use is the process's. cryptography 50 sets it before a derivation and
# takes it back after, so that of two at once one may wait for ever, or fail for want of memory (both seen).
_ONE_DERIVATION = threading.Lock()


def keystore_file_path(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return the absolute path of the file: VAULTPY_KEYSTORE_FILE or `vaultpy/keystore` in $XDG_DATA_HOME.

    On Windows that is in %LOCALAPPDATA%; raises StateUnusable where there is none.
    """
    named = environ.get("VAULTPY_KEYSTORE_FILE", "")
    if named:
        return os.path.abspath(named)
    if platform == "win32":
        from vaultpy.windows import local_directory

        return os.path.join(local_directory(environ), "vaultpy", "keystore")
    base = environ.get("XDG_DATA_HOME", "")
    if not os.path.isabs(base):
        home = environ.get("HOME", "")
        base = os.path.join(home if os.path.isabs(home) else os.path.expanduser("~"), ".local", "share")
    return os.path.join(base, "vaultpy", "keystore")


class FileKeystore:
    """The items of one encrypted file; the passphrase is asked for, and Argon2id run, once per object.

    `cost` is for a file yet to be made; an existing one brings its own.
    """

    name = "file"

    def __init__(
        self, path: str, environ: Mapping[str, str], questions: Questions, cost: Argon2 | None = None
    ) -> None:
        self.file = path
        self._real_file = os.path.realpath(path)
        self._environ = environ
        self._questions = questions
        self._cost = cost or Argon2()
        self._passphrase: Secret | None = None
        self._derived: tuple[Argon2, bytes, bytes] | None = None

    def get(self, item: str) -> Secret | None:
        """Return the text of `item`, or None if there is none; without a file nothing is asked.

        Raises KeystoreFileUnusable, KeystoreFileDamaged, PassphraseWrong and what asking for it raises.
        """
        data = self._read()
        if data is None:
            return None
        return self._items(data).get(item)

    def set(self, item: str, text: Secret) -> None:
        """Store `text` under `item`; makes the file where there is none. Raises as `get` does."""
        self._change(item, text)

    def delete(self, item: str) -> None:
        """Remove `item`; a missing one is no error. Raises as `get` does."""
        if self.get(item) is not None:
            self._change(item, None)

    def _change(self, item: str, text: Secret | None) -> None:
        self._open_unlocked()
        try:
            self._make_directory()
            with locked(f"{self._real_file}.lock"):
                data = self._read()
                items = {} if data is None else self._items(data)
                if text is None:
                    items.pop(item, None)
                else:
                    items[item] = text
                replace_file(self._real_file, self._sealed(items, data), 0o600)
        except OSError as error:
            raise KeystoreFileUnusable(path=self.file, reason=error.strerror) from None

    def _open_unlocked(self) -> None:
        """Ask and derive before the lock is taken: nobody waits while a user types."""
        data = self._read()
        if data is None:
            self._ask_passphrase(new=True)
        else:
            self._items(data)

    def _make_directory(self) -> None:
        directory = os.path.dirname(self._real_file)
        if os.path.isdir(directory):
            return
        try:
            make_private_directory(directory)
        except StateUnusable as error:
            raise KeystoreFileUnusable(path=self.file, reason=error.message) from None

    def _read(self) -> bytes | None:
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(self._real_file, flags)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeystoreFileUnusable(path=self.file, reason=error.strerror) from None
        try:
            reason = _why_unusable(os.fstat(descriptor))
            if reason:
                raise KeystoreFileUnusable(path=self.file, reason=reason)
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)

    def _items(self, data: bytes) -> dict[str, Secret]:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        header = Header.unpack(data, self.file)
        key, check = self._derive(header.cost, header.salt)
        if not hmac.compare_digest(check, header.check):
            self._passphrase = self._derived = None
            raise PassphraseWrong(path=self.file)
        try:
            plain = AESGCM(key).decrypt(header.nonce, data[Header.SIZE :], data[: Header.SIZE])
        except InvalidTag:
            raise KeystoreFileDamaged(path=self.file, problem="its content does not match its tag") from None
        return {item: Secret(text) for item, text in json.loads(plain).items()}

    def _sealed(self, items: dict[str, Secret], old: bytes | None) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if old is None:
            cost, salt = self._cost, os.urandom(16)
        else:
            header = Header.unpack(old, self.file)
            cost, salt = header.cost, header.salt
        key, check = self._derive(cost, salt)
        nonce = os.urandom(12)
        head = Header(cost, salt, check, nonce).pack()
        plain = json.dumps({item: text.reveal() for item, text in items.items()}, sort_keys=True)
        sealed = head + AESGCM(key).encrypt(nonce, plain.encode(), head)
        if len(sealed) > _MAX_SIZE:
            raise KeystoreFileUnusable(path=self.file, reason=_TOO_LARGE)
        return sealed

    def _derive(self, cost: Argon2, salt: bytes) -> tuple[bytes, bytes]:
        if self._derived is None or self._derived[:2] != (cost, salt):
            passphrase = self._ask_passphrase(new=False)
            self._derived = (cost, salt, _argon2id(passphrase, cost, salt))
        derived = self._derived[2]
        return derived[:32], derived[32:]

    def _ask_passphrase(self, *, new: bool) -> Secret:
        if self._passphrase is None:
            passphrase = _passphrase_from(self._environ)
            if passphrase is None:
                passphrase = self._questions.passphrase(path=self.file, new=new)
            if not passphrase.reveal():
                raise PassphraseEmpty(path=self.file)
            self._passphrase = passphrase
        return self._passphrase


def _why_unusable(found: os.stat_result, platform: str = sys.platform) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "it is not a regular file"
    if platform != "win32" and found.st_uid != os.geteuid():
        return f"it belongs to user id {found.st_uid}"
    if platform != "win32" and found.st_mode & _FOREIGN_BITS:
        return f"others may use it: its mode is {stat.S_IMODE(found.st_mode):04o}"
    return _TOO_LARGE if found.st_size > _MAX_SIZE else ""


def _passphrase_from(environ: Mapping[str, str], platform: str = sys.platform) -> Secret | None:
    in_environment, in_file = (environ.get(name, "") for name in PASSPHRASE_VARIABLES)
    if in_environment or not in_file:
        return Secret(in_environment) if in_environment else None
    try:
        with open(in_file, "rb") as file:
            found = os.fstat(file.fileno())
            if platform != "win32" and stat.S_ISREG(found.st_mode) and found.st_mode & _FOREIGN_BITS:
                reason = f"others may use it: its mode is {stat.S_IMODE(found.st_mode):04o}"
                raise PassphraseUnreadable(path=in_file, reason=reason)
            line = file.readline(_MAX_PASSPHRASE).rstrip(b"\r\n")
    except OSError as error:
        raise PassphraseUnreadable(path=in_file, reason=error.strerror) from None
    if not line:
        raise PassphraseUnreadable(path=in_file, reason="its first line is empty")
    return Secret(os.fsdecode(line))


def _argon2id(passphrase: Secret, cost: Argon2, salt: bytes) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        function = Argon2id(
            salt=salt, length=48, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory
        )
        with _ONE_DERIVATION:
            return function.derive(os.fsencode(passphrase.reveal()))
    except UnsupportedAlgorithm:
        raise KeystoreFailed(keystore="file", reason="its cryptography package lacks Argon2id") from None
    except MemoryError:
        raise KeystoreFailed(keystore="file", reason=f"Argon2id needs {cost.memory} KiB of memory") from None
