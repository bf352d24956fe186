"""The verbs put together for typer."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vaultpy import __version__, errors
from vaultpy.cli import (
    add,
    clear,
    credential_process,
    demo,
    doctor,
    each,
    exec_,
    export,
    import_,
    list_,
    login,
    mfa,
    remove,
    rotate,
    serve,
    shell_init,
    status,
    template,
    write,
)
from vaultpy.cli.context import listen
from vaultpy.cli.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.cli.run import Wire
    from vaultpy.terminal import Terminal

app = typer.Typer(
    name="vaultpy",
    cls=Verbs,
    help="AWS with nothing worth stealing on the disk: MFA codes straight off the YubiKey.",
    add_completion=False,  # shell-init does it, without a start of Python for each word
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("add")(add.add)
app.command("exec")(exec_.exec_)
app.command("serve")(serve.serve)
app.command("each", cls=each.EachCommand)(each.each)
app.command("export")(export.export)
app.command("shell-init")(shell_init.shell_init)
app.command("credential-process")(credential_process.credential_process)
app.command("list")(list_.list_)
app.command("ls", hidden=True)(list_.list_)
app.command("status")(status.status)
app.command("doctor")(doctor.doctor)
app.command("login")(login.login)
app.command("write")(write.write)
app.command("remove")(remove.remove)
app.command("rm", hidden=True)(remove.remove)
app.command("clear")(clear.clear)
app.command("rotate")(rotate.rotate)
app.command("import")(import_.import_)
app.add_typer(mfa.mfa, name="mfa")
app.add_typer(template.template, name="template")
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
        listen(terminal)


def _with_only(verb: str) -> typer.Typer:
    """Return an app of that verb alone, which is made sooner than all of them; all, if there is no such."""
    one = copy(app)
    one.registered_commands = [command for command in app.registered_commands if command.name == verb]
    one.registered_groups = [group for group in app.registered_groups if group.name == verb]
    return one if one.registered_commands or one.registered_groups else app


def command_line(words: list[str], seed: tuple[Mapping[str, str], Terminal, Wire]) -> int:
    """Let typer run the verb; returns its exit status, which is typer's own for help and Ctrl-C.

    Raises UsageError and UnknownCommand for what typer does not understand, and what the verb raises.
    """
    verb = next((word for word in words if not word.startswith("-")), "")
    begins = [word for word in words if word != "--debug"][:1] == [verb]
    wanted = _with_only(verb) if begins else app  # the help of all comes of all
    try:
        status: Any = wanted(words, standalone_mode=False, obj=seed, prog_name="vaultpy")
    except typer.Abort:
        return errors.INTERRUPTED
    except typer.TyperException as error:
        problem = error.format_message().rstrip(".").replace(". Did you mean", "; did you mean")
    else:
        return status or 0
    commands = [command.name for command in app.registered_commands]
    known = verb in [*commands, *(group.name for group in app.registered_groups)]
    problem = problem[:1].lower() + problem[1:]
    raise (errors.UsageError if known else errors.UnknownCommand)(problem=problem, command=verb)
