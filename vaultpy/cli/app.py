"""The verbs put together, and what becomes of an error: two lines and an exit status."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import __version__, errors
from vaultpy.argv import EXEC_FLAGS, EXEC_VALUES, split_exec
from vaultpy.cli import add, clear, demo, exec_, list_, remove
from vaultpy.cli.context import abandon
from vaultpy.terminal import Terminal
from vaultpy.trace import trace, trace_to
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Wire = Callable[[Mapping[str, str], Terminal], Wiring]

_INTERRUPTED = 130

app = typer.Typer(
    name="vaultpy",
    help="AWS with nothing worth stealing on the disk: MFA codes straight off the YubiKey.",
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("add")(add.add)
app.command("exec", context_settings={"allow_interspersed_args": False})(exec_.exec_)
app.command("list")(list_.list_)
app.command("ls", hidden=True)(list_.list_)
app.command("remove")(remove.remove)
app.command("rm", hidden=True)(remove.remove)
app.command("clear")(clear.clear)
app.command("demo", context_settings={"allow_interspersed_args": False})(demo.demo)


def _version(wanted: bool) -> None:  # noqa: FBT001  # typer calls it so
    if wanted:
        typer.echo(f"vaultpy {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show what is asked of whom; no secrets.")] = False,
    version: Annotated[  # noqa: ARG001  # its callback does it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    if debug:
        _, terminal, _ = context.obj
        trace_to(terminal.debug)
        trace(f"vaultpy {__version__}, Python {sys.version.split()[0]}, {sys.platform}")


def run(words: list[str], environ: Mapping[str, str], wire: Wire = Wiring) -> int:
    """Run one command; returns the exit status (130 after Ctrl-C), unless `exec` became another program.

    `wire` makes the objects of the run; only the demo has another one.
    """
    _replace_missing_streams()
    terminal = Terminal(environ)
    verb = next((word for word in words if not word.startswith("-")), "")
    try:
        return _typer(_rewritten(words or ["--help"], verb), (environ, terminal, wire))
    except errors.VaultpyError as error:
        return _fail(terminal, error, verb)
    except typer.TyperException as error:
        return _fail(terminal, _usage_error(error, verb), verb)
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last line of defence: a bug is told in two lines too
        internal = errors.Internal(kind=type(error).__name__)
        return _fail(terminal, internal.with_traceback(error.__traceback__), verb)
    except SystemExit:  # typer's answer to a broken pipe
        return errors.VaultpyError.exec_status if verb == "exec" else errors.VaultpyError.status


def _typer(words: list[str], seed: tuple[Mapping[str, str], Terminal, Wire]) -> int:
    """Let typer run the verb; it makes exit statuses of `typer.Exit` and of Ctrl-C."""
    return app(words, standalone_mode=False, obj=seed, prog_name="vaultpy") or 0


def _rewritten(words: list[str], verb: str) -> list[str]:
    """Put the options of `exec` in front of PROFILE, where typer looks for them."""
    if verb != "exec":
        return words
    at = words.index("exec") + 1
    split = split_exec(words[at:], flags=EXEC_FLAGS, values=EXEC_VALUES)
    if split.profile is None:
        return [*words[:at], *split.options]
    return [*words[:at], *split.options, "--", split.profile, *split.command]


def _usage_error(error: typer.TyperException, verb: str) -> errors.UsageError:
    problem = error.format_message().rstrip(".").replace(". Did you mean", "; did you mean")
    problem = problem[:1].lower() + problem[1:]
    known = any(command.name == verb for command in app.registered_commands)
    return (errors.UsageError if known else errors.UnknownCommand)(problem=problem, command=verb)


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
