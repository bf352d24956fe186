"""What to do where the smart card service does not answer: each system has its own packages for it."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SYSTEMD = "sudo systemctl enable --now pcscd.socket"
_INSTALL = {
    "apt-get": f"sudo apt install pcscd && {_SYSTEMD}",
    "dnf": f"sudo dnf install pcsc-lite pcsc-lite-ccid && {_SYSTEMD}",
    "pacman": f"sudo pacman -S --needed pcsclite ccid && {_SYSTEMD}",
    "apk": "doas apk add pcsc-lite ccid && doas rc-update add pcscd && doas rc-service pcscd start",
}
_ELSEWHERE = {
    "darwin": "plug the YubiKey in and run this again: macOS starts the service when there is a reader",
    "win32": "plug the YubiKey in; if that does not help, as an administrator: net start SCardSvr",
}
_UNKNOWN = "install pcsc-lite and its CCID driver, start pcscd, and run this again"


def remedy(platform: str = sys.platform, which: Callable[[str], str | None] = shutil.which) -> str:
    """Return what to do on this system, in one line, with the exact command where one is known."""
    if platform != "linux":
        return _ELSEWHERE.get(platform, _UNKNOWN)
    install = next((command for manager, command in _INSTALL.items() if which(manager)), None)
    return f"install and start it: {install}" if install else _UNKNOWN
