"""What is to be installed for the smart card service: the command of the system that one sits at."""

from __future__ import annotations

import pytest

from vaultpy.pcsc_install import remedy

MANAGERS = {
    "apt-get": "apt install pcscd ",
    "dnf": "dnf install pcsc-lite pcsc-lite-ccid ",
    "pacman": "pacman -S --needed pcsclite ccid ",
    "apk": "apk add pcsc-lite ccid ",
}


@pytest.mark.parametrize("manager", MANAGERS)
def test_the_command_is_that_of_the_package_manager_that_is_there(manager: str) -> None:
    told = remedy("linux", lambda name: f"/usr/bin/{name}" if name == manager else None)
    assert told.startswith(("install and start it: sudo ", "install and start it: doas apk "))
    assert MANAGERS[manager] in told


def test_an_unknown_linux_hears_what_it_is_that_is_missing() -> None:
    assert remedy("linux", lambda _: None).startswith("install pcsc-lite and its CCID driver")


def test_macos_and_windows_have_the_service_and_hear_how_it_starts() -> None:
    assert "macOS starts the service" in remedy("darwin")
    assert "net start SCardSvr" in remedy("win32")


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "freebsd14"])
def test_a_remedy_is_one_line_without_a_full_stop(platform: str) -> None:
    told = remedy(platform, lambda _: None)
    assert "\n" not in told
    assert not told.endswith(".")
