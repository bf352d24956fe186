"""What is different on macOS and on Windows, with the platform handed in.

The rest of it is in the tests of the modules that are about it: windows, launch, notifications, browser,
pcsc_install, lock_holder, sources.
"""

from __future__ import annotations

import ast
import os
import signal
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vaultpy import warm
from vaultpy.aws_vault import _kill
from vaultpy.checks_computer import _place
from vaultpy.checks_keystore import state
from vaultpy.cli.context import refuse_windows
from vaultpy.config import expand
from vaultpy.doctor_wiring import Examined
from vaultpy.errors import CommandNotExecutable, CommandNotFound, NestedShell, NotOnWindows, StateUnusable
from vaultpy.execution import shell_words
from vaultpy.index import Index
from vaultpy.kernel_keyring import _numbers, hide_memory
from vaultpy.keystore import _has_display, _system_path
from vaultpy.keystore_file import _passphrase_from, _why_unusable, keystore_file_path
from vaultpy.launch import find_command, supervise
from vaultpy.server.limits import _most_open, places_of
from vaultpy.session_places import all_places
from vaultpy.smart_cards import _is_found
from vaultpy.state import (
    _wait_for_readers,
    make_private_directory,
    open_replaced,
    replace_file,
    state_directory,
)
from vaultpy.token_file import token_file
from vaultpy.unasked_keystore import _no_look, look_on
from vaultpy.values import Secret
from vaultpy.writing import _narrow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.access_keys import Keystore

ELSEWHERE = pytest.mark.parametrize("platform", ["darwin", "win32"])
POSIX = pytest.mark.parametrize("platform", ["linux", "darwin"])
SOMEBODY = 12345


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def none_is_opened() -> Keystore:
    raise AssertionError("nobody asked for it")


# ---- directories and paths ----------------------------------------------------------------------------


def test_on_windows_the_state_is_in_the_users_local_directory() -> None:
    environ = {"LOCALAPPDATA": "/Users/alice/AppData/Local", "XDG_STATE_HOME": "/states", "HOME": "/home"}
    assert state_directory(environ, "win32") == "/Users/alice/AppData/Local/vaultpy"


def test_on_macos_the_state_is_where_xdg_says_too() -> None:
    assert state_directory({"HOME": "/Users/alice"}, "darwin") == "/Users/alice/.local/state/vaultpy"


def test_on_windows_the_keystore_file_is_there_too_unless_it_is_named() -> None:
    environ = {"LOCALAPPDATA": "/Users/alice/AppData/Local", "XDG_DATA_HOME": "/data"}
    assert keystore_file_path(environ, "win32") == "/Users/alice/AppData/Local/vaultpy/keystore"
    named = environ | {"VAULTPY_KEYSTORE_FILE": "/mine"}
    assert keystore_file_path(named, "win32") == "/mine"


@pytest.mark.parametrize(
    ("path", "expanded"),
    [
        ("~", "C:\\Users\\alice"),
        ("~/.aws/config", "C:\\Users\\alice/.aws/config"),
        ("~\\.aws\\config", "C:\\Users\\alice\\.aws\\config"),
        ("D:\\aws", "D:\\aws"),
    ],
)
def test_on_windows_a_tilde_is_the_users_profile(path: str, expanded: str) -> None:
    environ = {"USERPROFILE": "C:\\Users\\alice\\", "HOME": "/c/Users/git"}
    assert expand(path, environ, "win32") == expanded


@POSIX
def test_elsewhere_it_is_the_home_and_a_backslash_ends_no_name(platform: str) -> None:
    environ = {"USERPROFILE": "C:\\Users\\alice", "HOME": "/home/alice"}
    assert expand("~/.aws/config", environ, platform) == "/home/alice/.aws/config"
    assert expand("~\\config", environ, platform) == "~\\config"


# ---- files: whose, and who else may ---------------------------------------------------------------------


def test_on_windows_modes_are_neither_looked_at_nor_changed(tmp_path: Path) -> None:
    directory, file = tmp_path / "state", tmp_path / "file"
    directory.mkdir(mode=0o755)
    make_private_directory(str(directory), "win32")
    assert mode(directory) == 0o755
    file.write_text("old")
    file.chmod(0o644)
    replace_file(str(file), b"new", platform="win32")
    assert file.read_bytes() == b"new"
    assert mode(file) == 0o600
    file.chmod(0o644)
    assert not _narrow(str(file), "win32")
    assert _why_unusable(file.stat(), "win32") == ""
    assert _passphrase_from({"VAULTPY_KEYSTORE_PASSPHRASE_FILE": str(file)}, "win32") == Secret("new")
    assert [finding.state for finding in state(str(directory), "win32")] == ["ok"]


@POSIX
def test_elsewhere_they_are(tmp_path: Path, platform: str) -> None:
    directory, file = tmp_path / "state", tmp_path / "file"
    directory.mkdir(mode=0o755)
    file.write_text("old")
    file.chmod(0o644)
    replace_file(str(file), b"new", platform=platform)
    assert mode(file) == 0o644
    assert "0644" in _why_unusable(file.stat(), platform)
    assert [finding.state for finding in state(str(directory), platform)] == ["warning"]
    assert _narrow(str(file), platform)
    make_private_directory(str(directory), platform)
    assert (mode(file), mode(directory)) == (0o600, 0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_on_windows_nobody_asks_whose_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o600)
    tmp_path.chmod(0o700)
    for path in (tmp_path, tmp_path / "file"):
        os.chown(path, SOMEBODY, SOMEBODY)
    make_private_directory(str(tmp_path), "win32")
    assert [finding.state for finding in state(str(tmp_path), "win32")] == ["ok"]
    assert _why_unusable((tmp_path / "file").stat(), "win32") == ""
    for platform in ("linux", "darwin"):
        with pytest.raises(StateUnusable, match=f"user id {SOMEBODY}"):
            make_private_directory(str(tmp_path), platform)
        assert [finding.state for finding in state(str(tmp_path), platform)] == ["failure"]
        assert f"user id {SOMEBODY}" in _why_unusable((tmp_path / "file").stat(), platform)


def test_on_windows_nobody_asks_whose_the_index_is() -> None:
    Index("index")._check_owner(SOMEBODY, "win32")
    for platform in ("linux", "darwin"):
        with pytest.raises(StateUnusable, match=f"user id {SOMEBODY}"):
            Index("index")._check_owner(SOMEBODY, platform)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_what_another_process_replaces_is_read_everywhere(tmp_path: Path, platform: str) -> None:
    (tmp_path / "file").write_bytes(b"text")
    with open_replaced(str(tmp_path / "file"), platform) as file:
        assert file.read() == b"text"
    with pytest.raises(FileNotFoundError):
        open_replaced(str(tmp_path / "missing"), platform)


def test_on_windows_a_file_that_is_in_use_is_tried_again() -> None:
    refusals = [PermissionError("in use")]

    def call() -> str:
        if refusals:
            raise refusals.pop()
        return "opened"

    assert _wait_for_readers(call, "win32") == "opened"
    refusals.append(PermissionError("not allowed"))
    with pytest.raises(PermissionError, match="not allowed"):
        _wait_for_readers(call, "darwin")


@ELSEWHERE
def test_a_tokens_file_goes_with_its_server_everywhere(tmp_path: Path, platform: str) -> None:
    path = tmp_path / "token"
    path.write_text("x" * 43)  # what a killed server left
    with token_file(path, Secret("t" * 43), platform):
        assert path.read_text() == "t" * 43
    assert not path.exists()


# ---- keystores, and where sessions are kept -----------------------------------------------------------


@ELSEWHERE
def test_elsewhere_than_on_linux_sessions_are_in_the_system_keystore_alone(platform: str) -> None:
    assert [place.name for place in all_places(none_is_opened, platform)] == ["keystore"]
    assert [place.name for place in all_places(none_is_opened, "linux")] == ["kernel", "keystore"]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_backend_of_each_system_is_one_that_keyring_has(platform: str) -> None:
    module, _, name = _system_path(platform).rpartition(".")
    spec = find_spec(module)
    assert spec is not None
    source = ast.parse(Path(str(spec.origin)).read_text())
    assert name in [node.name for node in source.body if isinstance(node, ast.ClassDef)]


@ELSEWHERE
def test_where_the_system_itself_asks_no_display_is_looked_for(platform: str) -> None:
    assert _has_display(_system_path(platform), {}, platform)
    assert not _has_display(_system_path("linux"), {}, "linux")


@ELSEWHERE
def test_whether_the_secret_service_is_open_is_asked_on_linux_alone(platform: str) -> None:
    assert look_on(platform) is _no_look
    assert look_on("linux") is not _no_look


@pytest.mark.parametrize(("platform", "state_of_it"), [("darwin", "unknown"), ("win32", "open")])
def test_doctor_knows_of_each_system_keystore_whether_it_could_ask(platform: str, state_of_it: str) -> None:
    assert Examined({}).system_state(platform) == state_of_it


@ELSEWHERE
def test_without_linux_there_is_no_kernel_keyring_and_no_memory_to_hide(platform: str) -> None:
    with pytest.raises(OSError, match="not implemented"):
        _numbers(platform)

    class NoLibrary:
        def system_call(self, *_: object) -> int:
            raise AssertionError("there is no such call")

    hide_memory(NoLibrary(), platform)  # type: ignore[arg-type]  # it has what would be used


@ELSEWHERE
def test_the_warm_path_is_linuxs_alone(platform: str) -> None:
    class Unread(dict[str, str]):
        def __iter__(self) -> Iterator[str]:
            raise AssertionError("it was looked at")

    assert not warm.run(["credential-process", "dev"], Unread(), platform)
    with pytest.raises(AssertionError, match="it was looked at"):
        warm.run(["credential-process", "dev"], Unread(), "linux")


# ---- commands -----------------------------------------------------------------------------------------


def test_on_windows_the_shell_is_the_command_interpreter() -> None:
    environ = {"COMSPEC": "C:\\Windows\\system32\\cmd.exe", "SHELL": "/usr/bin/bash"}
    assert shell_words(environ, "dev", "win32") == ["C:\\Windows\\system32\\cmd.exe"]
    assert shell_words({}, "dev", "win32") == ["cmd.exe"]
    assert shell_words(environ, "dev", "darwin") == ["/usr/bin/bash"]
    with pytest.raises(NestedShell):
        shell_words(environ | {"VAULTPY": "other"}, "dev", "win32")


def test_on_windows_a_command_is_found_as_windows_finds_it(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("")
    (tmp_path / "tool").chmod(0o700)
    assert find_command(["tool"], {"PATH": str(tmp_path)}, "win32") == str(tmp_path / "tool")
    (tmp_path / "text").write_text("")
    with pytest.raises(CommandNotFound):
        find_command(["text"], {"PATH": str(tmp_path)}, "win32")
    with pytest.raises(CommandNotExecutable):
        find_command(["text"], {"PATH": str(tmp_path)}, "darwin")


def test_on_windows_no_shell_starts_what_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("exit 7")
    (tmp_path / "script").chmod(0o700)
    assert supervise(["script"], {"PATH": str(tmp_path)}, "darwin") == 7
    with pytest.raises(CommandNotExecutable, match="exec format error"):
        supervise(["script"], {"PATH": str(tmp_path)}, "win32")


def test_on_windows_doctor_looks_for_the_command_under_its_whole_name(tmp_path: Path) -> None:
    for name in ("vaultpy", "vaultpy.exe"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o700)
    environ = {"PATH": str(tmp_path)}
    assert _place(environ, "win32").text == f"PATH leads to {tmp_path / 'vaultpy.exe'}"
    assert _place(environ, "darwin").text == f"PATH leads to {tmp_path / 'vaultpy'}"


@POSIX
def test_a_program_ends_with_all_that_it_has_started(platform: str) -> None:
    with subprocess.Popen(["sleep", "100"], start_new_session=True) as process:
        _kill(process, platform)
        assert process.wait() == -signal.SIGKILL
        _kill(process, platform)  # which has ended


def test_on_windows_it_ends_alone() -> None:
    with subprocess.Popen(["sleep", "100"]) as process:  # of our own group, which must not end with it
        _kill(process, "win32")
        assert process.wait() == -signal.SIGKILL


def test_what_windows_has_not_the_means_for_is_refused_there_alone() -> None:
    for platform in ("linux", "darwin"):
        refuse_windows("demo", platform)
    with pytest.raises(NotOnWindows, match="demo does not run on Windows"):
        refuse_windows("demo", "win32")


# ---- smart cards and servers ----------------------------------------------------------------------------


@ELSEWHERE
def test_elsewhere_than_on_linux_the_smart_card_service_is_part_of_the_system(platform: str) -> None:
    assert _is_found(platform, "libnone.so")
    assert not _is_found("linux", "libnone.so")


def test_on_windows_half_of_what_select_waits_for_are_visitors() -> None:
    assert places_of(_most_open("win32")) == 256
    assert _most_open("darwin") == os.sysconf("SC_OPEN_MAX")
