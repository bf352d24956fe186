"""`vaultpy exec` as typer shows it; `cli.run` parses its words, and `execution` does its work."""

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


def exec_(  # noqa: PLR0913  # one parameter an option
    profile: Profile,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="CMD", help="What to become; else your shell.")
    ] = None,
    *,
    role: Role = None,
    duration: Duration = None,
    session_duration: SessionDuration = None,
    min_ttl: MinTtl = None,
    region: Annotated[str | None, typer.Option(metavar="REGION", help="For the command.")] = None,
    direct: Direct = False,
    no_cache: NoCache = False,
    mfa_token: MfaToken = None,
    mfa_serial: MfaSerial = None,
    yubikey: YubiKey = None,
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
