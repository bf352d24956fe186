"""One run of vaultpy: the verb is performed, and what becomes of an error is two lines and an exit status.

`exec`, the main job, is parsed here by `argv` as the warm path does it; typer, which takes as long to load as
the way to the YubiKey does, draws its help and serves the other verbs.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.argv import EXEC_FLAGS, EXEC_VALUES, split_exec
from vaultpy.cli.context import abandon, listen
from vaultpy.execution import execute
from vaultpy.terminal import Terminal
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vaultpy.argv import ExecWords

    Wire = Callable[[Mapping[str, str], Terminal], Wiring]


def run(words: list[str], environ: Mapping[str, str], wire: Wire = Wiring) -> int:
    """Run one command; returns the exit status (130 after Ctrl-C), unless `exec` became another program.

    `wire` makes the objects of the run; only the demo has another one.
    """
    _replace_missing_streams()
    terminal = Terminal(environ)
    verb = next((word for word in words if not word.startswith("-")), "")
    try:
        if verb == "exec":
            before, split = words[: words.index(verb)], _split(words)
            if split.profile is not None and not split.help and set(before) <= {"--debug"}:
                if before:
                    listen(terminal)
                execute(wire(environ, terminal), split.profile, split.command, split.values())
            words = [*before, verb, *split.options]
        from vaultpy.cli.app import command_line

        return command_line(words or ["--help"], (environ, terminal, wire))
    except errors.VaultpyError as error:
        return _fail(terminal, error, verb)
    except KeyboardInterrupt:
        return errors.INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last line of defence: a bug is told in two lines too
        internal = errors.Internal(kind=type(error).__name__)
        return _fail(terminal, internal.with_traceback(error.__traceback__), verb)
    except SystemExit:  # typer's answer to a broken pipe
        return errors.VaultpyError.exec_status if verb == "exec" else errors.VaultpyError.status


def _split(words: list[str]) -> ExecWords:
    return split_exec(words[words.index("exec") + 1 :], flags=EXEC_FLAGS, values=EXEC_VALUES)


def _fail(terminal: Terminal, error: errors.VaultpyError, verb: str) -> int:
    """Tell an error; of what lies behind it only where it came from, for its text may quote a secret."""
    error.__cause__ = error.__context__ = None
    try:
        terminal.debug_traceback(error)
        terminal.error(error)
    except OSError:  # nobody listens any more
        abandon(sys.stderr)
    if verb != "exec":
        return error.status
    # Threads may still be importing boto3 or waiting for a touch; the interpreter's end would trip over them.
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(error.exec_status)


def _replace_missing_streams() -> None:
    """Let what is said to a closed stdout or stderr vanish instead of being an error."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # until the end
