"""Sessions in the Linux kernel's keyring: in memory only, for this user only, gone when their time is up.

Each is a key of type `user` in the user keyring `@u`. Reading one needs possession (keyrings(7)), which a
login that did not link `@u` lacks; then `@u` is linked to the process keyring, which ends with the process:
neither permissions nor the session keyring are changed.
"""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ctypes import Array
    from typing import Any, Final

    _Argument = int | bytes | Array[Any]

MAX_BYTES: Final = 12 * 1024
"""How much is written, all keys together: the quota of all a user's keys is 20000 bytes."""
MAX_KEYS: Final = 40
"""How many keys are written: the quota of all a user's keys is 200, and others want some."""

# keyctl(2), and the system call numbers of Linux's tables.
_NUMBERS = {"x86_64": (248, 250, 157), "aarch64": (217, 219, 167)}
_ADD_KEY, _KEYCTL, _PRCTL = 0, 1, 2
_SET_DUMPABLE = 4
_PROCESS_KEYRING, _USER_KEYRING = -2, -4
_REVOKE, _DESCRIBE, _LINK, _UNLINK, _SEARCH, _READ, _SET_TIMEOUT = 3, 6, 8, 9, 10, 11, 15
_KEY_TYPE = b"user"
_PREFIX = b"vaultpy:"
_ID_BYTES = 4
_LONG_BYTES = 8  # on the 64-bit machines that are known here
_SMALLEST_64_BIT = 2**32
_DESCRIPTION_BYTES = 512
_ENOKEY, _EKEYEXPIRED, _EKEYREVOKED = 126, 127, 128  # Linux's; `errno` lacks the names elsewhere
_GONE = {_ENOKEY, _EKEYEXPIRED, _EKEYREVOKED}


class KernelKeyring:
    """Named texts in the kernel keyring; every method raises OSError where the kernel refuses.

    ENOSYS where there is no such keyring, EPERM or ENOSYS in most containers, EDQUOT when it is full.
    """

    def __init__(self) -> None:
        self._libc: _Libc | None = None

    def read(self, name: str) -> bytes | None:
        """Return what is stored under `name`, unless it has ended or is larger than what is written here."""
        key = self._find(name)
        if key is None:
            return None
        try:
            return self._payload(key, MAX_BYTES)
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise

    def write(self, name: str, data: bytes, timeout_seconds: int) -> None:
        """Store `data` under `name` for `timeout_seconds`, in the place of what was there."""
        if len(data) > MAX_BYTES:
            raise _os_error(errno.EMSGSIZE)
        sizes = [self._size(key) for it, key in self._ours() if it != name]
        if len(sizes) >= MAX_KEYS or sum(sizes) + len(data) > MAX_BYTES:
            raise _os_error(errno.EDQUOT)
        # A key that is made elsewhere and then linked is never seen without its end.
        key = self._call(_ADD_KEY, _KEY_TYPE, _PREFIX + name.encode(), data, len(data), _PROCESS_KEYRING)
        try:
            self._keyctl(_SET_TIMEOUT, key, timeout_seconds)
            self._keyctl(_LINK, key, _USER_KEYRING)
        finally:
            self._keyctl(_UNLINK, key, _PROCESS_KEYRING)

    def delete(self, name: str) -> None:
        """Remove what is stored under `name`, if anything is; its room is free at once."""
        key = self._find(name)
        if key is None:
            return
        try:
            self._possessed(_REVOKE, key)
            self._keyctl(_UNLINK, key, _USER_KEYRING)
        except OSError as error:
            if error.errno not in {*_GONE, errno.ENOENT}:
                raise

    def names(self) -> list[str]:
        """Return the names of all that is stored."""
        return [name for name, _ in self._ours()]

    def _ours(self) -> list[tuple[str, int]]:
        found = [(self._description(key), key) for key in self._keys()]
        return [
            (it[len(_PREFIX) :].decode(errors="replace"), key) for it, key in found if it.startswith(_PREFIX)
        ]

    def _size(self, key: int) -> int:
        """Return how many bytes are stored in `key`; 0 for one that is gone."""
        try:
            return self._possessed(_READ, key, 0, 0)
        except OSError as error:
            if error.errno in _GONE:
                return 0
            raise

    def _find(self, name: str) -> int | None:
        try:
            return self._keyctl(_SEARCH, _USER_KEYRING, _KEY_TYPE, _PREFIX + name.encode(), 0)
        except OSError as error:
            if error.errno in _GONE:
                return None
            raise

    def _keys(self) -> list[int]:
        ids = self._payload(_USER_KEYRING, MAX_BYTES) or b""
        return [
            int.from_bytes(ids[at : at + _ID_BYTES], sys.byteorder) for at in range(0, len(ids), _ID_BYTES)
        ]

    def _description(self, key: int) -> bytes:
        """Return the last field of `type;uid;gid;permissions;description`; empty for a key that is gone."""
        buffer = self._loaded().buffer(_DESCRIPTION_BYTES)
        try:
            self._keyctl(_DESCRIBE, key, buffer, _DESCRIPTION_BYTES)
        except OSError as error:
            if error.errno == _EKEYEXPIRED:
                # The kernel itself unlinks it, but lets it use up quota for minutes.
                self._keyctl(_UNLINK, key, _USER_KEYRING)
            return b""
        return bytes(buffer).partition(b"\0")[0].split(b";", 4)[-1]

    def _payload(self, key: int, limit: int) -> bytes | None:
        buffer = self._loaded().buffer(limit)
        length = self._possessed(_READ, key, buffer, limit)
        return bytes(buffer)[:length] if length <= limit else None

    def _possessed(self, operation: int, key: int, *arguments: _Argument) -> int:
        """Do what only a possessor of the key may."""
        try:
            return self._keyctl(operation, key, *arguments)
        except OSError as error:
            if error.errno != errno.EACCES:
                raise
        self._keyctl(_LINK, _USER_KEYRING, _PROCESS_KEYRING)
        return self._keyctl(operation, key, *arguments)

    def _keyctl(self, operation: int, *arguments: _Argument) -> int:
        return self._call(_KEYCTL, operation, *arguments)

    def _call(self, call: int, *arguments: _Argument) -> int:
        number = _numbers()[call]
        return self._loaded().system_call(number, *arguments)

    def _loaded(self) -> _Libc:
        if self._libc is None:
            self._libc = _Libc()
            hide_memory(self._libc)  # before a session is in it
        return self._libc


class KernelPlace:
    """The kernel keyring as a place; raises OSError as it does."""

    name = "kernel"
    quiet = True

    def __init__(self, keyring: KernelKeyring) -> None:
        self._keyring = keyring

    def read(self, digest: str) -> str | None:
        """Return the text, or None where there is none."""
        data = self._keyring.read(digest)
        return None if data is None else data.decode(errors="replace")

    def write(self, digest: str, text: str, ttl: int) -> None:
        """Keep `text` for `ttl` seconds."""
        self._keyring.write(digest, text.encode(), ttl)

    def delete(self, digest: str) -> None:
        """Remove the text, if it is there."""
        self._keyring.delete(digest)

    def names(self) -> list[str]:
        """Return the digests of all that lives there."""
        return self._keyring.names()


class _Libc:
    """The C library's `syscall`, and buffers for it.

    By the half of `ctypes` that is written in C: the other one costs a warm start more than all else here.
    """

    __slots__ = ("_get_errno", "_long", "_syscall")

    def __init__(self) -> None:
        from _ctypes import FUNCFLAG_CDECL, FUNCFLAG_USE_ERRNO, CFuncPtr, dlopen, dlsym, get_errno
        from _ctypes import _SimpleCData as Simple

        class Long(Simple):  # type: ignore[type-arg]  # it takes none when it runs
            _type_ = "l"

        class Function(CFuncPtr):
            _flags_ = FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO
            _restype_ = Long

        this_program = dlopen(None, 0)  # type: ignore[arg-type]  # as dlopen(3) has it
        self._syscall = Function(dlsym(this_program, "syscall"))
        self._long, self._get_errno = Long, get_errno

    def buffer(self, size: int) -> Array[Any]:
        """Return at least so many bytes, zeros, that the kernel may write to."""
        return (self._long * (size // _LONG_BYTES + 1))()

    def system_call(self, *arguments: _Argument) -> int:
        """Make the call; raises OSError."""
        result: int = self._syscall(*(self._long(it) if isinstance(it, int) else it for it in arguments))
        if result < 0:
            raise _os_error(self._get_errno())
        return result


def hide_memory(libc: _Libc | None = None, platform: str = sys.platform) -> None:
    """Let no other process of this user read this one's memory, and no core file hold it, until exec."""
    try:
        number = _numbers(platform)[_PRCTL]  # first: where there is none, libc may be another, too
        (libc or _Libc()).system_call(number, _SET_DUMPABLE, 0, 0, 0, 0)
    except OSError:  # another system, or a sandbox that forbids it
        return


def _numbers(platform: str = sys.platform) -> tuple[int, int, int]:
    if platform != "linux" or sys.maxsize < _SMALLEST_64_BIT:
        raise _os_error(errno.ENOSYS)
    numbers = _NUMBERS.get(os.uname().machine)
    if numbers is None:
        raise _os_error(errno.ENOSYS)
    return numbers


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
