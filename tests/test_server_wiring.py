"""The voice behind a command reads nothing, counts nothing down, and asks for a touch where it is seen."""

from __future__ import annotations

import io
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from support.pseudo_terminal import PseudoTerminal
from vaultpy.server_wiring import Voice
from vaultpy.trace import trace_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Desktop:
    """What is shown there, and what of it has been taken away again."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.ended = 0

    def notify(self, text: str, seconds: float, environ: Mapping[str, str]) -> Callable[[], None]:
        """Show `text`."""
        assert seconds > 0
        assert environ == {"A": "b"}
        self.shown.append(text)
        return self.end

    def end(self) -> None:
        """Take it away."""
        self.ended += 1


@pytest.fixture
def desktop() -> Desktop:
    return Desktop()


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def voice(desktop: Desktop, said: io.StringIO) -> Voice:
    """Provide a voice without a terminal."""
    return Voice({"A": "b"}, said, "/nonexistent", notify=desktop.notify)


@pytest.fixture
def traced() -> Iterator[list[str]]:
    """Provide what `--debug` would show."""
    lines: list[str] = []
    trace_to(lines.append)
    yield lines
    trace_to(lambda _: None)


def test_what_is_told_is_said_below_the_command_s_lines_and_on_the_desktop(
    voice: Voice, desktop: Desktop, said: io.StringIO
) -> None:
    voice.tell("it ends")
    assert said.getvalue() == "\nvaultpy: it ends\n"
    assert desktop.shown == ["it ends"]


def test_what_a_run_says_of_its_work_is_left_to_debug(
    voice: Voice, desktop: Desktop, said: io.StringIO, traced: list[str]
) -> None:
    voice.note("a note")
    voice.warn("a warning")
    voice.wait("a wait", 0)
    assert traced == ["a note", "a warning", "a wait"]
    assert (said.getvalue(), desktop.shown) == ("", [])


def test_a_touch_is_asked_for_on_the_desktop_as_long_as_it_is_waited_for(
    voice: Voice, desktop: Desktop, said: io.StringIO
) -> None:
    here, there = socket.socketpair()
    with here, there, voice.waiting("touch the YubiKey: a role", 15) as waiting:
        assert desktop.shown == ["touch the YubiKey: a role"]
        assert desktop.ended == 0
        there.send(b"x")
        assert waiting.pause(60, here) is None
        assert waiting.pause(0, None) is None
    assert desktop.ended == 1
    assert said.getvalue() == ""


def test_nothing_is_asked_and_nothing_read_at_a_terminal() -> None:
    code = (
        "from vaultpy.server_wiring import Voice; from vaultpy.errors import NoCode\n"
        "voice = Voice({})\n"
        "try: voice.ask('code', NoCode(mfa_serial='x'))\n"
        "except NoCode: print('nobody was asked', voice.can_ask(), voice.confirm('sure?'))"
    )
    with PseudoTerminal([sys.executable, "-c", code], {}) as terminal:
        terminal.expect("nobody was asked False False")
        assert terminal.wait() == 0
    assert "code" not in terminal.screen
