"""Every instant at which a killed command could leave half of a thing behind, by strace's fault injection.

What lies on a disk or in the kernel changes with a system call and not between two, so a command that was
killed before each of them was killed everywhere.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from support.preloaded import Preloaded

NAMES_AND_KEYS = (
    *("mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat"),
    *("add_key", "keyctl"),
)
"""The calls after which another program finds other files or keys."""
CONTENTS = ("write", "pwrite64", "writev", "ftruncate")
"""Those that change what is in a file; one that has just been made is locked or written next."""
THE_REST = ("fsync", "fdatasync", "fchmod", "fchown", "chmod", "flock")
"""Those between the others, which change nothing that another program reads."""

_CALL = re.compile(r"(\d+) +(\w+)\((\w*)")
_ONLY_LOOKS = {"KEYCTL_READ", "KEYCTL_DESCRIBE", "KEYCTL_SEARCH", "KEYCTL_GET_KEYRING_ID"}
_WITHIN_SECONDS = 60


class KillPoint(NamedTuple):
    """Just before the `number`th call of that name, counted from 1."""

    call: str
    number: int


class Victim:
    """A command that is killed; `log` is a file of our own, `environment` says how it is to be run.

    It is vaultpy's where there is a `preloaded` process to fork it from. That takes far less time: each
    system call is looked at, and most of those of the installed command find and load its modules.
    """

    def __init__(
        self, command: list[str], environment: dict[str, str], log: Path, preloaded: Preloaded | None = None
    ) -> None:
        self._command = command
        self._environment = environment
        self._log = log
        self._preloaded = preloaded

    def points(self, calls: Iterable[str]) -> list[KillPoint]:
        """Run it to its end; return every point of it at one of `calls`, in order."""
        names = ",".join(f"?{call}" for call in calls)  # some exist only on some processors
        status = self._run(f"trace={names}")
        assert status == 0, self._log.read_text()
        met: Counter[str] = Counter()
        found = []
        for line in self._log.read_text().splitlines():
            if call := _CALL.match(line):
                met[call[2]] += 1
                if call[3] not in _ONLY_LOOKS:
                    found.append(KillPoint(call[2], met[call[2]]))
        return found

    def killed_at(self, point: KillPoint) -> str:
        """Run it and kill it there; return the call that was not made, as strace shows it.

        Empty where the command came to its end before.
        """
        # Not with --seccomp-bpf, which is faster: with it strace injects nothing.
        status = self._run(f"trace={point.call}", f"inject={point.call}:signal=KILL:when={point.number}")
        if status == -signal.SIGKILL:
            return [line for line in self._log.read_text().splitlines() if _CALL.match(line)][-1]
        assert status == 0, self._log.read_text()
        return ""

    def _run(self, *expressions: str) -> int:
        options = [word for expression in expressions for word in ("-e", expression)]
        tracer = ["strace", "--follow-forks", "-y", "-o", str(self._log), *options]
        if self._preloaded is not None:
            return self._run_fork(self._preloaded, tracer)
        return subprocess.run(
            [*tracer, "-qq", *self._command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WITHIN_SECONDS,
            start_new_session=True,
            check=False,
        ).returncode

    def _run_fork(self, preloaded: Preloaded, tracer: list[str]) -> int:
        with open(os.devnull, "r+b") as nothing:  # noqa: PTH123  # its descriptor is all that is wanted
            process = preloaded.begin(
                self._command[1:], self._environment, (nothing, nothing, nothing), stopped=True
            )
        attach = [*tracer, "-p", str(process)]
        with subprocess.Popen(attach, stderr=subprocess.PIPE, text=True) as attached:
            assert attached.stderr
            said = attached.stderr.readline()
            os.kill(process, signal.SIGCONT if "attached" in said else signal.SIGKILL)
            status = preloaded.end()
        assert "attached" in said, said
        return status
