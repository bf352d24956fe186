"""`vaultpy login`: AWS's console in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.cli import shared_options
from vaultpy.cli.context import say, wiring
from vaultpy.login import POLICY, console_url, show


def login(  # noqa: PLR0913  # one parameter an option
    context: typer.Context,
    profile: shared_options.Profile,
    *,
    stdout: Annotated[
        bool, typer.Option("--stdout", "-s", help="Print the address instead: whoever has it is in.")
    ] = False,
    service: Annotated[
        str | None, typer.Option(metavar="SERVICE", help="The service to begin with: s3, ec2.")
    ] = None,
    path: Annotated[
        str | None, typer.Option(metavar="PATH", help="The page to begin with: what follows the host.")
    ] = None,
    region: Annotated[str | None, typer.Option(metavar="REGION", help="For the console.")] = None,
    policy: Annotated[
        str | None,
        typer.Option(metavar="NAME|ARN", help=f"The session policy of a user without a role; else {POLICY}."),
    ] = None,
    role: shared_options.Role = None,
    duration: shared_options.Duration = None,
    session_duration: shared_options.SessionDuration = None,
    min_ttl: shared_options.MinTtl = None,
    direct: shared_options.Direct = False,
    no_cache: shared_options.NoCache = False,
    mfa_token: shared_options.MfaToken = None,
    mfa_serial: shared_options.MfaSerial = None,
    yubikey: shared_options.YubiKey = None,
) -> None:
    """Open AWS's console as PROFILE, without its password.

    Example: vaultpy login dev-role --service s3
    """
    from vaultpy.login_wiring import LoginWiring

    options = shared_options.given(locals())
    run = LoginWiring(wiring(context), profile)
    if not stdout:
        run.browser()
    url = console_url(run, profile, options)
    if stdout:
        say(url.reveal())
        run.note("whoever has this address within 15 minutes is in the console: keep it to yourself")
        return
    show(profile, run.one_use_address(url), run.open_browser)
    run.note(f"the browser opens the console as {profile}")
