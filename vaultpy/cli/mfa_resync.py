"""`vaultpy mfa resync`: let AWS set itself by two codes in a row."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.cli import shared_options
from vaultpy.cli.context import tell, wiring
from vaultpy.execution import asked
from vaultpy.mfa_wiring import resync_device, user_plan


def resync(
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The profile whose user has the device.")],
    *,
    mfa_serial: shared_options.MfaSerial = None,
    yubikey: shared_options.YubiKey = None,
) -> None:
    """Give AWS two codes in a row, so that it takes those of a device again that it thinks out of step.

    Example: vaultpy mfa resync dev
    """
    from vaultpy.yubikey_wiring import codes

    asked({"--mfa-serial": mfa_serial} if mfa_serial else {}, "mfa resync")
    run = wiring(context)
    plan = user_plan(run, profile)
    tell(f"resynced MFA device {resync_device(run, plan, codes(run, plan, yubikey), mfa_serial)}")
