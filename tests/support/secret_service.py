"""A real gnome-keyring on a D-Bus session of its own, with a home of its own: nobody's keys are near it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self
_UNLOCKED = (
    "printf 'pw\\n' | gnome-keyring-daemon --unlock --components=secrets --daemonize > /dev/null 2>&1"
    ' && echo "$DBUS_SESSION_BUS_ADDRESS" && exec cat'
)
_BARE = 'echo "$DBUS_SESSION_BUS_ADDRESS" && exec cat'
_LOCK = """
import secretstorage
connection = secretstorage.dbus_init()
secretstorage.get_default_collection(connection).lock()
connection.close()
"""
_SILENT_PROMPTER = "[D-BUS Service]\nName=org.gnome.keyring.SystemPrompter\nExec={python} {script}\n"
_BUS_WITHOUT_SERVICES = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
_START_TIMEOUT = 30


def private_environment(home: Path) -> dict[str, str]:
    """Return an environment whose every directory is in `home`, without display and without D-Bus."""
    runtime = home / "run"
    runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
    }


class SecretService:
    """A D-Bus session that ends with its context, or with this process however that ends.

    `environment` is for the processes that are to use it. Skips the test where a program is not installed.
    """

    def __init__(self, home: Path, command: str, *options: str) -> None:
        self.environment = private_environment(home)
        self._log = home / "dbus.log"
        self._command = ["dbus-run-session", *options, "--", "sh", "-c", command]
        self._session: subprocess.Popen[str] | None = None

    @staticmethod
    def unlocked(home: Path) -> SecretService:
        """Return one whose login keyring is open."""
        return SecretService(home, _UNLOCKED)

    @staticmethod
    def empty(home: Path) -> SecretService:
        """Return one that D-Bus starts on demand and that holds no keyring yet."""
        return SecretService(home, _BARE)

    @staticmethod
    def absent(home: Path) -> SecretService:
        """Return a D-Bus session on which nothing offers a Secret Service."""
        home.mkdir(parents=True, exist_ok=True)
        config = home / "bus.conf"
        config.write_text(_BUS_WITHOUT_SERVICES)
        return SecretService(home, _BARE, f"--config-file={config}")

    @staticmethod
    def asking(home: Path) -> SecretService:
        """Return one whose question for the password is never answered, once it is locked."""
        services = home / "data" / "dbus-1" / "services"
        services.mkdir(parents=True)
        script = Path(__file__).with_name("silent_prompter.py")
        prompter = _SILENT_PROMPTER.format(python=sys.executable, script=script)
        (services / "org.gnome.keyring.SystemPrompter.service").write_text(prompter)
        return SecretService.unlocked(home)

    def __enter__(self) -> Self:
        for program in ("dbus-run-session", "gnome-keyring-daemon"):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is not installed (Debian: dbus, gnome-keyring)")
        with self._log.open("w") as log:
            self._session = subprocess.Popen(
                self._command,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._session.stdout
        address = self._session.stdout.readline().strip()
        assert address, self._log.read_text()
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session
        self._session.communicate(timeout=_START_TIMEOUT)  # closing its input ends it

    def lock(self) -> None:
        """Lock the login keyring, as the screen lock of some desktops does."""
        subprocess.run(
            [sys.executable, "-c", _LOCK], env=self.environment, check=True, timeout=_START_TIMEOUT
        )
