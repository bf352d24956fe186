"""What was waited for in vain a moment ago: for ten seconds nobody is made to wait for it again.

An SDK asks its credential_process anew at every call. Each question has a file of its own, without a secret:
when it was, and the two lines that were told.
"""
# pathlib would cost each of its calls milliseconds, as in the rest of the state:
# ruff: noqa: PTH108, PTH116, PTH118, PTH123

from __future__ import annotations

import os
from contextlib import suppress

from vaultpy.digests import digest
from vaultpy.errors import TimedOutJustNow, VaultpyError
from vaultpy.state import make_private_directory, replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

KEPT_SECONDS = 10


class RecentTimeouts:
    """The time-outs of all runs, in the state directory `directory`; `clock` gives the epoch in seconds.

    What cannot be read or written is as if it had not been.
    """

    def __init__(self, directory: str, clock: Callable[[], float]) -> None:
        self._directory = os.path.join(directory, "timeouts")
        self._clock = clock

    def remember(self, question: str, error: VaultpyError) -> None:
        """Let `error` be the answer to `question` for a while."""
        text = f"{self._clock():.3f}\n{error.message}\n{error.hint}\n"
        with suppress(VaultpyError, OSError):
            make_private_directory(self._directory)
            replace_file(self._path(question), text.encode())
            self._sweep(os.stat(self._path(question)).st_mtime)

    def check(self, question: str, since: float = 0.0) -> None:
        """Raise TimedOutJustNow if the answer to `question` was a time-out, after the epoch `since`.

        One from the future of this clock does not count: the clock has been set back since.
        """
        try:
            with open(self._path(question), encoding="utf-8") as file:
                when, message, hint = file.read().splitlines()
            ago = self._clock() - float(when)
        except (OSError, ValueError):
            return
        if 0 <= ago < KEPT_SECONDS and float(when) >= since:
            raise TimedOutJustNow(
                reason=message, ago=round(ago), left=max(1, round(KEPT_SECONDS - ago)), remedy=hint
            )

    def _sweep(self, now: float) -> None:
        """Remove what is no longer told at `now`, by the clock of the files."""
        with os.scandir(self._directory) as files:
            for file in files:
                if now - file.stat().st_mtime > KEPT_SECONDS:
                    os.unlink(file.path)

    def _path(self, question: str) -> str:
        return os.path.join(self._directory, digest(question))
