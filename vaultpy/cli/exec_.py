"""`vaultpy exec`: the main job."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import errors
from vaultpy.cli.context import wiring
from vaultpy.handover import hand_over
from vaultpy.launch import find_command
from vaultpy.plan import Options, make_plan
from vaultpy.text import parse_duration

if TYPE_CHECKING:
    from vaultpy.wiring import Wiring


def exec_(  # noqa: PLR0913  # one parameter an option
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="A profile of AWS's config file.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="CMD", help="What to become; else your shell.")
    ] = None,
    *,
    duration: Annotated[
        str | None, typer.Option("--duration", "-d", metavar="TIME", help="Of the role session: 90m, 8h.")
    ] = None,
    region: Annotated[str | None, typer.Option(metavar="REGION", help="For the command.")] = None,
    direct: Annotated[
        bool, typer.Option("--direct", help="Put the code on the role itself: over one hour, one touch each.")
    ] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Use no session, and keep none.")] = False,
    mfa_token: Annotated[
        str | None,
        typer.Option("--mfa-token", "-t", metavar="CODE", help="Six digits; - reads them from stdin."),
    ] = None,
    mfa_serial: Annotated[str | None, typer.Option(metavar="ARN", help="The MFA device to use.")] = None,
    yubikey: Annotated[str | None, typer.Option(metavar="SERIAL", help="The YubiKey to use.")] = None,
) -> None:
    """Become CMD with a role's credentials in its environment.

    Example: vaultpy exec dev-role -- terraform apply
    """
    run = wiring(context)
    words = command or _shell(run, profile)
    asked = Options(
        direct=direct, duration=parse_duration(duration) if duration else None, mfa_serial=mfa_serial
    )
    plan = make_plan(run.config, run.index, profile, asked, run.environ)
    path = find_command(words, run.environ)
    if plan.capped:
        run.terminal.warn("AWS limits a role reached through an MFA session to 1h; --direct lifts that")
    code = _line_of_stdin() if mfa_token == "-" else mfa_token  # noqa: S105  # a word for stdin
    broker = run.broker(plan, cache=not no_cache, code=code, yubikey=yubikey)
    credentials = broker.credentials(plan)
    hand_over(
        plan, credentials, path=path, command=words, config=run.config, environ=run.environ, region=region
    )


def _shell(run: Wiring, profile: str) -> list[str]:
    """Return the user's own shell as the command; raises NestedShell inside another of ours."""
    inside = run.environ.get("VAULTPY")
    if inside:
        raise errors.NestedShell(profile=inside, wanted=profile)
    return [run.environ.get("SHELL") or "/bin/sh"]


def _line_of_stdin() -> str:
    """Read one line and no byte more: the rest is the command's."""
    line = bytearray()
    try:
        while not line.endswith(b"\n") and (byte := os.read(0, 1)):
            line += byte
    except OSError as error:
        raise errors.BadCode from error
    return line.decode("ascii", "replace").strip()
