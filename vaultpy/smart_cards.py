"""The way to PC/SC on a computer where perhaps it is not installed.

pyscard looks for the system's library when it is imported. Where that is not found it goes on, and says so on
standard output: into the JSON or the shell script that somebody reads from us. Those words are thrown away;
that there is no service is noticed at the first question in any case.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from vaultpy.errors import PcscMissing
from vaultpy.pcsc_install import remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.pcsc import PcscCards

_LIBRARY = "libpcsclite.so.1"
_STDOUT = 1


def smart_cards() -> PcscCards:
    """Return the card readers of this computer; raises PcscMissing, PcscForbidden or PcscRefused."""
    try:
        with nullcontext() if _is_found() else nothing_on_stdout():
            from vaultpy.pcsc import PcscCards
    except ImportError as error:
        raise PcscMissing(reason=f"pyscard does not load: {error}", remedy=remedy()) from error
    return PcscCards()


def _is_found(platform: str = sys.platform, library: str = _LIBRARY) -> bool:
    """Tell whether pyscard will find the system's library; elsewhere than on Linux it is always there."""
    if platform != "linux":
        return True
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


@contextmanager
def nothing_on_stdout() -> Iterator[None]:
    """Let what C code writes to standard output meanwhile go nowhere."""
    libc = ctypes.CDLL(None)
    libc.fflush(None)
    kept, nowhere = os.dup(_STDOUT), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDOUT)
    try:
        yield
    finally:
        libc.fflush(None)
        os.dup2(kept, _STDOUT)
        os.close(kept)
        os.close(nowhere)
