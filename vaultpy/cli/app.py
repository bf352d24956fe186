"""The verbs put together, and what becomes of an error: two lines and an exit status."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import __version__, errors
from vaultpy.argv import EXEC_FLAGS, EXEC_VALUES, split_exec
from vaultpy.cli import add, clear, exec_, list_, remove
from vaultpy.terminal import Terminal
from vaultpy.trace import trace_to
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

app = typer.Typer(
    name="vaultpy",
    help="AWS with nothing worth stealing on the disk: MFA codes straight off the YubiKey.",
    no_args_is_help=True,
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
    environ, terminal = context.obj
    if debug:
        trace_to(terminal.debug)
    context.obj = Wiring(environ, terminal)


def run(words: list[str], environ: Mapping[str, str]) -> int:
    """Run one command; returns the exit status, unless `exec` became another program."""
    terminal = Terminal(environ)
    verb = next((word for word in words if not word.startswith("-")), "")
    try:
        app(_rewritten(words, verb), standalone_mode=False, obj=(environ, terminal), prog_name="vaultpy")
    except errors.VaultpyError as error:
        return _fail(terminal, error, verb)
    except typer.TyperException as error:
        problem = error.format_message().rstrip(".")
        problem = problem[:1].lower() + problem[1:]
        return _fail(terminal, errors.UsageError(problem=problem, command=verb), verb)
    except typer.Exit as leaving:
        return leaving.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _die_of_interrupt()
    except Exception as error:  # noqa: BLE001  # the last line of defence: a bug is told in two lines too
        return _fail(terminal, errors.Internal(kind=type(error).__name__), verb, error)
    return 0


def _rewritten(words: list[str], verb: str) -> list[str]:
    """Put the options of `exec` in front of PROFILE, where typer looks for them."""
    if verb != "exec":
        return words
    at = words.index("exec") + 1
    split = split_exec(words[at:], flags=EXEC_FLAGS, values=EXEC_VALUES)
    if split.profile is None:
        return [*words[:at], *split.options]
    return [*words[:at], *split.options, "--", split.profile, *split.command]


def _fail(
    terminal: Terminal, error: errors.VaultpyError, verb: str, cause: BaseException | None = None
) -> int:
    terminal.debug_traceback(cause or error)
    terminal.error(error)
    if verb != "exec":
        return error.status
    # Threads may still be importing boto3 or waiting for a touch; the interpreter's end would trip over them.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(error.exec_status)


def _die_of_interrupt() -> NoReturn:
    """End as Ctrl-C ends a program, so that a shell's loop around us ends too; threads do not delay it."""
    sys.stderr.write("\n")
    sys.stderr.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
    raise AssertionError("unreachable")
