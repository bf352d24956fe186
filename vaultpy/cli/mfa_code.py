"""`vaultpy mfa code`: six digits off the YubiKey, for a person to paste."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.cli import shared_options
from vaultpy.cli.context import say, wiring
from vaultpy.execution import asked
from vaultpy.mfa_codes import code_wanted
from vaultpy.mfa_wiring import usual_profile
from vaultpy.plan import make_plan


def code(
    context: typer.Context,
    profile: Annotated[
        str | None,
        typer.Argument(metavar="PROFILE", help="A profile; may be left out where one key is enrolled."),
    ] = None,
    *,
    mfa_serial: shared_options.MfaSerial = None,
    yubikey: shared_options.YubiKey = None,
) -> None:
    """Print an MFA code off the YubiKey, for the console's sign-in; no exec uses it again.

    Example: vaultpy mfa code dev
    """
    from vaultpy.yubikey_wiring import codes

    options = asked({"--mfa-serial": mfa_serial} if mfa_serial else {}, "mfa code")
    run = wiring(context)
    name = usual_profile(run, "mfa code") if profile is None else profile
    plan = make_plan(run.config, run.index, name, options, run.environ)
    wanted = code_wanted(plan, "a code of")
    say(codes(run, plan, yubikey).one(wanted).digits.reveal())
