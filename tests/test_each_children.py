"""Commands side by side: read, ended with all that they have started, and never in anybody's way."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from collections import deque
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from support.processes import is_gone
from vaultpy import errors
from vaultpy.each_children import Children
from vaultpy.each_signals import Signals
from vaultpy.fanout import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

WITHIN = 20.0


class Sink:
    """Takes what commands write; `came` is set once `text` is part of it."""

    def __init__(self, text: bytes = b"ready\n") -> None:
        self.written = {1: b"", 2: b""}
        self._text = text
        self.came = threading.Event()

    def take(self, stream: int, data: bytes) -> None:
        """Take it."""
        self.written[stream] += data
        if self._text in self.written[stream]:
            self.came.set()


def shell(children: Children, script: str, take: Callable[[int, bytes], None]) -> int:
    return children.run("/bin/sh", ["sh", "-c", script], dict(os.environ), take)


class Running:
    """A script of a shell on a thread of its own."""

    def __init__(self, children: Children, script: str) -> None:
        self.sink = Sink()
        self.status: int | None = None
        self._children, self._script = children, script
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self.sink.came.wait(WITHIN)

    def _run(self) -> None:
        self.status = shell(self._children, self._script, self.sink.take)

    def end(self) -> int | None:
        """Wait for its end; return its status."""
        self._thread.join(WITHIN)
        return self.status

    @property
    def number(self) -> int:
        """The first word that it wrote: a process."""
        return int(self.sink.written[1].split()[0])


def test_what_a_command_writes_and_its_status_come_back() -> None:
    sink = Sink()
    assert shell(Children(), "echo out; echo err >&2; exit 7", sink.take) == 7
    assert sink.written == {1: b"out\n", 2: b"err\n"}


def test_a_signal_counts_as_a_shell_counts_it() -> None:
    assert shell(Children(), "kill -KILL $$", Sink().take) == 128 + signal.SIGKILL


def test_megabytes_come_whole_and_in_order() -> None:
    sink = Sink()
    shell(Children(), "seq 1 400000", sink.take)
    assert sink.written[1].split() == [b"%d" % number for number in range(1, 400001)]


def test_a_command_reads_nothing_and_has_no_terminal() -> None:
    sink = Sink()
    shell(Children(), "cat; (: </dev/tty) 2>/dev/null && echo a terminal; echo end", sink.take)
    assert sink.written[1] == b"end\n"


def test_what_a_command_leaves_behind_is_not_waited_for() -> None:
    sink = Sink()
    shell(Children(), "sleep 100 & echo $!", sink.take)
    process = int(sink.written[1])
    os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize("writes", ["while sleep 0.1; do echo x; done", "yes"])
def test_what_a_command_leaves_behind_is_not_waited_for_if_it_goes_on_writing(writes: str) -> None:
    run = Running(Children(), f"({writes}) & echo $!; echo ready")
    try:
        assert run.end() == 0
    finally:
        os.kill(run.number, signal.SIGKILL)


def test_what_a_command_wrote_at_its_end_is_read_although_its_time_is_over() -> None:
    sink = Sink()

    def take(stream: int, data: bytes) -> None:
        sink.take(stream, data)
        if sink.written[1].endswith(b" begin\n"):
            (directory / "go").touch()
            assert is_gone(int(sink.written[1].split()[0]))

    with TemporaryDirectory() as name:
        directory = Path(name)
        script = f"echo $$ begin; until [ -e {name}/go ]; do sleep 0.01; done; seq 1 9999; echo wrong >&2"
        children = Children(clock=itertools.count(0, 100).__next__)
        assert children.run("/bin/sh", ["sh", "-c", script], dict(os.environ), take) == 0
    assert sink.written[1].split()[2:] == [b"%d" % number for number in range(1, 10000)]
    assert sink.written[2] == b"wrong\n"


def test_a_command_that_closes_its_output_is_waited_for() -> None:
    assert shell(Children(), "exec >&- 2>&-; sleep 0.3; exit 5", Sink().take) == 5


def test_a_script_without_its_first_line_is_a_shells(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo from a script\n")
    script.chmod(0o700)
    sink = Sink()
    assert Children().run(str(script), [str(script)], dict(os.environ), sink.take) == 0
    assert sink.written[1] == b"from a script\n"


def test_a_command_that_cannot_begin_is_an_error() -> None:
    with pytest.raises(errors.CommandNotExecutable):
        Children().run("/no/such/file", ["x"], {}, Sink().take)


def test_at_the_end_each_gets_the_signal_with_what_it_has_started() -> None:
    children = Children()
    runs = [Running(children, "sleep 100 & echo $!; echo ready; wait") for _ in range(3)]
    assert children.count == 3
    children.end(signal.SIGTERM)
    assert [run.end() for run in runs] == [128 + signal.SIGTERM] * 3
    assert all(is_gone(run.number) for run in runs)
    assert children.count == 0


def test_what_a_command_left_behind_ends_with_it_when_all_are_ended() -> None:
    children = Children()
    run = Running(children, "trap '' INT; sleep 100 & trap - INT; echo $!; echo ready; wait")
    children.end(signal.SIGINT)
    assert run.end() == 128 + signal.SIGINT
    assert is_gone(run.number)


def test_once_all_are_ended_none_begins() -> None:
    children = Children()
    children.end(signal.SIGINT)
    with pytest.raises(StoppedError):
        shell(children, "true", Sink().take)


def test_a_command_whose_output_nobody_takes_is_ended() -> None:
    def take(_stream: int, _data: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        shell(Children(), "echo; exec sleep 100", take)


# ---- signals --------------------------------------------------------------------------------------------


class Hand:
    """An `Signals` whose clock and voice are the test's own."""

    def __init__(self, children: Children) -> None:
        self.now = 0.0
        self.said: deque[str] = deque()
        self.ending = Signals(children, self.said.append, lambda: self.now)


def test_the_first_signal_asks_and_after_a_grace_each_is_made_to_end() -> None:
    children = Children()
    run = Running(children, "trap '' INT TERM; echo $$; echo ready; while :; do sleep 1; done")
    hand = Hand(children)
    with hand.ending as ending:
        assert not ending.look()
        signal.raise_signal(signal.SIGINT)
        assert ending.look()
        assert ending.number == signal.SIGINT
        assert hand.said == deque(["ending 1 command; once more makes haste"])
        hand.now = 9.9
        ending.look()
        assert run.status is None
        hand.now = 10.0
        ending.look()
        hand.now = 15.0
        ending.look()
    assert run.end() == 128 + signal.SIGKILL


def test_a_second_signal_makes_haste() -> None:
    children = Children()
    run = Running(children, "trap '' INT; echo $$; echo ready; while :; do sleep 1; done")
    with Hand(children).ending as ending:
        signal.raise_signal(signal.SIGINT)
        ending.look()
        signal.raise_signal(signal.SIGINT)
        ending.look()
        assert run.end() == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_other_signals_end_them_too_and_are_told_by_number(number: signal.Signals) -> None:
    children = Children()
    run = Running(children, "echo $$; echo ready; exec sleep 100")
    with Hand(children).ending as ending:
        signal.raise_signal(number)
        assert ending.look()
        assert ending.number == number
    assert run.end() == 128 + signal.SIGTERM


def test_what_is_given_up_is_asked_to_end_and_after_a_grace_made_to() -> None:
    children = Children()
    run = Running(children, "trap '' TERM; echo $$; echo ready; while :; do sleep 1; done")
    hand = Hand(children)
    with hand.ending as ending:
        for hand.now in (0.0, 4.9):
            ending.give_up()
            assert ending.look()
        assert run.status is None
        hand.now = 5.0
        ending.look()
        assert run.end() == 128 + signal.SIGKILL
    assert ending.number == 0


def test_afterwards_signals_are_whose_they_were() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Hand(Children()).ending:
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_an_error_of_ours_leaves_no_command_behind() -> None:
    children = Children()
    run = Running(children, "echo $$; echo ready; exec sleep 100")
    with pytest.raises(ZeroDivisionError), Hand(children).ending:
        raise ZeroDivisionError
    assert run.end() == 128 + signal.SIGKILL


def test_what_is_ignored_stays_ignored(tmp_path: Path) -> None:
    script = (
        "import signal\n"
        "from vaultpy.each_children import Children\n"
        "from vaultpy.each_signals import Signals\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with Signals(Children(), print): print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)\n"
    )
    out = tmp_path / "out"
    with out.open("wb") as file:
        process = os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", script],
            dict(os.environ),
            file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), 1)],
        )
        os.waitpid(process, 0)
    assert out.read_text() == "True\n"
