"""`vaultpy mfa remove`: an MFA device out of IAM, and its account off the YubiKeys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import errors
from vaultpy.cli.context import say, wiring
from vaultpy.config import Config
from vaultpy.execution import asked
from vaultpy.mfa_removal import Remover, profiles_naming
from vaultpy.mfa_wiring import removal_of

if TYPE_CHECKING:
    from vaultpy.wiring import Wiring


def remove(
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The profile whose user has the device.")],
    *,
    mfa_serial: Annotated[str | None, typer.Option(metavar="ARN", help="The MFA device to remove.")] = None,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another user, whose device PROFILE removes.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove an MFA device from IAM, and its account from the YubiKeys that are plugged in.

    Example: vaultpy mfa remove dev
    """
    from vaultpy.yubikey_wiring import key_choice

    asked({"--mfa-serial": mfa_serial} if mfa_serial else {}, "mfa remove")
    run = wiring(context)
    target, devices = removal_of(run, profile, mfa_serial, user or "")
    if not yes:
        _ask(run, target.question(only=devices.only(target.serial)))
    remover = Remover(
        devices,
        lambda: key_choice(run).all(),
        index=run.index,
        config_path=run.config.path,
        say=say,
        note=run.terminal.note,
    )
    remover.remove(target)
    others = profiles_naming(Config.load(run.environ), target.serial)
    if others:
        run.terminal.warn(f"take it out of these profiles too, in {run.config.path}: {', '.join(others)}")


def _ask(run: Wiring, question: str) -> None:
    if not run.terminal.can_ask():
        raise errors.NoTerminal(question=question, remedy="add --yes if you are sure")
    if not run.terminal.confirm(question):
        raise typer.Exit(1)
