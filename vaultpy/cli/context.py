"""What the verbs share: the objects of this run, what is said on stdout and asked, and `--debug`."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from vaultpy import __version__
from vaultpy.cli.table import columns_of_stdout
from vaultpy.errors import NoTerminal, NotOnWindows, OutputFailed, UsageError
from vaultpy.terminal import PLAIN
from vaultpy.text import fold, printable
from vaultpy.trace import trace, trace_to

if TYPE_CHECKING:
    from typing import NoReturn, TextIO

    import typer

    from vaultpy.terminal import Terminal
    from vaultpy.wiring import Wiring


def wiring(context: typer.Context) -> Wiring:
    """Return the objects of this run. AWS's config is read now, so that no mistake there spoils `--help`."""
    environ, terminal, wire = context.obj
    made: Wiring = wire(environ, terminal)
    return made


def tell(text: str, *, copied: bool = False) -> None:
    """Write what a person reads to stdout, folded as by `fold` where that is a window; raises as `say`."""
    for line in fold(printable(text), columns_of_stdout() or sys.maxsize, copied=copied):
        say(line)


def refuse_windows(verb: str, platform: str = sys.platform) -> None:
    """Raise NotOnWindows there, for a verb that needs what POSIX alone has."""
    if platform == "win32":
        raise NotOnWindows(verb=verb)


def say(line: str, *, label: str = "", style: str = "") -> None:
    """Write a line to stdout, made harmless for a terminal; raises OutputFailed and BrokenPipeError.

    `label` stands before it; `style`, where it is not empty, is the control sequence for the label.
    """
    encoding = sys.stdout.encoding
    styled = f"{style}{printable(label)}{PLAIN}" if style else printable(label)
    try:
        print((styled + printable(line)).encode(encoding, "backslashreplace").decode(encoding), flush=True)  # noqa: T201  # the one place
    except OSError as error:
        abandon(sys.stdout)
        if error.errno == errno.EPIPE:
            raise
        raise OutputFailed(reason=error.strerror) from error


def say_json(rows: list[dict[str, object]]) -> None:
    """Write `rows` to stdout as one JSON array; raises as `say` does."""
    import json

    for line in json.dumps(rows, indent=2).splitlines():
        say(line)


def confirmed(run: Wiring, question: str) -> bool:
    """Tell whether a person says yes to what `--yes` would do; raises NoTerminal where there is none."""
    if not run.terminal.can_ask():
        raise NoTerminal(question=question, remedy="add --yes if you are sure")
    return run.terminal.confirm(question)


def refuse_empty(profile: str | None, verb: str) -> None:
    """Raise UsageError for an empty PROFILE: an unset variable of a script does not mean all profiles."""
    if profile == "":
        raise UsageError(problem="PROFILE is empty", command=verb)


def abandon(stream: TextIO) -> None:
    """Lead a stream that fails to nowhere; what it still holds would fail again at the interpreter's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def leave(status: int) -> NoReturn:
    """End at once: over threads that import boto3 or wait for a touch the interpreter's end would trip."""
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def listen(terminal: Terminal) -> None:
    """Show what is asked of whom, as `--debug` has it."""
    trace_to(terminal.debug)
    trace(f"vaultpy {__version__}, Python {sys.version.split()[0]}, {sys.platform}")
