"""A desktop on a D-Bus session of its own, which shows notifications to the test."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.secret_service import private_environment

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_DAEMON = Path(__file__).with_name("notification_daemon.py")
_WITHIN = 30.0


class Desktop:
    """It lasts as long as its context, or this process; `variables` lead a program to it.

    Skips the test where a program is not installed.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self.variables: dict[str, str] = {}

    def __enter__(self) -> Self:
        for program, package in (("dbus-run-session", "dbus"), ("notify-send", "libnotify-bin")):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is not installed (Debian: {package})")
        with (self._home / "desktop.log").open("w") as log:
            self._daemon = subprocess.Popen(
                ["dbus-run-session", "--", sys.executable, str(_DAEMON)],
                env=private_environment(self._home),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
            )
        address = self._line()
        assert address, (self._home / "desktop.log").read_text()
        self.variables = {"DBUS_SESSION_BUS_ADDRESS": address, "DISPLAY": ":99"}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._daemon.communicate(timeout=_WITHIN)  # closing its input ends it

    def notification(self) -> dict[str, Any]:
        """Wait for the next notification, and return what is shown."""
        shown: dict[str, Any] = json.loads(self._line())
        return shown

    def others(self) -> str:
        """Log the user out; returns what has been shown beside what was asked for."""
        return self._daemon.communicate(timeout=_WITHIN)[0]

    def _line(self) -> str:
        assert self._daemon.stdout
        ready, _, _ = select.select([self._daemon.stdout], [], [], _WITHIN)
        assert ready, "nothing was shown"
        return self._daemon.stdout.readline().strip()
