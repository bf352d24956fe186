"""`vaultpy exec` as typer shows it; `cli.run` parses its words, and `execution` does its work."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.cli import shared_options


def exec_(  # noqa: PLR0913  # one parameter an option
    profile: shared_options.Profile,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="CMD", help="What to become; else your shell.")
    ] = None,
    *,
    role: shared_options.Role = None,
    duration: shared_options.Duration = None,
    session_duration: shared_options.SessionDuration = None,
    min_ttl: shared_options.MinTtl = None,
    region: Annotated[str | None, typer.Option(metavar="REGION", help="For the command.")] = None,
    direct: shared_options.Direct = False,
    no_cache: shared_options.NoCache = False,
    mfa_token: shared_options.MfaToken = None,
    mfa_serial: shared_options.MfaSerial = None,
    yubikey: shared_options.YubiKey = None,
    server: Annotated[
        bool, typer.Option("--server", "-s", help="Serve the credentials to CMD, renewed as long as it runs.")
    ] = False,
    allow_role: Annotated[
        list[str] | None, typer.Option(metavar="ARN", help="With --server: serve this role, too; repeatable.")
    ] = None,
) -> None:
    """Become CMD with a role's credentials in its environment.

    Example: vaultpy exec dev-role -- terraform apply
    """
    raise AssertionError("typer only shows the help of exec, and says what is missing")
