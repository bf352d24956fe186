"""`vaultpy each`: one command in many roles."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from vaultpy import errors
from vaultpy.cli import shared_options
from vaultpy.cli.context import refuse_windows, wiring
from vaultpy.each import VERB, Wanted
from vaultpy.each import each as run_each
from vaultpy.each_profiles import listed_names
from vaultpy.execution import asked, given_code
from vaultpy.fanout import JOBS

_LARGEST_LIST = 1024 * 1024
_MOST_JOBS = 64


class EachCommand(TyperCommand):
    """A verb whose words end at `--`: what follows is the command, whatever it looks like."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # typer has its own click
        """Keep the command apart from the words that typer reads."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta["command"] = args[at + 1 :]
        parsed: list[str] = super().parse_args(ctx, args[:at])
        return parsed


def each(  # noqa: PLR0913  # one parameter an option
    context: typer.Context,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATTERN... -- CMD...", help="Profiles: names, or patterns like 'prod-*'."),
    ] = None,
    *,
    profiles_from: Annotated[
        str | None, typer.Option(metavar="FILE", help="Profiles too, one name a line; - reads stdin.")
    ] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Begin the others after a failure too.")
    ] = False,
    jobs: Annotated[
        int, typer.Option(metavar="N", min=1, max=_MOST_JOBS, help="How many run at once.")
    ] = JOBS,
    as_json: Annotated[
        bool, typer.Option("--json", help="For machines: a JSON object a profile, one a line.")
    ] = False,
    duration: shared_options.Duration = None,
    session_duration: shared_options.SessionDuration = None,
    region: Annotated[str | None, typer.Option(metavar="REGION", help="For the command.")] = None,
    mfa_token: shared_options.MfaToken = None,
    mfa_serial: shared_options.MfaSerial = None,
    yubikey: shared_options.YubiKey = None,
) -> int:
    """Run CMD once in each of many roles: one touch, eight at a time, every line with its profile's name.

    Example: vaultpy each 'prod-*' -- aws s3 ls
    """
    options = shared_options.given(locals())
    refuse_windows(VERB)  # where no command can be ended together with all that it has started
    command: list[str] = context.meta["command"]
    _check(patterns, profiles_from, mfa_token, command)
    names = listed_names(_text_of(profiles_from), profiles_from) if profiles_from else []
    wanted = Wanted(
        patterns or [],
        names,
        command,
        jobs=jobs,
        keep_going=keep_going,
        as_json=as_json,
        region=region,
        code=given_code(options),
        yubikey=yubikey,
    )
    return run_each(wiring(context), wanted, asked(options, VERB))


def _check(
    patterns: list[str] | None, profiles_from: str | None, mfa_token: str | None, command: list[str]
) -> None:
    problem = ""
    if not (patterns or profiles_from):
        problem = "no profile is named"
    elif not command:
        problem = "there is no command: it stands behind --"
    elif "" in {*(patterns or []), profiles_from, command[0]}:  # an unset variable of a script
        problem = "a profile, FILE or the command is empty"
    elif profiles_from == "-" and mfa_token == "-":  # noqa: S105  # stands for stdin
        problem = "--profiles-from - and --mfa-token - would both read standard input"
    if problem:
        raise errors.UsageError(problem=problem, command=VERB)


def _text_of(name: str) -> str:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_LARGEST_LIST + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_LARGEST_LIST + 1)
        text, reason = data.decode(), "" if len(data) <= _LARGEST_LIST else "it is larger than 1 MiB"
    except OSError as error:
        text, reason = "", error.strerror or "no reason given"
    except UnicodeDecodeError:
        text, reason = "", "it is not UTF-8 text"
    if reason:
        raise errors.UsageError(problem=f"cannot read --profiles-from {name}: {reason}", command=VERB)
    return text
