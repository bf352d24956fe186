"""The voice, at real pseudo-terminals."""

from __future__ import annotations

import io
import os
import shlex
import signal
import socket
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from support.pseudo_terminal import PseudoTerminal
from vaultpy.errors import NotEnrolled, NoTerminal
from vaultpy.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENVIRONMENT = {"PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8"}
BEGIN = """
import os, sys, termios
from vaultpy.errors import *
from vaultpy.terminal import Terminal
terminal = Terminal(os.environ)
otherwise = NoTerminal(question="x", remedy="y")
"""


def run(program: str, **environment: str) -> PseudoTerminal:
    """Start a program that has a `terminal`."""
    return PseudoTerminal([sys.executable, "-c", BEGIN + program], ENVIRONMENT | environment)


def without_terminal(environ: dict[str, str] | None = None) -> tuple[Terminal, io.StringIO]:
    stderr = io.StringIO()
    return Terminal(environ or {}, stderr, "/nonexistent"), stderr


def test_an_error_is_two_lines_on_stderr() -> None:
    terminal, stderr = without_terminal()
    terminal.error(NotEnrolled(profile="dev"))
    assert stderr.getvalue() == (
        "vaultpy: error: no access key is enrolled for dev\nvaultpy: hint: enrol it: vaultpy add dev\n"
    )


def test_what_could_move_the_cursor_is_escaped_wherever_it_is_said() -> None:
    terminal, stderr = without_terminal()
    terminal.note("a\x1b[2Jb\u202ec\rd")
    terminal.warn("a\x1b[2Jb\u202ec\rd")
    assert stderr.getvalue().count("a\\x1b[2Jb\\u202ec\\rd") == 2


def test_an_error_is_coloured_only_on_a_terminal_that_wants_it() -> None:
    program = "terminal.error(NotEnrolled(profile='dev'))"
    with run(program) as coloured, run(program, NO_COLOR="1") as plain, run(program, TERM="dumb") as dumb:
        assert (coloured.wait(), plain.wait(), dumb.wait()) == (0, 0, 0)
    assert "\x1b[1;31merror:\x1b[0m" in coloured.screen
    assert "\x1b" not in plain.screen + dumb.screen


def test_without_a_terminal_a_note_goes_to_stderr() -> None:
    terminal, stderr = without_terminal()
    terminal.note("touch it")
    assert stderr.getvalue() == "vaultpy: touch it\n"


def test_without_a_terminal_a_question_raises_what_it_was_told_to() -> None:
    terminal, _ = without_terminal()
    with pytest.raises(NoTerminal):
        terminal.ask("who", NoTerminal(question="who", remedy="say"))
    with pytest.raises(NoTerminal):
        terminal.secret("what", NoTerminal(question="what", remedy="say"))
    assert not terminal.confirm("sure?")


def test_an_answer_is_what_was_typed_without_its_spaces() -> None:
    with run("print('<' + terminal.ask('name', otherwise) + '>')") as terminal:
        terminal.expect("vaultpy: name: ")
        terminal.type(" alice \n")
        terminal.expect("<alice>")


def test_a_secret_is_not_shown_while_it_is_typed() -> None:
    with run("print(len(terminal.secret('password', otherwise).reveal()))") as terminal:
        terminal.expect("vaultpy: password (not shown): ")
        terminal.type("hunter2\n")
        terminal.expect("7")
        assert terminal.wait() == 0
        assert "hunter2" not in terminal.screen


@pytest.mark.parametrize(
    ("typed", "meant"), [("y", True), ("YES", True), ("n", False), ("", False), ("yep", False)]
)
def test_only_a_yes_is_a_yes(typed: str, meant: bool) -> None:  # noqa: FBT001  # a table
    with run("print(terminal.confirm('sure?'))") as terminal:
        terminal.expect("vaultpy: sure? [y/N] ")
        terminal.type(typed + "\n")
        terminal.expect(str(meant))


def test_what_is_typed_behind_an_answer_is_left_for_the_child() -> None:
    program = "terminal.ask('name', otherwise); print('rest:', sys.stdin.readline())"
    with run(program) as terminal:
        terminal.expect("name: ")
        terminal.type("alice\nfor the child\n")
        terminal.expect("rest: for the child")


WAIT = """
with terminal.waiting("touch it", 15) as waiting:
    while not (typed := waiting.pause(0.05, None)):
        pass
print("typed", typed)
"""


def test_the_seconds_left_count_down_on_one_line() -> None:
    with run(WAIT) as terminal:
        terminal.expect("vaultpy: touch it\x1b[0m\r\n")
        terminal.expect("vaultpy: 15 s left")
        terminal.expect("\r\x1b[Kvaultpy: 14 s left")


def test_six_digits_are_taken_without_enter_and_corrections_count() -> None:
    with run(WAIT) as terminal:
        terminal.expect("type the six digits: ")
        terminal.type("12x39")
        terminal.expect("type the six digits: 1239")
        terminal.type("\x7f456")
        terminal.expect("typed 123456")
        assert terminal.wait() == 0


def test_an_error_of_another_thread_takes_the_place_of_the_live_line() -> None:
    program = """
import threading
shown = threading.Event()
def wait():
    with terminal.waiting("touch", 15, typing=False) as waiting:
        waiting.pause(0, None)
        shown.set()
        threading.Event().wait()
threading.Thread(target=wait, daemon=True).start()
shown.wait()
terminal.error(NotEnrolled(profile="dev"))
os._exit(0)
"""
    with run(program, NO_COLOR="1") as terminal:
        terminal.wait()
        assert "15 s left\r\x1b[Kvaultpy: error: no access key" in terminal.screen


def test_what_nobody_can_read_any_more_fails_no_run() -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="utf-8", buffering=1) as stderr:  # noqa: PTH123  # a descriptor
        terminal = Terminal({}, stderr, "/nonexistent", notify=lambda *_: lambda: None)
        terminal.note("x")
        terminal.warn("x")
        with terminal.waiting("touch", 1) as waiting:
            waiting.pause(0, None)
        with pytest.raises(BrokenPipeError):
            terminal.error(NotEnrolled(profile="dev"))
        os.dup2(os.open(os.devnull, os.O_WRONLY), write)


def test_a_window_that_is_closed_fails_no_run_that_does_not_end_with_it() -> None:
    program = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with terminal.waiting("touch", 15) as waiting:
    while terminal.can_ask():
        waiting.pause(0.05, None)
    waiting.pause(0, None)
"""
    with run(program) as terminal:
        terminal.expect("15 s left")
        terminal.close()
        assert terminal.wait() == 0


def test_a_dumb_terminal_gets_no_control_sequences() -> None:
    with run(WAIT, TERM="dumb") as terminal:
        terminal.expect("touch it")
        terminal.type("123456")
        terminal.expect("typed 123456")
        assert "\x1b" not in terminal.screen


@pytest.mark.parametrize("end", ["pass", "raise SystemExit", "raise KeyboardInterrupt"])
def test_the_terminal_is_as_before_however_the_waiting_ends(end: str) -> None:
    program = f"""
before = termios.tcgetattr(0)
try:
    with terminal.waiting("touch it", 15) as waiting:
        waiting.pause(0, None)
        print("changed:", termios.tcgetattr(0) != before)
        {end}
except BaseException:
    pass
print("same:", termios.tcgetattr(0) == before)
"""
    with run(program) as terminal:
        terminal.expect("changed: True")
        terminal.expect("same: True")


def test_a_signal_that_ends_us_while_we_wait_leaves_the_terminal_as_before() -> None:
    shell = f'{sys.executable} -c "$0"; echo status $?; stty -a; echo end'
    with PseudoTerminal(
        ["sh", "-ic", shell, BEGIN + "print(os.getpid(), 'is it')\n" + WAIT], ENVIRONMENT
    ) as terminal:
        screen = terminal.expect(" is it")
        terminal.expect("s left")
        os.kill(int(screen.split(" is it")[0].split()[-1]), signal.SIGTERM)
        terminal.expect("end\r\n")
    assert "status 143" in terminal.screen
    assert {"icanon", "echo"} <= set(terminal.screen.split())


def test_a_secret_stays_unseen_after_a_stop() -> None:
    """As with Ctrl-Z and `fg` in a shell that leaves the terminal as it likes it."""
    with PseudoTerminal(
        ["bash", "--norc", "--noediting", "-i"], ENVIRONMENT | {"PS1": "shell> "}
    ) as terminal:
        terminal.expect("shell> ")
        program = BEGIN + "print(len(terminal.secret('password', otherwise).reveal()), 'letters')"
        terminal.type(f"{sys.executable} -c {shlex.quote(program)}\n")
        terminal.expect("vaultpy: password (not shown): ")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.expect_echo(on=True)
        terminal.type("fg\n")
        terminal.expect_echo(on=False)
        terminal.type("hunter2\n")
        terminal.expect("7 letters")
        assert "hunter2" not in terminal.screen


def test_what_was_stopped_and_put_into_the_background_goes_on_waiting() -> None:
    program = (
        BEGIN
        + """
with terminal.waiting("touch it", 60) as waiting:
    while terminal.can_ask():
        waiting.pause(0.05, None)
    waiting.pause(0.05, None)
print("on", "behind")
"""
    )
    with PseudoTerminal(
        ["bash", "--norc", "--noediting", "-i"], ENVIRONMENT | {"PS1": "shell> "}
    ) as terminal:
        terminal.expect("shell> ")
        terminal.type(f"{sys.executable} -c {shlex.quote(program)}\n")
        terminal.expect("s left")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.type("bg\n")
        terminal.expect("on behind")


def test_a_background_job_never_reads_the_terminal() -> None:
    program = "print('asks:', terminal.can_ask(), terminal.confirm('sure?'))"
    shell = f'{sys.executable} -c "$0" & wait; echo end'
    with PseudoTerminal(["sh", "-m", "-c", shell, BEGIN + program], ENVIRONMENT) as terminal:
        terminal.expect("asks: False False")
        terminal.expect("end")


def test_a_run_that_does_not_listen_says_everything_and_reads_nothing() -> None:
    program = """
deaf = Terminal(os.environ, listens=False)
before = termios.tcgetattr(0)
refused = 0
for question in (deaf.ask, deaf.secret):
    try:
        question("name", otherwise)
    except NoTerminal:
        refused += 1
print("asks:", deaf.can_ask(), deaf.confirm("sure?"), refused)
deaf.note("it goes on")
with deaf.waiting("touch it", 15) as waiting:
    waiting.pause(0, None)
    print("\\nsame:", termios.tcgetattr(0) == before)
    print("for the child:", sys.stdin.readline())
    print("typed:", waiting.pause(0, None))
"""
    with run(program) as terminal:
        terminal.expect("asks: False False 2")
        terminal.expect("vaultpy: it goes on")
        terminal.expect("vaultpy: touch it")
        terminal.expect("vaultpy: 15 s left")
        terminal.expect("same: True")
        terminal.type("123456\n")
        terminal.expect("for the child: 123456")
        terminal.expect("typed: None")
        assert terminal.wait() == 0
    assert "six digits" not in terminal.screen
    assert "sure?" not in terminal.screen


class Desktop:
    """Where notifications are shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, float, Mapping[str, str]]] = []
        self.ended = 0

    def notify(self, text: str, seconds: float, environ: Mapping[str, str]) -> Callable[[], None]:
        """Show one."""
        self.shown.append((text, seconds, environ))
        return self.end

    def end(self) -> None:
        """Take one away."""
        self.ended += 1


def beside(desktop: Desktop) -> tuple[Terminal, io.StringIO]:
    stderr = io.StringIO()
    return Terminal({"DISPLAY": ":9"}, stderr, "/nonexistent", notify=desktop.notify), stderr


def test_without_a_terminal_a_persons_action_is_asked_for_on_the_desktop_too_and_once() -> None:
    desktop = Desktop()
    terminal, stderr = beside(desktop)
    with terminal.waiting("touch it", 15) as waiting:
        for _ in range(3):
            waiting.pause(0, None)
        assert desktop.shown == [("touch it", 15, {"DISPLAY": ":9"})]
        assert desktop.ended == 0
    assert (len(desktop.shown), desktop.ended) == (1, 1)
    assert stderr.getvalue() == "vaultpy: touch it\n"


def test_a_notification_ends_however_the_waiting_ends() -> None:
    desktop = Desktop()
    with pytest.raises(KeyboardInterrupt), beside(desktop)[0].waiting("touch it", 15):
        raise KeyboardInterrupt
    assert desktop.ended == 1


def test_what_needs_nobody_is_not_shown_on_the_desktop() -> None:
    desktop = Desktop()
    terminal, stderr = beside(desktop)
    terminal.note("it goes on")
    terminal.warn("it went on")
    terminal.error(NotEnrolled(profile="dev"))
    terminal.wait("a moment", 0)
    with terminal.waiting("press Enter", 15, entered=lambda: None):
        pass
    assert desktop.shown == []
    assert len(stderr.getvalue().splitlines()) == 6


@pytest.mark.parametrize("listens", [True, False])
def test_at_a_terminal_nothing_is_shown_on_the_desktop(listens: bool) -> None:  # noqa: FBT001  # a table
    program = f"""
def notify(*words):
    sys.exit("shown on the desktop")
with Terminal(os.environ, listens={listens}, notify=notify).waiting("touch it", 15) as waiting:
    waiting.pause(0, None)
"""
    with run(program) as terminal:
        assert terminal.wait() == 0
    assert "touch it" in terminal.screen


def test_a_background_job_is_shown_what_is_waited_for_and_takes_no_digits() -> None:
    program = "with terminal.waiting('touch it', 15) as waiting: waiting.pause(0, None)"
    shell = f'{sys.executable} -c "$0" & wait $!; echo status $?'
    with PseudoTerminal(["sh", "-m", "-c", shell, BEGIN + program], ENVIRONMENT) as terminal:
        terminal.expect("status 0")
    assert "touch it" in terminal.screen
    assert "15 s left" in terminal.screen
    assert "six digits" not in terminal.screen


def test_waiting_ends_as_soon_as_it_is_woken() -> None:
    terminal, _ = without_terminal()
    ours, theirs = socket.socketpair()
    with closing(ours), terminal.waiting("for it", 100) as waiting:
        theirs.close()
        assert waiting.pause(100, ours) is None
