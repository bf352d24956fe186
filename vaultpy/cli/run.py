"""One run of vaultpy: the verb is performed, and what becomes of an error is two lines and an exit status.

`exec`, `export`, `credential-process` and `shell-init` are parsed here by `argv` as the warm path does it;
typer, which takes as long to load as the way to the YubiKey, draws their help and serves the other verbs.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.argv import (
    CREDENTIAL_PROCESS_FLAGS,
    CREDENTIAL_PROCESS_VALUES,
    EXEC_FLAGS,
    EXEC_VALUES,
    EXPORT_FLAGS,
    EXPORT_VALUES,
    HELP,
    split_words,
)
from vaultpy.cli.context import abandon, leave, listen, say, tell
from vaultpy.credential_process import VERB as CREDENTIAL_PROCESS
from vaultpy.credential_process import answer
from vaultpy.execution import execute
from vaultpy.export import VERB as EXPORT
from vaultpy.export import export, how_to_use, wanted_format
from vaultpy.kernel_keyring import hide_memory
from vaultpy.shell_init import VERB as SHELL_INIT
from vaultpy.shell_init import init
from vaultpy.terminal import Terminal
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vaultpy.argv import VerbWords

    Wire = Callable[[Mapping[str, str], Terminal], Wiring]

EACH = "each"
# Verbs whose small statuses mean something else: the command's, and that a touch is needed.
_STATUS_OF_ERRORS = {"exec": errors.VaultpyError.exec_status, "status": 3}


def run(words: list[str], environ: Mapping[str, str], wire: Wire = Wiring) -> int:
    """Run one command; returns the exit status (130 after Ctrl-C), unless `exec` became another program.

    `wire` makes the objects of the run; only the demo has another one.
    """
    hide_memory()
    _replace_missing_streams()
    verb = next((word for word in words if not word.startswith("-")), "")
    terminal = Terminal(environ, listens=verb != CREDENTIAL_PROCESS)
    try:
        return _perform(words, verb, (environ, terminal, wire))
    except errors.VaultpyError as error:
        return _fail(terminal, error, verb)
    except KeyboardInterrupt:
        return errors.INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last line of defence: a bug is told in two lines too
        internal = errors.Internal(kind=type(error).__name__)
        return _fail(terminal, internal.with_traceback(error.__traceback__), verb)
    except SystemExit:  # typer's answer to a broken pipe
        return _STATUS_OF_ERRORS.get(verb, errors.VaultpyError.status)


def _perform(words: list[str], verb: str, seed: tuple[Mapping[str, str], Terminal, Wire]) -> int:
    """Hand the words to whoever understands them; the objects of the run are made of `seed`."""
    environ, terminal, wire = seed
    if not words:
        return _overview(wire(environ, terminal))
    if verb in _QUICK:
        flags, values, perform = _QUICK[verb]
        at = words.index(verb)
        before, split = words[:at], split_words(words[at + 1 :], verb=verb, flags=flags, values=values)
        if split.profile is not None and not split.help and set(before) <= {"--debug"}:
            if before:
                listen(terminal)
            return perform(wire(environ, terminal), split.profile, split)
        words = [*before, verb, *split.options]
    from vaultpy.cli.app import command_line

    return command_line(words, seed)


def _overview(objects: Wiring) -> int:
    from vaultpy.overview import overview

    for line in overview(objects):
        tell(line, copied=True)
    return 0


def _exec(objects: Wiring, profile: str, split: VerbWords) -> int:
    options, allowed = split.values(), split.every("--allow-role")
    if "--server" not in options:
        if allowed:
            raise errors.UsageError(problem="--allow-role goes with --server", command="exec")
        return execute(objects, profile, split.command, options)
    from vaultpy.exec_server import execute_served
    from vaultpy.server_wiring import ServerWiring

    status = execute_served(ServerWiring(objects), profile, split.command, options, allowed)
    return status if status == errors.INTERRUPTED else leave(status)


def _credential_process(objects: Wiring, profile: str, split: VerbWords) -> int:
    _refuse_command(split, CREDENTIAL_PROCESS)
    document = answer(objects, profile, split.values())
    try:
        say(document)
    except BrokenPipeError:  # whoever asked has gone
        return errors.VaultpyError.status
    return 0


def _export(objects: Wiring, profile: str, split: VerbWords) -> int:
    _refuse_command(split, EXPORT)
    options = split.values()
    text = export(objects, profile, options)
    if sys.stdout.isatty():
        objects.terminal.warn(f"this shows secrets; {how_to_use(wanted_format(options), profile)}")
    return _print(text)


def _shell_init(objects: Wiring, shell: str, split: VerbWords) -> int:
    _refuse_command(split, SHELL_INIT)
    text, status = init(objects, shell)
    return _print(text) or status


def _refuse_command(split: VerbWords, verb: str) -> None:
    if split.command:
        problem = f"{verb} takes no command, and there is {split.command[0]}"
        raise errors.UsageError(problem=problem, command=verb)


def _print(text: str) -> int:
    """Write `text` to stdout: to a terminal made harmless, else byte for byte; returns the exit status."""
    try:
        if sys.stdout.isatty():
            for line in text.splitlines():
                say(line)
        else:
            sys.stdout.buffer.write(os.fsencode(text))
            sys.stdout.buffer.flush()
    except BrokenPipeError:  # whoever asked has gone
        abandon(sys.stdout)
        return errors.VaultpyError.status
    except OSError as error:
        abandon(sys.stdout)
        raise errors.OutputFailed(reason=error.strerror) from error
    return 0


_QUICK = {
    "exec": (EXEC_FLAGS, EXEC_VALUES, _exec),
    CREDENTIAL_PROCESS: (CREDENTIAL_PROCESS_FLAGS, CREDENTIAL_PROCESS_VALUES, _credential_process),
    EXPORT: (EXPORT_FLAGS, EXPORT_VALUES, _export),
    SHELL_INIT: (HELP, frozenset[str](), _shell_init),
}


def _fail(terminal: Terminal, error: errors.VaultpyError, verb: str) -> int:
    """Tell an error; of what lies behind it only where it came from, for its text may quote a secret."""
    error.__cause__ = error.__context__ = None
    try:
        terminal.debug_traceback(error)
        terminal.error(error)
    except OSError:  # nobody listens any more
        abandon(sys.stderr)
    if verb not in _QUICK:
        return _STATUS_OF_ERRORS.get(verb, _own_status(error) if verb == EACH else error.status)
    return leave(error.exec_status if verb == "exec" else error.status)


def _own_status(error: errors.VaultpyError) -> int:
    """Return the status of a verb of which 1 tells that commands failed: as with exec, but 2 for usage."""
    return error.exec_status if error.status == errors.VaultpyError.status else error.status


def _replace_missing_streams() -> None:
    """Let what is said to a closed stdout or stderr vanish instead of being an error."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # until the end
