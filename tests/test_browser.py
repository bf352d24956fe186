"""The browser is the user's own choice, and inherits no credentials."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from vaultpy.browser import command_for, start, why_none

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "http://127.0.0.1:1/x"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Return a directory of programs that do nothing."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("firefox", "xdg-open", "wslview"):
        (directory / name).write_text("#!/bin/sh\n")
        (directory / name).chmod(0o700)
    return directory


def chosen(programs: Path, platform: str = "linux", **environ: str) -> list[str] | None:
    return command_for({"PATH": str(programs), **environ}, platform)


def test_the_variable_comes_first_and_of_it_the_first_that_is_installed(programs: Path) -> None:
    named = os.pathsep.join(["missing", "firefox --new-window", "xdg-open"])
    assert chosen(programs, BROWSER=named) == ["firefox", "--new-window", "%s"]
    assert chosen(programs, BROWSER="firefox %s -p work") == ["firefox", "%s", "-p", "work"]


@pytest.mark.parametrize("named", ["", "missing", "firefox 'unclosed"])
def test_what_the_desktop_opens_is_next_where_there_is_a_display(programs: Path, named: str) -> None:
    assert chosen(programs, BROWSER=named, WAYLAND_DISPLAY="wayland-0") == ["xdg-open", "%s"]
    assert chosen(programs, BROWSER=named, DISPLAY=":0") == ["xdg-open", "%s"]


def test_windows_below_linux_needs_no_display(programs: Path) -> None:
    assert chosen(programs) == ["wslview", "%s"]


def test_other_systems_have_a_program_for_it(programs: Path) -> None:
    assert chosen(programs, "darwin") == ["open", "%s"]
    assert chosen(programs, "win32") == ["rundll32", "url.dll,FileProtocolHandler", "%s"]


def test_where_there_is_none_the_reason_is_known(programs: Path) -> None:
    (programs / "wslview").unlink()
    assert chosen(programs) is None
    assert why_none({}) == "there is no display"
    assert why_none({"SSH_CONNECTION": "x"}) == "this is a session over SSH without a display"
    (programs / "xdg-open").unlink()
    assert chosen(programs, DISPLAY=":0") is None
    assert why_none({"DISPLAY": ":0"}) == "neither BROWSER nor xdg-open names one"


def test_it_gets_the_address_and_nothing_of_awss_or_ours(tmp_path: Path) -> None:
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/argv\nenv > {tmp_path}/env\nexit 3\n')
    script.chmod(0o700)
    environ = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "AWS_SECRET_ACCESS_KEY": "secret"}
    environ |= {"VAULTPY_KEYSTORE_PASSPHRASE": "pass", "VAULTPY": "dev", "AWS_BEARER_TOKEN_BEDROCK": "token"}
    started = start([str(script), "%s"], ADDRESS, environ)
    started._process.wait(10)
    assert (tmp_path / "argv").read_text() == f"{ADDRESS}\n"
    inherited = (tmp_path / "env").read_text()
    assert "HOME=/nowhere" in inherited
    assert "AWS_" not in inherited
    assert "VAULTPY" not in inherited
    assert started.failure() == f"{script} ended with status 3"


def test_one_that_is_open_or_has_handed_the_address_on_is_no_failure(tmp_path: Path) -> None:
    started = start(["true", "%s"], ADDRESS, {"PATH": os.environ["PATH"]})
    started._process.wait(10)
    assert started.failure() is None
    started = start(["sleep", "60"], ADDRESS, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    assert started.failure() is None
    started._process.kill()
    started._process.wait(10)
