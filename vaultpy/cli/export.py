"""`vaultpy export` as typer shows it; `cli.run` parses its words, the core does its work."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.cli.shared_options import (
    Direct,
    Duration,
    MfaSerial,
    MfaToken,
    MinTtl,
    NoCache,
    Profile,
    Role,
    SessionDuration,
    YubiKey,
)


def export(  # noqa: PLR0913  # one parameter an option
    profile: Profile,
    *,
    format_name: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="env, fish, powershell, dotenv, ini or json."),
    ] = "env",
    role: Role = None,
    duration: Duration = None,
    session_duration: SessionDuration = None,
    min_ttl: MinTtl = None,
    region: Annotated[str | None, typer.Option(metavar="REGION", help="Instead of the profile's.")] = None,
    direct: Direct = False,
    no_cache: NoCache = False,
    mfa_token: MfaToken = None,
    mfa_serial: MfaSerial = None,
    yubikey: YubiKey = None,
) -> None:
    """Print a role's credentials for a shell to read, or for a file.

    Example: eval "$(vaultpy export dev-role)"
    """
    raise AssertionError("typer only shows the help of export, and says what is missing")
