"""`vaultpy export` as typer shows it; `cli.run` parses its words, the core does its work."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.cli import shared_options


def export(  # noqa: PLR0913  # one parameter an option
    profile: shared_options.Profile,
    *,
    format_name: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="env, fish, powershell, dotenv, ini or json."),
    ] = "env",
    role: shared_options.Role = None,
    duration: shared_options.Duration = None,
    session_duration: shared_options.SessionDuration = None,
    min_ttl: shared_options.MinTtl = None,
    region: Annotated[str | None, typer.Option(metavar="REGION", help="Instead of the profile's.")] = None,
    direct: shared_options.Direct = False,
    no_cache: shared_options.NoCache = False,
    mfa_token: shared_options.MfaToken = None,
    mfa_serial: shared_options.MfaSerial = None,
    yubikey: shared_options.YubiKey = None,
) -> None:
    """Print a role's credentials for a shell to read, or for a file.

    Example: eval "$(vaultpy export dev-role)"
    """
    raise AssertionError("typer only shows the help of export, and says what is missing")
