"""`exec` without a command: the user's shell beside us, who tell in time when its credentials end."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from shlex import quote

from vaultpy.launch import supervise
from vaultpy.text import show_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Voice(Protocol):
        """What speaks to the person."""

        def note(self, text: str) -> None:
            """Say what goes on."""

        def break_in(self, text: str, seconds: float) -> None:
            """Say it below what the shell shows."""

    class TrueClock(Protocol):
        """What knows AWS's time."""

        def time(self) -> float:
            """Return it as an epoch, in seconds."""

    class Run(Protocol):
        """The objects of one run."""

        @property
        def terminal(self) -> Voice: ...  # noqa: D102
        @property
        def ledger(self) -> TrueClock: ...  # noqa: D102


WARNING_SECONDS = 600
"""How long before the end the warning comes; where only little is left at the start, a third of that."""

_LOOK_SECONDS = 20.0  # a computer that sleeps counts no time, so that one long wait would end too late
_SHOWN_SECONDS = 60.0


def run_shell(run: Run, words: list[str], environ: dict[str, str], profile: str, ends: int) -> int:
    """Run the shell `words`, tell when its credentials will end, and return its exit status.

    `ends` is an epoch in seconds. For the main thread; raises what `launch.supervise` raises.
    """
    left = show_duration(ends - run.ledger.time())
    until = time.strftime("%H:%M", time.localtime(ends))
    run.terminal.note(f"this is a shell for {profile}, {left} left (until {until}); leave it with exit")
    ended = threading.Event()

    def attend() -> None:
        if hasattr(signal, "pthread_sigmask"):
            # We are in the background now: with `stty tostop` the terminal would stop us for talking.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        with suppress(OSError):  # the terminal is gone, and so is whoever would read it
            watch(
                profile,
                ends,
                clock=run.ledger.time,
                shell_ended=ended.wait,
                say=lambda text: run.terminal.break_in(text, _SHOWN_SECONDS),
            )

    watcher = threading.Thread(target=attend, daemon=True)
    watcher.start()
    try:
        return supervise(words, environ)
    finally:
        ended.set()
        watcher.join(timeout=1)


def watch(
    profile: str,
    ends: float,
    *,
    clock: Callable[[], float],
    shell_ended: Callable[[float], bool],
    say: Callable[[str], None],
) -> None:
    """Say once that the end at `ends` is near, and once that it has come, unless the shell ends before.

    `shell_ended` waits at most so many seconds for that, and tells whether it has.
    """
    remedy = f"for new ones leave it (exit), then: vaultpy exec {quote(profile)}"
    near = ends - min(WARNING_SECONDS, (ends - clock()) / 3)
    for moment in (near, ends):
        while (left := moment - clock()) > 0:
            if shell_ended(min(left, _LOOK_SECONDS)):
                return
        left = ends - clock()
        if left > 0:
            say(f"the credentials of {profile} in this shell end in {show_duration(left)}; {remedy}")
        elif moment == ends:
            say(f"the credentials of {profile} in this shell have ended; {remedy}")
