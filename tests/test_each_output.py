"""Lines behind their labels, what is kept for JSON, and the live line."""

from __future__ import annotations

import json
import os
import random
import select
import threading
from typing import TYPE_CHECKING

import pytest

from vaultpy.each_output import (
    LONGEST_LINE,
    MOST_COLLECTED,
    Collected,
    Labelled,
    Screen,
    json_line,
    live_line,
    some,
)
from vaultpy.fanout import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Streams:
    """Two files in the place of stdout and stderr."""

    def __init__(self, directory: Path) -> None:
        self._paths = [directory / "stdout", directory / "stderr"]
        self._files = [os.open(path, os.O_WRONLY | os.O_CREAT) for path in self._paths]
        self.screen = Screen({"TERM": "xterm"}, *self._files)

    @property
    def written(self) -> list[bytes]:
        """What each of them has."""
        return [path.read_bytes() for path in self._paths]

    def close(self) -> None:
        """Close both."""
        for file in self._files:
            os.close(file)


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[Streams]:
    streams = Streams(tmp_path)
    yield streams
    streams.close()


def test_each_line_of_each_stream_has_its_label(streams: Streams) -> None:
    output = Labelled(streams.screen, "dev-a")
    output.take(1, b"one\ntwo\n\n")
    output.take(2, b"wrong\n")
    assert streams.written == [b"dev-a | one\ndev-a | two\ndev-a | \n", b"dev-a | wrong\n"]


def test_a_line_is_shown_once_it_is_whole_and_the_last_one_at_the_end(streams: Streams) -> None:
    output = Labelled(streams.screen, "a")
    output.take(1, b"begin")
    assert streams.written[0] == b""
    output.take(1, b" end\nrest")
    assert streams.written[0] == b"a | begin end\n"
    output.close()
    output.close()
    assert streams.written[0] == b"a | begin end\na | rest\n"


def test_bytes_are_the_commands_own(streams: Streams) -> None:
    data = bytes(set(range(256)) - set(b"\r\n"))
    Labelled(streams.screen, "a").take(1, data + b"\n")
    assert streams.written[0] == b"a | " + data + b"\n"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"10%\r20%\ndone\r\n", b"a | 10%\ra | 20%\na | done\r\n"),
        (b"\r10%\r\r\n", b"a | \ra | 10%\r\r\n"),
        (b"10%\r20%\r", b"a | 10%\ra | 20%\r\n"),
    ],
)
def test_a_carriage_return_never_has_the_label_overwritten(
    streams: Streams, written: bytes, shown: bytes
) -> None:
    output = Labelled(streams.screen, "a")
    for byte in written:
        output.take(1, bytes([byte]))
    output.close()
    assert streams.written[0] == shown


def test_a_line_without_end_is_shown_in_pieces_and_never_held_as_a_whole(streams: Streams) -> None:
    output = Labelled(streams.screen, "a")
    held = 0
    for _number in range(80):
        output.take(1, b"x" * 65536)
        held = max(held, len(output._rest[1]))
    output.close()
    assert held <= LONGEST_LINE + 65536
    pieces = streams.written[0].splitlines()
    assert sum(len(piece) - len(b"a | ") for piece in pieces) == 80 * 65536
    assert all(piece.startswith(b"a | x") for piece in pieces)


def test_lines_of_many_commands_never_mix(streams: Streams) -> None:
    def write(name: str) -> None:
        output = Labelled(streams.screen, name)
        chance = random.Random(name)  # noqa: S311  # not for a secret
        data = b"".join(f"{name} {number} {'x' * chance.randrange(300)}\n".encode() for number in range(300))
        while data:
            size = chance.randrange(1, 700)
            output.take(chance.choice((1, 1, 1)), data[:size])
            data = data[size:]
        output.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = streams.written[0].decode().splitlines()
    assert len(lines) == 8 * 300
    for name in "abcdefgh":
        own = [line for line in lines if line.startswith(f"{name} | ")]
        assert [line.split()[2:4] for line in own] == [[name, str(number)] for number in range(300)]


def test_so_much_of_an_output_is_kept_and_no_more() -> None:
    output = Collected()
    output.take(1, b"a" * (MOST_COLLECTED - 1) + b"b")
    states = [output.truncated]
    output.take(1, b"cd")
    output.take(2, b"\xff\n")
    assert [*states, output.truncated] == [False, True]
    assert output.text(1).endswith("ab")
    assert len(output.text(1)) == MOST_COLLECTED
    assert output.text(2) == "\ufffd\n"


def test_a_json_line_is_one_line_of_ascii() -> None:
    line = json_line({"output": "\x1b[31m\u202e\n"})
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert b"\x1b" not in line
    assert json.loads(line)["output"] == "\x1b[31m\u202e\n"


def test_what_we_say_is_made_harmless(streams: Streams) -> None:
    streams.screen.say("evil\x1b[2J failed")
    assert streams.written[1] == b"vaultpy: evil\\x1b[2J failed\n"


def test_without_a_terminal_nothing_is_live(streams: Streams) -> None:
    streams.screen.show(lambda _: "a live line")
    assert not streams.screen.is_live
    assert streams.written == [b"", b""]


@pytest.fixture
def window() -> Iterator[tuple[int, int]]:
    ends = os.openpty()
    yield ends
    for end in ends:
        os.close(end)


def shown_in(window: tuple[int, int], expected: bytes) -> bytes:
    """Return what the window shows, once it is as much as is expected."""
    shown = b""
    while len(shown) < len(expected) and select.select([window[0]], [], [], 10.0)[0]:
        shown += os.read(window[0], 1000)
    return shown


def test_on_a_terminal_lines_stand_above_the_live_one(window: tuple[int, int]) -> None:
    screen = Screen({"TERM": "xterm"}, window[1], window[1])
    screen.show(lambda _: "live")
    screen.write(1, b"a line\n")
    screen.show(lambda _: "live")
    screen.show(lambda _: "")
    expected = b"\r\x1b[Klive\r\x1b[Ka line\r\nlive\r\x1b[K"
    assert shown_in(window, expected) == expected


def test_a_dumb_terminal_gets_no_live_line(window: tuple[int, int]) -> None:
    assert not Screen({"TERM": "dumb"}, window[1], window[1]).is_live
    assert not Screen({}, window[1], window[1]).is_live


def test_while_a_person_is_asked_there_is_no_live_line(window: tuple[int, int]) -> None:
    screen = Screen({"TERM": "xterm"}, window[1], window[1])
    screen.show(lambda _: "live")
    with screen.asking():
        screen.show(lambda _: "more")
        screen.write(2, b"a question\n")
    screen.show(lambda _: "live")
    expected = b"\r\x1b[Klive\r\x1b[Ka question\r\n\r\x1b[Klive"
    assert shown_in(window, expected) == expected


NAMES = tuple(f"prod-{letter}" for letter in "abcdefgh")


def test_the_live_line_tells_how_far_it_is() -> None:
    progress = Progress(200, 80, 20, NAMES, 60.0)
    wide = live_line(progress, 120)
    assert wide == (
        "[##########..........] 100/200, 20 failed, 8 running, 1m 00s left: "
        "prod-a, prod-b, prod-c, prod-d, prod-e, prod-f, pr..."
    )
    assert live_line(progress, 59) == "100/200, 20 failed, 8 running, 1m 00s left"
    assert live_line(Progress(2, 0, 0, ("a", "b\x1b"), 1.0), 80).endswith("0/2, 2 running: a, b\\x1b")


@pytest.mark.parametrize("columns", range(1, 140, 7))
def test_the_live_line_is_never_wider_than_the_window(columns: int) -> None:
    assert len(live_line(Progress(200, 80, 20, NAMES, 60.0), columns)) <= columns


def test_of_many_names_the_first_are_shown() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some(list("abcdefg")) == "a, b, c, d, e and 2 more"
