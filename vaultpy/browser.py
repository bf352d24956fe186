"""The user's browser: started with an address, and with nothing of AWS's or ours in its environment."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from vaultpy.display import has_display

if TYPE_CHECKING:
    from collections.abc import Mapping

_OURS = ("AWS_", "VAULTPY")
_PLACE = "%s"
_OPENERS = {"darwin": ["open"], "win32": ["rundll32", "url.dll,FileProtocolHandler"]}


class Started:
    """A browser, or what hands the address to one."""

    def __init__(self, process: subprocess.Popen[bytes], name: str) -> None:
        self._process = process
        self._name = name

    def failure(self) -> str | None:
        """Say why there is no browser; None as long as there may be one."""
        status = self._process.poll()
        return f"{self._name} ended with status {status}" if status else None


def command_for(environ: Mapping[str, str], platform: str = sys.platform) -> list[str] | None:
    """Return the words of what opens an address, `%s` in the place of it; None where there is nothing.

    BROWSER comes first, of which the first one that is installed. On Linux anything else needs a screen.
    """
    for choice in environ.get("BROWSER", "").split(os.pathsep):
        words = _words(choice)
        if words and shutil.which(words[0], path=environ.get("PATH")):
            return words if any(_PLACE in word for word in words) else [*words, _PLACE]
    if platform in _OPENERS:
        return [*_OPENERS[platform], _PLACE]
    for opener in ("xdg-open", "wslview"):
        has_screen = opener == "wslview" or has_display(environ)
        if has_screen and shutil.which(opener, path=environ.get("PATH")):
            return [opener, _PLACE]
    return None


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def why_none(environ: Mapping[str, str]) -> str:
    """Say why `command_for` finds nothing."""
    if environ.get("SSH_CONNECTION"):
        return "this is a session over SSH without a display"
    if not has_display(environ):
        return "there is no display"
    return "neither BROWSER nor xdg-open names one"


def start(command: list[str], address: str, environ: Mapping[str, str]) -> Started:
    """Start it, on its own: it goes on when we have ended, and says nothing here. Raises OSError."""
    words = [word.replace(_PLACE, address) for word in command]
    words[0] = shutil.which(words[0], path=environ.get("PATH")) or words[0]
    process = subprocess.Popen(
        words,
        env={name: value for name, value in environ.items() if not name.startswith(_OURS)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return Started(process, command[0])
