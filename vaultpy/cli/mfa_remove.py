"""`vaultpy mfa remove`: an MFA device out of IAM, and its account off the YubiKeys."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.cli import shared_options
from vaultpy.cli.context import confirmed, say, wiring
from vaultpy.config import Config
from vaultpy.execution import asked
from vaultpy.mfa_removal import Remover, profiles_naming
from vaultpy.mfa_wiring import removal_of


def remove(
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The profile whose user has the device.")],
    *,
    mfa_serial: Annotated[str | None, typer.Option(metavar="ARN", help="The MFA device to remove.")] = None,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another user, whose device PROFILE removes.")
    ] = None,
    yes: shared_options.Yes = False,
) -> None:
    """Remove an MFA device from IAM, and its account from the YubiKeys that are plugged in.

    Example: vaultpy mfa remove dev
    """
    from vaultpy.yubikey_wiring import yubikey_choice

    asked({"--mfa-serial": mfa_serial} if mfa_serial else {}, "mfa remove")
    run = wiring(context)
    removal, devices = removal_of(run, profile, mfa_serial, user or "")
    if not yes and not confirmed(run, removal.question(only=devices.only(removal.serial))):
        raise typer.Exit(1)
    remover = Remover(
        devices,
        lambda: yubikey_choice(run).all(),
        index=run.index,
        config_path=run.config.path,
        say=say,
        note=run.terminal.note,
    )
    remover.remove(removal)
    others = profiles_naming(Config.load(run.environ), removal.serial)
    if others:
        run.terminal.warn(f"take it out of these profiles too, in {run.config.path}: {', '.join(others)}")
