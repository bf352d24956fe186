"""`vaultpy mfa list`: IAM's MFA devices beside what the YubiKeys hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import errors
from vaultpy.cli import shared_options
from vaultpy.cli.context import say, say_json, wiring
from vaultpy.cli.table import columns_of_stdout, table
from vaultpy.mfa_listing import HEADINGS, rows
from vaultpy.mfa_wiring import devices_of, enrolled_names, held_keys
from vaultpy.text import printable

if TYPE_CHECKING:
    from vaultpy.mfa_listing import UserDevices
    from vaultpy.wiring import Wiring


def list_(
    context: typer.Context,
    profile: Annotated[
        str | None, typer.Argument(metavar="PROFILE", help="A profile; else all that have an access key.")
    ] = None,
    *,
    as_json: shared_options.AsJson = False,
) -> None:
    """Show the MFA devices that IAM has, beside the YubiKeys that hold them; nothing has to be touched.

    Example: vaultpy mfa list
    """
    from vaultpy.yubikey_wiring import yubikey_choice

    run = wiring(context)
    users = _users(run, profile)
    keys = held_keys(lambda: yubikey_choice(run).all(), run.terminal.warn)
    found = rows(users, keys)
    if as_json:
        say_json([row.as_json() for row in found])
        return
    if not found:
        say("no MFA devices are known; make one: vaultpy mfa enroll PROFILE")
        return
    cells = [HEADINGS, *(tuple(map(printable, row.cells())) for row in found)]
    for line in table(cells, columns_of_stdout()):
        say(line)


def _users(run: Wiring, profile: str | None) -> list[UserDevices]:
    """Return the user of the profile that was named, else all; one of these that is wrong is told."""
    if profile is not None:
        return [devices_of(run, profile, run.terminal.warn)]
    users = []
    for name in enrolled_names(run):
        try:
            users.append(devices_of(run, name, run.terminal.warn))
        except errors.VaultpyError as why:  # noqa: PERF203  # each profile may be wrong by itself
            run.terminal.warn(f"{name} is left out: {why.message}")
    return users
