"""Desktop notifications: a person's action is asked for where they can see it, when no terminal is there.

The system's own program shows them: notify-send, osascript, or PowerShell. Text from files and cards goes to
it as data alone, printable and cut: as an argument behind the last option, or in a variable that a constant
script reads. No shell is between. Of ours the program gets only what it needs to find the desktop.

Nothing that goes wrong here is told: the same text stands on stderr.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from base64 import b64encode
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vaultpy.display import has_display
from vaultpy.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Command = tuple[
        list[str], dict[str, str]
    ]  # its words, the first the file's full path, and its environment

_TITLE = "vaultpy"
_LONGEST = 500
_END_SECONDS = 1

_FOR_FREEDESKTOP = (
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "HOME",
    "PATH",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
)
_FOR_WINDOWS = ("APPDATA", "LOCALAPPDATA", "PATH", "SYSTEMROOT", "TEMP", "TMP", "USERPROFILE")

# Both read the text as it is: an item of a list here, a variable's value there.
_APPLESCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)
_POWERSHELL = r"""
$ErrorActionPreference = 'Stop'
$Manager = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$Type = [Windows.UI.Notifications.ToastTemplateType, Windows.UI.Notifications, ContentType = WindowsRuntime]
$Toast = [Windows.UI.Notifications.ToastNotification, Windows.UI.Notifications, ContentType = WindowsRuntime]
$Xml = $Manager::GetTemplateContent($Type::ToastText02)
$Lines = $Xml.GetElementsByTagName('text')
$null = $Lines.Item(0).AppendChild($Xml.CreateTextNode('vaultpy'))
$null = $Lines.Item(1).AppendChild($Xml.CreateTextNode($env:NOTIFICATION_TEXT))
$Id = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\WindowsPowerShell\v1.0\powershell.exe'
$Manager::CreateToastNotifier($Id).Show($Toast::new($Xml))
"""  # noqa: E501  # what loads a type stands in one line


def notify(
    text: str, seconds: float, environ: Mapping[str, str], platform: str = sys.platform
) -> Callable[[], None]:
    """Show `text` on the desktop for about `seconds`, if one can be there, without waiting for it.

    Returns what ends the program that shows it, should that still run. It is to be called, so that a command
    that this process becomes never finds a child that it did not start.
    """
    command = _command(text, seconds, environ, platform)
    if command is None:
        return _nothing
    words, environment = command
    try:
        program = subprocess.Popen(
            # notify-send is told to read UTF-8, whatever our own locale is.
            words if platform == "win32" else [word.encode() for word in words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, ValueError):  # ValueError: a variable that no environment can hold
        return _nothing
    return partial(_end, program)


def _nothing() -> None:
    """End no program."""


def _end(program: subprocess.Popen[bytes]) -> None:
    """Kill it: a bus without a desktop keeps it waiting for minutes."""
    if program.poll() is None:
        program.kill()
        with suppress(subprocess.TimeoutExpired):
            program.wait(_END_SECONDS)


def _command(text: str, seconds: float, environ: Mapping[str, str], platform: str) -> Command | None:
    """Return what shows `text`, or None where there is no desktop or no program for it."""
    text = printable(text)
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    if platform == "darwin":
        return _osascript(text, environ)
    if platform == "win32":
        return _powershell(text, environ)
    return _notify_send(text, seconds, environ)


def _notify_send(text: str, seconds: float, environ: Mapping[str, str]) -> Command | None:
    """Return notify-send's command, on WSL too; one without a bus would start one of its own."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    has_bus = environ.get("DBUS_SESSION_BUS_ADDRESS") or (runtime and Path(runtime, "bus").exists())
    if not has_bus or not has_display(environ):
        return None
    # Not out of the current directory, which may be anybody's.
    entries = filter(os.path.isabs, environ.get("PATH", os.defpath).split(os.pathsep))
    file = shutil.which("notify-send", path=os.pathsep.join(entries))
    if file is None:
        return None
    # The body is markup, and notify-send reads \n, \74 and their like in it first.
    body = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\\", "\\\\")
    options = [
        f"--app-name={_TITLE}",
        f"--expire-time={max(1, round(seconds * 1000))}",
        "--hint=int:transient:1",  # it is worth nothing afterwards
    ]
    return [file, *options, "--", _TITLE, body], _only(_FOR_FREEDESKTOP, environ) | {"LC_ALL": "C.UTF-8"}


def _osascript(text: str, environ: Mapping[str, str]) -> Command:
    """Return osascript's command; its options end at the first word that is none, which the title is."""
    lines = [word for line in _APPLESCRIPT for word in ("-e", line)]
    return ["/usr/bin/osascript", *lines, _TITLE, text], _only(("HOME",), environ) | {"LC_ALL": "en_US.UTF-8"}


def _powershell(text: str, environ: Mapping[str, str]) -> Command | None:
    """Return the command of the PowerShell that is part of Windows; newer ones cannot show toasts."""
    root = environ.get("SYSTEMROOT")
    if not root:
        return None
    file = rf"{root}\System32\WindowsPowerShell\v1.0\powershell.exe"
    script = b64encode(_POWERSHELL.encode("utf-16-le")).decode()
    words = [file, "-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand", script]
    return words, _only(_FOR_WINDOWS, environ) | {"NOTIFICATION_TEXT": text}


def _only(names: tuple[str, ...], environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in names if name in environ}
