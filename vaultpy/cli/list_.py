"""`vaultpy list`: profiles, keys and sessions, without opening a keystore."""

from __future__ import annotations

import typer

from vaultpy.cli import shared_options
from vaultpy.cli.context import say, say_json, wiring
from vaultpy.cli.table import columns_of_stdout, table
from vaultpy.listing import Row, rows
from vaultpy.text import printable, show_duration


def list_(
    context: typer.Context,
    *,
    as_json: shared_options.AsJson = False,
) -> None:
    """Show the profiles, the access keys that are enrolled, and what is left of their sessions.

    Example: vaultpy list
    """
    run = wiring(context)
    now = run.ledger.time()
    found = rows(run.config, run.index, run.sessions.alive(), run.environ)
    if as_json:
        say_json([row.as_json() for row in found])
        return
    if not found:
        say("no profiles yet; enrol an access key: vaultpy add NAME")
        return
    cells = [("PROFILE", "ACCESS KEY", "SESSION", "ROLE"), *(_cells(row, now) for row in found)]
    for line in table(cells, columns_of_stdout()):
        say(line)


def _cells(row: Row, now: float) -> tuple[str, str, str, str]:
    key = row.access_key_id or (f"of {row.source_profile}" if row.source_profile else "")
    if row.on_yubikey:
        key += f" (YubiKey {' and '.join(row.yubikeys)})" if row.yubikeys else " (YubiKey)"
    return printable(row.profile), printable(key), _left(row, now), printable(row.role_arn)


def _left(row: Row, now: float) -> str:
    """Return what is left of the session; where the roles alone want MFA, of their user's MFA session."""
    if row.expiration:
        return show_duration(row.expiration - now) + " left"
    if row.mfa_expiration and not row.role_arn:
        return f"MFA {show_duration(row.mfa_expiration - now)} left"
    return ""
