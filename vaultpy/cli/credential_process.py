"""`vaultpy credential-process` as typer shows it; `cli.run` parses its words, the core does its work."""

from __future__ import annotations

from typing import Annotated

import typer


def credential_process(  # noqa: PLR0913  # one parameter an option
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="A profile of AWS's config file.")],
    *,
    role: Annotated[
        str | None,
        typer.Option("--role", metavar="ARN|NAME", help="A role that has no profile; PROFILE is its user's."),
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
    direct: Annotated[
        bool, typer.Option("--direct", help="Put the code on the role itself: over one hour, one touch each.")
    ] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Use no session, and keep none.")] = False,
    mfa_serial: Annotated[str | None, typer.Option(metavar="ARN", help="The MFA device to use.")] = None,
    yubikey: Annotated[str | None, typer.Option(metavar="SERIAL", help="The YubiKey to use.")] = None,
) -> None:
    """Give an AWS SDK a role's credentials, as its config file's credential_process.

    Example: credential_process = vaultpy credential-process dev-role
    """
    raise AssertionError("typer only shows the help of credential-process, and says what is missing")
