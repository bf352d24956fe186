"""A world whose time is the test's: AWS's clock, and with it or apart from it the clock of the commands.

The installed command lives in that time by a small library, loaded before the C library. The time of day
alone is another: what is waited for takes as long as ever, and pcscd, the YubiKey, the dates of files and the
kernel keyring stay in the present. (Debian's libfaketime will not do: with its 0.9.10 `time.sleep` fails.)
"""

from __future__ import annotations

import math
import shutil
import sys
import time
from typing import TYPE_CHECKING

from support import pcscd
from support.before_libc import built
from support.pseudo_terminal import PseudoTerminal
from support.world import BIN, World

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from support.preloaded import Preloaded
    from vaultpy.simulated.finger import Finger

_LIBRARY = """
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

volatile long seconds_more = 0;

int clock_gettime(clockid_t clock, struct timespec *now) {
    const char *ahead = getenv("SECONDS_AHEAD");
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += atol(ahead) + seconds_more;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    int failed = clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *now) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (now) *now = precise.tv_sec;
    return precise.tv_sec;
}
"""


def missing() -> str | None:
    """Return what must be there before a `TravellingWorld` can be built, None where nothing is missing."""
    if sys.platform != "linux":
        return "only Linux's clock is replaced here"
    if shutil.which("cc") is None:
        return "cc is not installed (Debian: gcc)"
    return pcscd.missing()


def clock() -> dict[str, str]:
    """Return the variables that give a process the library, and let it be in the present.

    The process may add to the library's `seconds_more`, a C long.
    """
    return {"LD_PRELOAD": built(_LIBRARY), "SECONDS_AHEAD": "0"}


class TravellingWorld(World):
    """A `World` in which it is `ahead` seconds later than it is here, in whole seconds.

    `off` is by how many seconds the computer's clock is ahead of AWS's. Commands are to be run by `run` and
    `at_a_terminal`; `vaultpy` still runs them in the present. Where there is a `preloaded` process, which
    must have begun with the variables of `clock`, `run` forks it.
    """

    def __init__(
        self, directory: Path, *, finger: Finger | None = None, preloaded: Preloaded | None = None
    ) -> None:
        self.ahead = 0
        self.off = 0
        self._preloaded = preloaded
        super().__init__(directory, finger=finger, clock=self.now)

    def now(self) -> float:
        """Return AWS's time, as an epoch in seconds."""
        return time.time() + self.ahead

    def go_to(self, epoch: float) -> None:
        """Make it that time, or a little later, for AWS and the computer; `epoch` is in seconds."""
        self.ahead = math.ceil(epoch - time.time())

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end by the computer's clock, without a terminal."""
        if self._preloaded is not None:
            return self._preloaded.run(words, self._by_its_clock())
        return self.vaultpy(*words, env=self._by_its_clock())

    def at_a_terminal(self, *words: str) -> PseudoTerminal:
        """Run the installed command by the computer's clock at a terminal of its own."""
        return PseudoTerminal([str(BIN / "vaultpy"), *words], self._by_its_clock())

    def _by_its_clock(self) -> dict[str, str]:
        return self.environment | clock() | {"SECONDS_AHEAD": str(self.ahead + self.off)}
