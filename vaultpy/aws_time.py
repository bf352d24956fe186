"""AWS's time: this computer's clock, and by how much AWS's was ahead of it when last measured.

Credentials end, and codes count, by AWS's clock. A computer whose clock is off would otherwise hand out
credentials that have ended, and ask for codes that are not yet or no longer good.
"""
# pathlib would cost every warm start milliseconds:
# ruff: noqa: PTH118, PTH120

from __future__ import annotations

import os

import vaultpy
from vaultpy.state import make_private_directory, open_replaced, replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LARGEST_OFFSET = 1e9  # which nan and inf are not below
_OFFSET_NOISE = 2.0  # a Date header has whole seconds


class AwsTime:
    """AWS's time as an epoch in seconds; `clock` gives this computer's, `directory` is the ledger's."""

    def __init__(self, directory: str, clock: Callable[[], float]) -> None:
        self._path = os.path.join(directory, "clock-offset")
        self._clock = clock

    def __call__(self) -> float:
        """Return AWS's time, as far as it is known; raises StateUnusable."""
        return self._clock() + self.offset()

    def offset(self) -> float:
        """Return by how many seconds AWS's clock was ahead of this computer's when last measured, else 0.

        A measurement from the future of this clock does not count: the clock has been set back since.
        Raises StateUnusable.
        """
        try:
            with open_replaced(self._path) as file:
                offset, measured = map(float, file.read().split())
        except (FileNotFoundError, ValueError):
            return 0.0
        except OSError as error:
            raise unusable(self._path, error) from error
        known = measured <= self._clock() + _OFFSET_NOISE and abs(offset) < _LARGEST_OFFSET
        return offset if known else 0.0

    def set_offset(self, seconds: float) -> None:
        """Remember that AWS's clock is `seconds` ahead of this computer's; raises StateUnusable."""
        make_private_directory(os.path.dirname(self._path))
        try:
            replace_file(self._path, f"{seconds:.3f} {self._clock():.0f}\n".encode())
        except OSError as error:
            raise unusable(self._path, error) from error


def unusable(path: str, error: OSError) -> vaultpy.errors.StateUnusable:
    """Return the error for a file of the ledger's that cannot be used."""
    return vaultpy.errors.StateUnusable(
        path=path,
        reason=error.strerror,
        remedy="make it writable for you, or name another place: export XDG_STATE_HOME=DIRECTORY",
    )
