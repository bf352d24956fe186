"""`exec` without a command: the user's own shell, told of the end of its credentials in time."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from support.aws import Clock
from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.world import BIN, World
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.subshell import run_shell, watch
from vaultpy.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

VAULTPY = str(BIN / "vaultpy")
NEAR = "the credentials of dev-role in this shell end in {}; for new ones leave it (exit), then: {}"
OVER = "the credentials of dev-role in this shell have ended; for new ones leave it (exit), then: {}"
ANEW = "vaultpy exec dev-role"

needs_pcscd = pytest.mark.skipif(missing() is not None, reason=str(missing()))


# ---- when what is said ----------------------------------------------------------------------------------


def said(clock: Clock, ends: float, *, step: Callable[[float], bool] | None = None) -> list[tuple[int, str]]:
    """Return what is said, and how many seconds after the start; `step` waits, else the clock goes on."""
    began = clock.now
    heard: list[tuple[int, str]] = []

    def wait(seconds: float) -> bool:
        clock.advance(seconds)
        return False

    watch(
        "dev-role",
        ends,
        clock=clock,
        shell_ended=step or wait,
        say=lambda text: heard.append((round(clock.now - began), text)),
    )
    return heard


def test_the_warning_comes_ten_minutes_before_the_end_and_the_end_is_told_too() -> None:
    clock = Clock(1000)
    assert said(clock, 1000 + 3600) == [
        (3000, NEAR.format("10m 00s", ANEW)),
        (3600, OVER.format(ANEW)),
    ]


def test_where_little_is_left_the_warning_comes_when_a_third_of_it_is() -> None:
    assert [at for at, _ in said(Clock(1000), 1000 + 300)] == [200, 300]


def test_nothing_is_said_once_the_shell_has_ended() -> None:
    assert said(Clock(1000), 4600, step=lambda _: True) == []


def test_after_a_long_sleep_the_end_alone_is_told() -> None:
    clock = Clock(1000)

    def sleep(_seconds: float) -> bool:
        clock.advance(9999)
        return False

    assert said(clock, 4600, step=sleep) == [(9999, OVER.format(ANEW))]


def test_no_wait_is_so_long_that_a_sleep_could_hide_the_end() -> None:
    clock, waits = Clock(1000), []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        clock.advance(seconds)
        return False

    said(clock, 4600, step=wait)
    assert 0 < max(waits) <= 30


def test_credentials_that_have_ended_already_are_told_at_once() -> None:
    assert said(Clock(1000), 900) == [(0, OVER.format(ANEW))]


def test_the_remedy_can_be_pasted() -> None:
    heard: list[str] = []
    watch("a b'", 0, clock=Clock(1), shell_ended=lambda _: False, say=heard.append)
    assert heard[0].endswith("""vaultpy exec 'a b'"'"''""")


def test_without_a_terminal_it_is_shown_on_the_desktop_too() -> None:
    shown: list[tuple[str, float]] = []
    stderr = io.StringIO()

    def notify(text: str, seconds: float, _environ: object) -> Callable[[], None]:
        shown.append((text, seconds))
        return lambda: None

    Terminal({}, stderr, "/nonexistent", notify=notify).break_in("it ends", 60)
    assert shown == [("it ends", 60)]
    assert stderr.getvalue() == "\nvaultpy: it ends\n"


# ---- beside a shell -------------------------------------------------------------------------------------


class Here:
    """The objects of a run whose credentials end soon."""

    def __init__(self) -> None:
        self.terminal = self.ledger = self
        self.heard: list[str] = []
        self.warned = threading.Event()
        self.thread_mask: set[int] = set()

    def time(self) -> float:
        """Tell the time."""
        return time.time()

    def note(self, text: str) -> None:
        """Take down what is said at the start."""
        self.heard.append(text)

    def break_in(self, text: str, seconds: float) -> None:
        """Take down what is said while the shell runs."""
        assert seconds > 0
        self.heard.append(text)
        self.thread_mask = set(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, [])))
        self.warned.set()


def test_the_shell_runs_until_it_ends_by_itself_and_its_status_is_ours() -> None:
    run = Here()
    environ = {"PATH": os.environ["PATH"]}
    assert run_shell(run, ["sh", "-c", "exit 7"], environ, "dev-role", int(time.time()) + 3600) == 7
    assert len(run.heard) == 1
    assert re.fullmatch(
        r"this is a shell for dev-role, (59m \d\ds|1h 00m) left \(until \d\d:\d\d\); leave it with exit",
        run.heard[0],
    )


def test_the_end_is_told_while_the_shell_runs(tmp_path: Path) -> None:
    run = Here()
    pipe = f"{tmp_path}/pipe"
    os.mkfifo(pipe)

    def release() -> None:
        run.warned.wait(30)
        with open(pipe, "w", encoding="ascii") as file:  # noqa: PTH123  # a pipe
            file.write("\n")

    threading.Thread(target=release, daemon=True).start()
    words = ["sh", "-c", f"read line < {pipe}; exit 3"]
    assert run_shell(run, words, {"PATH": os.environ["PATH"]}, "dev-role", int(time.time()) - 1) == 3
    assert run.heard[1] == OVER.format(ANEW)
    assert signal.SIGTTOU in run.thread_mask
    assert signal.SIGTTOU not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


UNTIL_OVER = """
import os, sys
from types import SimpleNamespace
from vaultpy.subshell import run_shell
from vaultpy.terminal import Terminal
ledger = SimpleNamespace(time=lambda: 1001.0 if os.path.exists(os.environ["DIRECTORY"] + "/over") else 999.9)
run = SimpleNamespace(terminal=Terminal(os.environ), ledger=ledger)
sys.exit(run_shell(run, ["bash", "--norc", "-i"], dict(os.environ), "dev-role", 1000))
"""


# ---- at a terminal --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world whose YubiKey is touched soon after it blinks, with a session of `dev-role` at hand."""
    with World(tmp_path_factory.mktemp("world"), finger=SteadyFinger(0.2)) as world:
        world.enrol()
        assert world.vaultpy("exec", "dev-role", "--", "true").returncode == 0
        yield world


@needs_pcscd
@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_without_a_command_the_users_own_shell_has_the_role(world: World, shell: str) -> None:
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"no {shell}")
    (world.home / ".zshrc").touch()  # without one zsh asks its newcomers questions
    # Without this fish starts a program that reads all manual pages, and holds the terminal meanwhile.
    (world.home / "data" / "fish" / "generated_completions").mkdir(parents=True, exist_ok=True)
    environment = world.environment | {"SHELL": path, "PS1": "$ "}
    with PseudoTerminal([VAULTPY, "exec", "dev-role"], environment) as terminal:
        terminal.expect("vaultpy: this is a shell for dev-role, ")
        if shell != "sh":
            terminal.expect("\x1b[?2004h")  # it reads its line from here on
        terminal.type("echo $VAULTPY/$AWS_VAULT/$AWS_ACCESS_KEY_ID.; exit 5\r")
        terminal.expect("dev-role/dev-role/ASIA")
        assert terminal.wait() == 5


@needs_pcscd
def test_a_job_of_the_shell_can_be_stopped_and_the_shell_goes_on(world: World) -> None:
    environment = world.environment | {"SHELL": shutil.which("bash") or "", "HOME": str(world.home)}
    with PseudoTerminal([VAULTPY, "exec", "dev-role"], environment) as terminal:
        terminal.expect("leave it with exit")
        terminal.type("sh -c 'echo a job; exec cat'\r")
        terminal.expect("a job\r\n")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.type("exit\r")
        terminal.expect("There are stopped jobs")
        terminal.type("exit 4\r")
        assert terminal.wait() == 4


def test_the_end_is_told_below_what_the_shell_shows_even_where_background_jobs_may_not_talk(
    tmp_path: Path,
) -> None:
    words = ["sh", "-c", 'stty tostop; exec "$@"', "sh", sys.executable, "-c", UNTIL_OVER]
    environ = {"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "ready> ", "DIRECTORY": str(tmp_path)}
    with PseudoTerminal(words, environ, size=(50, 200)) as terminal:
        terminal.expect("ready> ")
        terminal.type("touch $DIRECTORY/over\r")
        terminal.expect(f"\r\nvaultpy: {OVER.format(ANEW)}\r\n")
        terminal.type("exit 6\r")
        assert terminal.wait() == 6


@needs_pcscd
def test_the_hang_up_of_the_terminal_ends_shell_and_all(world: World) -> None:
    environment = world.environment | {"SHELL": shutil.which("bash") or ""}
    with PseudoTerminal([VAULTPY, "exec", "dev-role"], environment) as terminal:
        terminal.expect("leave it with exit")
        terminal.type("echo pid:$$:$PPID.\r")
        terminal.expect("$PPID.\r\n")
        screen = terminal.expect(f":{terminal.pid}.")
        shell = int(re.findall(rf"pid:(\d+):{terminal.pid}\.", screen)[0])
        terminal.close()
        terminal.wait()  # the shell saw its input end, or the signal; whichever came first is its status
    assert subprocess.run(["ps", "-p", str(shell)], capture_output=True, check=False).returncode != 0
