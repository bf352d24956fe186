"""`vaultpy write`: temporary credentials into AWS's credentials file."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from vaultpy import errors
from vaultpy.cli.context import say, wiring
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
    given,
)
from vaultpy.text import show_duration
from vaultpy.writing import VERB
from vaultpy.writing import write as write_credentials


def write(  # noqa: PLR0913  # one parameter an option
    context: typer.Context,
    profile: Profile,
    *,
    to: Annotated[
        str | None, typer.Option(metavar="NAME", help="The section to write; else PROFILE's own.")
    ] = None,
    role: Role = None,
    duration: Duration = None,
    session_duration: SessionDuration = None,
    min_ttl: MinTtl = None,
    direct: Direct = False,
    no_cache: NoCache = False,
    mfa_token: MfaToken = None,
    mfa_serial: MfaSerial = None,
    yubikey: YubiKey = None,
) -> None:
    """Write temporary credentials into AWS's credentials file, where they lie in clear until they end.

    Example: vaultpy write dev-role --to dev-role-keys
    """
    options = given(locals())
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
