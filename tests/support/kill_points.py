"""Every instant at which a killed command could leave half of a thing behind, by strace's fault injection.

What lies on a disk or in the kernel changes with a system call and not between two, so a command that was
killed before each of them was killed everywhere.
"""

from __future__ import annotations

import re
import signal
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

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
    """A command that is killed; `log` is a file of our own, `environment` says how it is to be run."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._command = command
        self._environment = environment
        self._log = log

    def points(self, calls: Iterable[str]) -> list[KillPoint]:
        """Run it to its end; return every point of it at one of `calls`, in order."""
        names = ",".join(f"?{call}" for call in calls)  # some exist only on some processors
        self._run(f"trace={names}").check_returncode()
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
        done = self._run(f"trace={point.call}", f"inject={point.call}:signal=KILL:when={point.number}")
        if done.returncode == -signal.SIGKILL:
            return self._log.read_text().splitlines()[-1]
        done.check_returncode()
        return ""

    def _run(self, *expressions: str) -> subprocess.CompletedProcess[str]:
        options = [word for expression in expressions for word in ("-e", expression)]
        return subprocess.run(
            ["strace", "--follow-forks", "-y", "-qq", "-o", str(self._log), *options, *self._command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_WITHIN_SECONDS,
            start_new_session=True,
            check=False,
        )
