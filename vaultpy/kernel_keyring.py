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
    from collections.abc import Callable
    from typing import Final

MAX_BYTES: Final = 12 * 1024
"""The largest key that is written: the quota of all a user's keys is 20000 bytes."""
MAX_KEYS: Final = 40
"""How many keys are written: the quota of all a user's keys is 200, and others want some."""

# keyctl(2), and the system call numbers of Linux's tables.
_NUMBERS = {"x86_64": (248, 250), "aarch64": (217, 219)}
_ADD_KEY, _KEYCTL = 0, 1
_PROCESS_KEYRING, _USER_KEYRING = -2, -4
_REVOKE, _DESCRIBE, _LINK, _UNLINK, _SEARCH, _READ, _SET_TIMEOUT = 3, 6, 8, 9, 10, 11, 15
_KEY_TYPE = b"user"
_PREFIX = b"vaultpy:"
_ID_BYTES = 4
_SMALLEST_64_BIT = 2**32
_DESCRIPTION_BYTES = 512
_ENOKEY, _EKEYEXPIRED, _EKEYREVOKED = 126, 127, 128  # Linux's; `errno` lacks the names elsewhere
_GONE = {_ENOKEY, _EKEYEXPIRED, _EKEYREVOKED}


class KernelKeyring:
    """Named texts in the kernel keyring; every method raises OSError where the kernel refuses.

    ENOSYS where there is no such keyring, EPERM or ENOSYS in most containers, EDQUOT when it is full.
    """

    def __init__(self) -> None:
        self._system_call: Callable[..., int] | None = None

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
        if len([it for it in self.names() if it != name]) >= MAX_KEYS:
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
        found = [self._description(key) for key in self._keys()]
        return [it[len(_PREFIX) :].decode(errors="replace") for it in found if it.startswith(_PREFIX)]

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
        from ctypes import create_string_buffer

        buffer = create_string_buffer(_DESCRIPTION_BYTES)
        try:
            self._keyctl(_DESCRIBE, key, buffer, _DESCRIPTION_BYTES)
        except OSError as error:
            if (
                error.errno == _EKEYEXPIRED
            ):  # the kernel itself unlinks it, but lets it use up quota for minutes
                self._keyctl(_UNLINK, key, _USER_KEYRING)
            return b""
        return buffer.value.split(b";", 4)[-1]

    def _payload(self, key: int, limit: int) -> bytes | None:
        from ctypes import create_string_buffer

        buffer = create_string_buffer(limit)
        length = self._possessed(_READ, key, buffer, limit)
        return buffer.raw[:length] if length <= limit else None

    def _possessed(self, operation: int, key: int, *arguments: object) -> int:
        """Do what only a possessor of the key may."""
        try:
            return self._keyctl(operation, key, *arguments)
        except OSError as error:
            if error.errno != errno.EACCES:
                raise
        self._keyctl(_LINK, _USER_KEYRING, _PROCESS_KEYRING)
        return self._keyctl(operation, key, *arguments)

    def _keyctl(self, operation: int, *arguments: object) -> int:
        return self._call(_KEYCTL, operation, *arguments)

    def _call(self, call: int, *arguments: object) -> int:
        from ctypes import c_long, get_errno

        if self._system_call is None:
            self._system_call = _load()
        words = [c_long(it) if isinstance(it, int) else it for it in (_numbers()[call], *arguments)]
        result = self._system_call(*words)
        if result < 0:
            raise _os_error(get_errno())
        return result


def _numbers() -> tuple[int, int]:
    if sys.platform != "linux" or sys.maxsize < _SMALLEST_64_BIT:
        raise _os_error(errno.ENOSYS)
    numbers = _NUMBERS.get(os.uname().machine)
    if numbers is None:
        raise _os_error(errno.ENOSYS)
    return numbers


def _load() -> Callable[..., int]:
    from ctypes import CDLL, c_long

    system_call = CDLL(None, use_errno=True).syscall
    system_call.restype = c_long
    return system_call


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
