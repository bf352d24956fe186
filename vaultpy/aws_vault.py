"""aws-vault, asked by its own commands for what it keeps; its stores are never opened here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from shutil import which
from threading import Event, Timer
from typing import TYPE_CHECKING

from vaultpy import access_key_input
from vaultpy.environment import PASSPHRASE_VARIABLES
from vaultpy.errors import AwsVaultFailed, AwsVaultMissing, BadKeyInput
from vaultpy.profile import is_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Protocol

    from vaultpy.credentials import AccessKey

    class Person(Protocol):
        """Who waits."""

        def note(self, text: str) -> None: ...  # noqa: D102
        def can_ask(self) -> bool: ...  # noqa: D102


# Our passphrase is nobody else's; and within a shell of ours or its own, aws-vault would refuse to export.
_NOT_FOR_IT = (*PASSPHRASE_VARIABLES, "AWS_VAULT")
_REMEDY = "see what aws-vault says"
_NOTE_SECONDS, _LIMIT_SECONDS = 3.0, 60.0


class AwsVault:
    """The aws-vault on the PATH of `environ`.

    What it asks, it asks at the terminal; what it prints is read into memory alone.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        person: Person,
        *,
        note_after: float = _NOTE_SECONDS,
        limit: float = _LIMIT_SECONDS,
    ) -> None:
        """`person` is told after so many seconds what is waited for.

        `limit`, in seconds too, ends it where nobody can answer what it asks.
        """
        self._person = person
        self._note_after = note_after
        self._limit = limit
        self._environ = {name: value for name, value in environ.items() if name not in _NOT_FOR_IT}

    def names(self) -> list[str]:
        """Return the names under which it keeps keys; raises AwsVaultMissing and AwsVaultFailed."""
        printed, ended = self._run("list", "--credentials")
        if len(printed) > access_key_input.MAX_BYTES:
            raise AwsVaultFailed(reason="it goes on for more than 64 KiB")
        if ended:
            raise AwsVaultFailed(reason=ended)
        return [name for name in printed.decode("utf-8", "backslashreplace").splitlines() if name]

    def access_key(self, name: str) -> AccessKey:
        """Have it hand out the key `name`; raises BadKeyInput, and AwsVaultMissing."""
        where = f"what aws-vault exports for {name}"
        if name.startswith(("-", "@")) or not is_line(name):  # it would be an option, or a file of arguments
            raise BadKeyInput(where=where, problem="it would not take that for a name", remedy=_REMEDY)
        printed, ended = self._run("export", "--no-session", "--format=json", name)
        if ended and len(printed) <= access_key_input.MAX_BYTES:  # else we have not read all, which ended it
            raise BadKeyInput(where=where, problem=ended, remedy=_REMEDY)
        return access_key_input.from_bytes(printed, where)

    def _run(self, *words: str) -> tuple[bytes, str]:
        """Return what it printed, up to one byte too many, and how it ended unless well."""
        path = which("aws-vault", path=self._environ.get("PATH"))
        if path is None:
            raise AwsVaultMissing
        try:
            asks = self._person.can_ask()
            process = subprocess.Popen(
                [path, *words], stdout=subprocess.PIPE, env=self._environ, start_new_session=not asks
            )
        except OSError:
            raise AwsVaultMissing from None
        with process, self._patience(process, limited=not asks) as late:
            printed = process.stdout.read(access_key_input.MAX_BYTES + 1) if process.stdout else b""
        if late.is_set():
            return b"", f"it did not end within {self._limit:.0f} s"
        return printed, f"it ended with status {process.returncode}" if process.returncode else ""

    @contextmanager
    def _patience(self, process: subprocess.Popen[bytes], *, limited: bool) -> Iterator[Event]:
        """Say after a while what is waited for; `limited`, end it at last. The event tells of that."""
        late = Event()

        def end() -> None:
            late.set()
            _kill(process)

        timers = [Timer(self._note_after, self._person.note, ["waiting for aws-vault"])]
        if limited:
            timers.append(Timer(self._limit, end))
        for timer in timers:
            timer.daemon = True
            timer.start()
        try:
            yield late
        finally:
            for timer in timers:
                timer.cancel()


def _kill(process: subprocess.Popen[bytes], platform: str = sys.platform) -> None:
    """End it with what it has started, which may hold its output open."""
    if platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
