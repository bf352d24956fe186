"""Desktop notifications: by the real notify-send on a bus of its own, and what the other systems are told."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from support.desktop import Desktop
from support.pcscd import missing
from support.session_at_hand import forget_all
from support.world import BIN, World
from vaultpy.notifications import _command, notify
from vaultpy.simulated.finger import PressedFinger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = {
    "quotes": """a'b"c"; do shell script "x" --""",
    "substitutions": "$(touch x) `touch x` ${IFS} %PATH% $env:PATH ; & | > x",
    "an option": "--help",
    "short options": "-e quit",
    "lines": "one\ntwo\r\nthree\0",
    "markup": "<b>bold</b> <a href='x'>y</a> &lt; &amp;",
    "escapes": r"\74b\76 \n \t \342\200\256 \x1b[2J \\",
    "a trailing backslash": "x\\",
    "bidi": "a\u202eb\u2066c",
    "controls": "a\x1b[2Jb\x07c",
    "half a character": "a\udc80b",
    "other letters": "é 日本 …",
    "nothing": "",
}
# What each looks like: as on the terminal.
SHOWN = HOSTILE | {
    "lines": r"one\ntwo\r\nthree\x00",
    "bidi": r"a\u202eb\u2066c",
    "controls": r"a\x1b[2Jb\x07c",
    "half a character": r"a\udc80b",
}
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIASECRET",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "secret",
    "VAULTPY_KEYSTORE_PASSPHRASE": "secret",
    "VAULTPY_KEYSTORE_PASSPHRASE_FILE": "/secret",
    "SOMETHING_ELSE": "secret",
}
DESKTOP = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent/bus", "DISPLAY": ":99"}
# In place of notify-send: it tells through a pipe how it was started, and then never ends.
RECORDER = """#!{python} -IS
import json, os, signal, sys
paths = {{number: f"/proc/self/fd/{{number}}" for number in range(64)}}
files = {{number: os.path.realpath(path) for number, path in paths.items() if os.path.exists(path)}}
with open({pipe!r}, "w") as pipe:
    environ = dict(os.environ)
    json.dump({{"pid": os.getpid(), "sid": os.getsid(0), "environ": environ, "files": files}}, pipe)
while True:
    signal.pause()
"""


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    """Provide a desktop."""
    home = tmp_path / "desktop"
    home.mkdir()
    with Desktop(home) as desktop:
        yield desktop


@pytest.fixture
def recorder(tmp_path: Path) -> Path:
    """Provide the directory of a notify-send that hangs."""
    directory = tmp_path / "bin"
    directory.mkdir()
    os.mkfifo(directory / "pipe")
    script = RECORDER.format(python=sys.executable, pipe=str(directory / "pipe"))
    (directory / "notify-send").write_text(script)
    (directory / "notify-send").chmod(0o700)
    return directory


def around(desktop: Desktop) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **desktop.variables}


def test_a_notification_is_vaultpys_and_goes_when_its_time_is_over(desktop: Desktop) -> None:
    end = notify("touch it", 15, around(desktop), "linux")
    assert desktop.notification() == {
        "app": "vaultpy",
        "summary": "vaultpy",
        "body": "touch it",
        "actions": [],
        "milliseconds": 15000,
        "transient": True,
    }
    end()
    assert desktop.others() == ""


def unescaped(body: str) -> str:
    """Return what a desktop shows of a body, which is markup."""
    assert "<" not in body.replace("&lt;", "")
    assert ">" not in body.replace("&gt;", "")
    return body.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def test_whatever_the_text_is_it_is_shown_and_no_more(desktop: Desktop) -> None:
    for kind, text in HOSTILE.items():
        end = notify(text, 15, around(desktop), "linux")
        assert unescaped(desktop.notification()["body"]) == SHOWN[kind], kind
        end()
    assert desktop.others() == ""


def test_a_locale_without_the_letters_shows_them_all_the_same(desktop: Desktop) -> None:
    end = notify("é 日本", 15, around(desktop) | {"LC_ALL": "C", "LANG": "C"}, "linux")
    assert desktop.notification()["body"] == "é 日本"
    end()


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_a_long_text_is_cut(platform: str) -> None:
    command = _command("<" * 10_000, 15, everywhere(), platform)
    assert command is not None
    words, environment = command
    text = environment["NOTIFICATION_TEXT"] if platform == "win32" else words[-1]
    assert text.replace("&lt;", "<") == "<" * 499 + "…"


def everywhere() -> dict[str, str]:
    """Return the variables of a desktop on each system, and secrets."""
    return DESKTOP | SECRETS | {"PATH": os.environ["PATH"], "HOME": "/home", "SYSTEMROOT": r"C:\Windows"}


@pytest.mark.parametrize("kind", HOSTILE)
def test_osascript_gets_the_text_as_an_argument_of_a_constant_script(kind: str) -> None:
    command = _command(HOSTILE[kind], 15, everywhere(), "darwin")
    assert command is not None
    words, environment = command
    assert words[:-1] == [
        "/usr/bin/osascript",
        *("-e", "on run argv"),
        *("-e", "display notification (item 2 of argv) with title (item 1 of argv)"),
        *("-e", "end run"),
        "vaultpy",
    ]
    assert words[-1] == SHOWN[kind]
    assert set(environment) == {"HOME", "LC_ALL"}


@pytest.mark.parametrize("kind", HOSTILE)
def test_powershell_reads_the_text_from_a_variable_and_runs_a_constant_script(kind: str) -> None:
    command = _command(HOSTILE[kind], 15, everywhere(), "win32")
    another = _command("touch it", 15, everywhere(), "win32")
    assert command is not None
    assert another is not None
    words, environment = command
    assert words == another[0]
    assert words[0] == r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
    assert words[-2] == "-EncodedCommand"
    script = base64.b64decode(words[-1]).decode("utf-16-le")
    assert "CreateTextNode($env:NOTIFICATION_TEXT)" in script
    assert set(environment) == {"PATH", "SYSTEMROOT", "NOTIFICATION_TEXT"}
    assert environment["NOTIFICATION_TEXT"] == SHOWN[kind]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"DISPLAY": ":0"},
        {"DISPLAY": ":0", "XDG_RUNTIME_DIR": "/nonexistent"},
        {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent/bus"},
    ],
)
def test_without_a_desktop_nothing_is_started(environ: dict[str, str], recorder: Path) -> None:
    assert _command("touch it", 15, {"PATH": str(recorder), **environ}, "linux") is None


def test_a_bus_is_found_where_the_system_puts_it(recorder: Path, tmp_path: Path) -> None:
    (tmp_path / "bus").touch()
    environ = {"PATH": str(recorder), "WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": str(tmp_path)}
    command = _command("touch it", 15, environ, "linux")
    assert command is not None
    assert command[1] == environ | {"LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("path", ["", ".", ":", "bin"])
def test_no_program_is_taken_from_the_current_directory(path: str, recorder: Path) -> None:
    program = f"""
import sys
from vaultpy.notifications import _command
sys.exit(_command("touch it", 15, {DESKTOP | {"PATH": path}!r}, "linux") is not None)
"""
    for directory in (recorder, recorder.parent):
        subprocess.run([sys.executable, "-c", program], cwd=directory, check=True)


@pytest.mark.parametrize("first_line", ["#!/nonexistent/interpreter", "\x7fELF", "#!/bin/sh\nexit 1"])
def test_a_program_that_fails_is_not_told_of(first_line: str, recorder: Path) -> None:
    (recorder / "notify-send").write_text(first_line + "\n")
    notify("touch it", 15, DESKTOP | {"PATH": str(recorder)}, "linux")()


def test_a_program_that_is_missing_is_not_told_of(tmp_path: Path) -> None:
    notify("touch it", 15, DESKTOP | {"PATH": str(tmp_path)}, "linux")()


def test_a_variable_that_cannot_be_handed_on_is_not_told_of(recorder: Path) -> None:
    notify("touch it", 15, DESKTOP | {"PATH": str(recorder), "HOME": "a\0b"}, "linux")()


def recorded(recorder: Path) -> dict[str, Any]:
    """Wait until the program has been started, and return how."""
    told: dict[str, Any] = json.loads((recorder / "pipe").read_text())
    return told


def test_a_program_that_hangs_is_not_waited_for_and_leaves_nothing_behind(recorder: Path) -> None:
    end = notify("touch it", 15, DESKTOP | {"PATH": str(recorder)}, "linux")
    pid = recorded(recorder)["pid"]
    os.kill(pid, 0)
    end()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_program_gets_the_way_to_the_desktop_and_nothing_else_of_ours(
    recorder: Path, tmp_path: Path
) -> None:
    with (tmp_path / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)  # noqa: FBT003  # os has it so
        end = notify("touch it", 15, everywhere() | {"PATH": str(recorder)}, "linux")
        told = recorded(recorder)
        end()
    assert told["environ"] == DESKTOP | {"PATH": str(recorder), "HOME": "/home", "LC_ALL": "C.UTF-8"}
    assert told["files"] == dict.fromkeys("012", os.devnull)
    assert told["sid"] == told["pid"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if reason := missing():
        pytest.skip(reason)
    with World(tmp_path_factory.mktemp("world")) as world:
        world.enrol()
        yield world


@pytest.fixture
def world(built: World) -> World:
    """Provide a world in which alice's key is enrolled and there is no session."""
    forget_all(built)
    return built


def start(world: World, **variables: str) -> subprocess.Popen[str]:
    """Start the main job where no terminal is, as an editor or a service does."""
    return subprocess.Popen(
        [BIN / "vaultpy", "exec", "dev-role", "--", "sh", "-c", "wait; echo done"],
        env=world.environment | variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finger_of(world: World) -> PressedFinger:
    assert isinstance(world.finger, PressedFinger)
    return world.finger


def test_without_a_terminal_the_touch_is_asked_for_on_the_desktop(world: World, desktop: Desktop) -> None:
    with start(world, **desktop.variables) as process:
        shown = desktop.notification()
        finger_of(world).press()
        out, err = process.communicate(timeout=60)
    prompt = f"touch the YubiKey: {world.role.arn} for dev-role"
    assert shown["body"] == prompt
    assert (process.returncode, out, err) == (0, "done\n", f"vaultpy: {prompt}\n")
    assert desktop.others() == ""


def test_a_key_that_is_not_there_is_asked_for_on_the_desktop_once(world: World, desktop: Desktop) -> None:
    world.card.remove()
    with start(world, **desktop.variables) as process:
        assert desktop.notification()["body"] == "plug in your YubiKey"
        world.card.insert()
        assert desktop.notification()["body"].startswith("touch the YubiKey: ")
        finger_of(world).press()
        assert process.communicate(timeout=60)[0] == "done\n"
    assert desktop.others() == ""


def test_a_notification_that_hangs_is_gone_before_the_command_begins(world: World, recorder: Path) -> None:
    path = f"{recorder}:{world.environment['PATH']}"
    with start(world, **DESKTOP, PATH=path) as process:
        told = recorded(recorder)
        assert not [name for name in told["environ"] if name.startswith(("AWS", "VAULTPY"))]
        assert told["files"] == dict.fromkeys("012", os.devnull)
        finger_of(world).press()
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "done\n")
    with pytest.raises(ProcessLookupError):
        os.kill(told["pid"], 0)
