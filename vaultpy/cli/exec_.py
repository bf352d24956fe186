"""`vaultpy exec` as typer shows it; `cli.run` parses its words, and `execution` does its work."""

from __future__ import annotations

from typing import Annotated

import typer


def exec_(  # noqa: PLR0913  # one parameter an option
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="A profile of AWS's config file.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="CMD", help="What to become; else your shell.")
    ] = None,
    *,
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
        str | None, typer.Option(metavar="TIME", help="What must be left of it when CMD begins.")
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
    raise AssertionError("typer only shows the help of exec, and says what is missing")
