"""A `credential_process` of somebody else's: what it gets, and its end with the run that waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from vaultpy.environment import PASSPHRASE_VARIABLES
from vaultpy.errors import SourceFailed
from vaultpy.sources import PROCESS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vaultpy.sources import ForeignSource

CIRCLE = "it asks vaultpy for this very profile"

_ASKING = "VAULTPY_ASKING"
"""Tells a `credential_process` for which profiles one runs, a line each: it may be vaultpy in a wrapper."""
_NOTE_SECONDS = 2.0
_GRACE_SECONDS = 0.5
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has no other


class SourceProcesses:
    """The processes of one run.

    `apart`: each has a session of its own, so that it cannot read the terminal, and all that it starts ends
    with it. Else it stays with us, and the terminal's Ctrl-C reaches it too.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        note: Callable[[str], None],
        *,
        apart: bool,
        note_after: float = _NOTE_SECONDS,
    ) -> None:
        """`note` says what is waited for, after `note_after` seconds."""
        self._asking = environ.get(_ASKING, "").splitlines()
        self._environ = {name: value for name, value in environ.items() if name not in PASSPHRASE_VARIABLES}
        self._note = note
        self._apart = apart
        self._note_after = note_after
        self._running: list[SourceProcess] = []
        self._turn = threading.Lock()
        self._over = False

    def check_circle(self, source: ForeignSource | None) -> None:
        """Raise SourceFailed where we run for the very process that `source` would start."""
        if source is not None and source.kind == PROCESS and source.name in self._asking:
            raise SourceFailed(profile=source.name, source=PROCESS, reason=CIRCLE)

    def start(self, profile: str, words: list[str], *, stdout: int, stderr: int) -> SourceProcess:
        """Start the process of `profile`, without our passphrase and without the command's standard input.

        Raises OSError.
        """
        asking = {_ASKING: "\n".join([*self._asking, profile])}
        with self._turn:
            if self._over:
                raise InterruptedError
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=self._environ | asking,
                start_new_session=self._apart,
            )
            waiting = f"waiting for the credential_process of profile {profile}"
            started = SourceProcess(
                process, lambda: self._note(waiting), apart=self._apart, note_after=self._note_after
            )
            self._running.append(started)
        return started

    def end(self) -> None:
        """End what still runs, and let nothing begin: the run has given up."""
        with self._turn:
            self._over = True
            running = list(self._running)
        for process in running:
            process.end()


class SourceProcess:
    """One of them, with as much of `subprocess.Popen` as botocore asks of it."""

    def __init__(
        self, process: subprocess.Popen[bytes], note: Callable[[], None], *, apart: bool, note_after: float
    ) -> None:
        self._process = process
        self._note = note
        self._apart = apart
        self._note_after = note_after

    @property
    def returncode(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.returncode

    def communicate(self) -> tuple[bytes, bytes]:
        """Wait for its end and return what it wrote to stdout and stderr; whoever stops waiting ends it."""
        try:
            with suppress(subprocess.TimeoutExpired):
                return self._process.communicate(timeout=self._note_after)
            self._note()
            return self._process.communicate()
        except BaseException:
            self.end()
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
            raise

    def end(self) -> None:
        """End it, if it still runs: at first politely."""
        if self._process.poll() is not None:
            return
        self._send(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_SECONDS)
        self._send(_KILL)

    def _send(self, number: int) -> None:
        with suppress(OSError):
            if self._apart and hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)
