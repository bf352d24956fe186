"""What `each` shows: lines with a label, one JSON object a profile, and below them a line that is alive."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vaultpy.each_children import STDERR, STDOUT
from vaultpy.text import printable, show_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Protocol

    from vaultpy.fanout import Progress

    class Output(Protocol):
        """What one command writes."""

        def take(self, stream: int, data: bytes) -> None:
            """Take what it has written to stdout (1) or stderr (2)."""


LONGEST_LINE = 1024 * 1024
"""In bytes. What is longer is shown as several lines."""
MOST_COLLECTED = 16 * 1024 * 1024
"""In bytes, of each stream of a command: so much of it is in a JSON object."""

_CLEAR_LINE = b"\r\x1b[K"
_COLUMNS = 80
_BAR = 20
_SHOWN_NAMES = 5
_PATIENCE_SECONDS = 1.0


class Screen:
    """Both streams, whole lines at a time, and a live line on stderr where that is a terminal that can."""

    def __init__(self, environ: Mapping[str, str], stdout: int = STDOUT, stderr: int = STDERR) -> None:
        """Take the streams by their descriptors."""
        self._files = {STDOUT: stdout, STDERR: stderr}
        self.is_terminal = os.isatty(stderr)
        self.is_live = self.is_terminal and environ.get("TERM", "dumb") != "dumb"
        self._stdout_is_there = self.is_live and os.isatty(stdout)
        self._turn = threading.RLock()
        self._shown = b""
        self._quiet = False

    def write(self, stream: int, data: bytes) -> None:
        """Write whole lines; raises OSError."""
        with self._turn:
            covered = stream == STDERR or self._stdout_is_there
            shown = self._shown if covered else b""
            if shown:
                _write(self._files[STDERR], _CLEAR_LINE)
            _write(self._files[stream], data)
            if shown:
                _write(self._files[STDERR], shown)

    def say(self, text: str) -> None:
        """Say a line of our own, on stderr, if anybody listens there and no other reader is waited for."""
        if not self._turn.acquire(timeout=_PATIENCE_SECONDS):
            return
        try:
            self.write(STDERR, f"vaultpy: {printable(text)}\n".encode(errors="backslashreplace"))
        except OSError:
            return
        finally:
            self._turn.release()

    def show(self, line: Callable[[int], str]) -> None:
        """Show the live line, which `line` gives for so many columns, in the place of the one before."""
        if not self.is_live:
            return
        if not self._turn.acquire(blocking=False):  # whoever has it may wait for a reader: the next time then
            return
        try:
            text = b"" if self._quiet else line(self._columns() - 1).encode()
            if text != self._shown:
                self._shown = text
                _write(self._files[STDERR], _CLEAR_LINE + text)
        except OSError:
            self.is_live, self._shown = False, b""
        finally:
            self._turn.release()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Leave the terminal to what a person is asked meanwhile."""
        with self._turn:
            self.show(lambda _: "")
            self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._files[STDERR]).columns or _COLUMNS
        except OSError:
            return _COLUMNS


class Labelled:
    """A command's output, each line behind its label; no line is ever mixed with another's."""

    def __init__(self, screen: Screen, label: str) -> None:
        self._screen = screen
        self._label = f"{label} | ".encode(errors="backslashreplace")
        self._rest = {STDOUT: bytearray(), STDERR: bytearray()}

    def take(self, stream: int, data: bytes) -> None:
        """Show the lines that are whole now; raises OSError."""
        head, newline, tail = data.rpartition(b"\n")
        if newline:
            self._rest[stream] += head
            self._show(stream)
        self._rest[stream] += tail
        if len(self._rest[stream]) > LONGEST_LINE:
            self._show(stream)

    def close(self) -> None:
        """Show a last line without its end."""
        for stream, rest in self._rest.items():
            if rest:
                self._show(stream)

    def _show(self, stream: int) -> None:
        lines = bytes(self._rest[stream]).split(b"\n")
        self._rest[stream] = bytearray()
        self._screen.write(stream, b"".join(self._label + self._again(line) + b"\n" for line in lines))

    def _again(self, line: bytes) -> bytes:
        """Return the line with the label wherever a carriage return would have it overwritten."""
        text = line.rstrip(b"\r")
        return text.replace(b"\r", b"\r" + self._label) + line[len(text) :]


class Collected:
    """A command's output, kept for a JSON object."""

    def __init__(self) -> None:
        self._kept = {STDOUT: bytearray(), STDERR: bytearray()}
        self.truncated = False

    def take(self, stream: int, data: bytes) -> None:
        """Keep it, as far as it is not too much."""
        kept = self._kept[stream]
        room = MOST_COLLECTED - len(kept)
        kept += data[:room]
        self.truncated = self.truncated or len(data) > room

    def text(self, stream: int) -> str:
        """Return what was written; what is no UTF-8 is replaced."""
        return self._kept[stream].decode(errors="replace")


def json_line(shown: Mapping[str, object]) -> bytes:
    """Return a JSON object as a line, all of it in ASCII."""
    return json.dumps(shown).encode() + b"\n"


def live_line(progress: Progress, columns: int) -> str:
    """Return how far it has come on one line: bar, figures, the time left, and what of all that runs fits."""
    ended = progress.done + progress.failed
    filled = _BAR * ended // max(progress.total, 1)
    left = progress.seconds_left
    parts = [f"{progress.failed} failed"] if progress.failed else []
    parts.append(f"{len(progress.running)} running")
    if left is not None:
        parts.append(f"{show_duration(left)} left")
    figures = f"{ended}/{progress.total}, {', '.join(parts)}"
    bar = f"[{'#' * filled}{'.' * (_BAR - filled)}] "
    line = figures if len(bar) + len(figures) > columns else bar + figures
    names = ": " + ", ".join(map(printable, progress.running))
    room = columns - len(line)
    if progress.running and room > _BAR:
        line += names if len(names) <= room else names[: room - 3] + "..."
    return line[:columns]


def some(names: Sequence[str]) -> str:
    """Return the first few of `names`, and how many more there are."""
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
