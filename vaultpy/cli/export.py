"""`vaultpy export` as typer shows it; `cli.run` parses its words, the core does its work."""

from __future__ import annotations

from typing import Annotated

import typer


def export(  # noqa: PLR0913  # one parameter an option
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="A profile of AWS's config file.")],
    *,
    format_name: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="env, fish, powershell, dotenv, ini or json."),
    ] = "env",
    role: Annotated[
        str | None, typer.Option(metavar="ARN|NAME", help="A role without a profile, from PROFILE's user.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option("--duration", "-d", metavar="TIME", help="Of the role session: 90m, 8h.")
    ] = None,
    session_duration: Annotated[
        str | None, typer.Option(metavar="TIME", help="Of the MFA session that roles share.")
    ] = None,
    min_ttl: Annotated[
        str | None, typer.Option(metavar="TIME", help="What must be left of the credentials.")
    ] = None,
    region: Annotated[str | None, typer.Option(metavar="REGION", help="Instead of the profile's.")] = None,
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
    """Print a role's credentials for a shell to read, or for a file.

    Example: eval "$(vaultpy export dev-role)"
    """
    raise AssertionError("typer only shows the help of export, and says what is missing")
