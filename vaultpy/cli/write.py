"""`vaultpy write`: temporary credentials into AWS's credentials file."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from vaultpy import errors
from vaultpy.cli import shared_options
from vaultpy.cli.context import say, wiring
from vaultpy.text import show_duration
from vaultpy.writing import VERB
from vaultpy.writing import write as write_credentials


def write(  # noqa: PLR0913  # one parameter an option
    context: typer.Context,
    profile: shared_options.Profile,
    *,
    to: Annotated[
        str | None, typer.Option(metavar="NAME", help="The section to write; else PROFILE's own.")
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
    """Write temporary credentials into AWS's credentials file, where they lie in clear until they end.

    Example: vaultpy write dev-role --to dev-role-keys
    """
    options = shared_options.given(locals())
    if "" in {profile, to}:  # an unset variable of a script
        raise errors.UsageError(problem=f"{'--to' if profile else 'PROFILE'} is empty", command=VERB)
    run = wiring(context)
    done = write_credentials(run, profile, options, to)
    place = f"[{done.name}] of {done.path}"
    left = show_duration(done.expiration - run.ledger.time())
    say(f"wrote credentials into {place}" if done.new else f"{left} are left in {place}: nothing was written")
    if done.narrowed:
        run.terminal.warn(f"others could read {done.path}: its mode is 0600 now")
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(done.expiration))
    run.terminal.warn(f"temporary credentials of {profile} lie in clear in {done.path} until {when} ({left})")
