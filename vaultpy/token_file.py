"""The file of a server's token: new, its user's alone, locked and there only while the server runs."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.state import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vaultpy.values import Secret

_IN_USE = "another serve uses it"
_WARY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def token_file(path: Path, token: Secret, platform: str = sys.platform) -> Iterator[None]:
    """Keep the token in a new file `path` while the context lasts; raises TokenFileUnusable.

    What a killed server left there gives way. A file with anything else in it stays, and so does that of a
    server that runs.
    """
    try:
        _remove_left(path, len(token.reveal()), platform)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _lock(path, descriptor)
            _write(descriptor, token.reveal().encode("ascii"))  # an SDK takes a line's end for a part of it
        except BaseException:
            with suppress(OSError):
                _remove(path, descriptor, platform)
            raise
    except OSError as error:
        raise errors.TokenFileUnusable(path=path, reason=str(error.strerror).lower()) from None
    try:
        yield
    finally:
        with suppress(OSError):
            _remove(path, descriptor, platform)


def _remove_left(path: Path, length: int, platform: str) -> None:
    """Remove the file if it is nothing but a token, and no server's that runs."""
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            return
        descriptor = os.open(path, os.O_RDWR | _WARY)
        try:
            is_token = _is_token(os.read(descriptor, length + 1), length)
            if is_token:
                _lock(path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        if is_token:
            _remove(path, descriptor, platform)
        else:
            os.close(descriptor)


def _is_token(content: bytes, length: int) -> bool:
    return len(content) == length and content.replace(b"-", b"").replace(b"_", b"").isalnum()


def _lock(path: Path, descriptor: int) -> None:
    """Lock the file for its server; raises TokenFileUnusable where another was faster."""
    if not try_lock(descriptor) or not os.path.samestat(os.fstat(descriptor), path.lstat()):
        raise errors.TokenFileUnusable(path=path, reason=_IN_USE)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _remove(path: Path, descriptor: int, platform: str) -> None:
    """Close the file, and remove it if it is still this one that stands there."""
    try:
        is_it = os.path.samestat(os.fstat(descriptor), path.lstat())
        if is_it and platform != "win32":
            path.unlink()  # while it is locked: nobody else takes it for one that was left
    finally:
        os.close(descriptor)
    if is_it and platform == "win32":  # which removes nothing that is open
        path.unlink()
