"""`vaultpy clear`: sessions out of the cache."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.cli.context import say, wiring


def clear(
    context: typer.Context,
    profile: Annotated[
        str | None, typer.Argument(metavar="PROFILE", help="Only the sessions of this profile's key.")
    ] = None,
) -> None:
    """Forget cached sessions; the next exec asks for a touch again.

    Example: vaultpy clear
    """
    run = wiring(context)
    enrolment = run.index.enrolment(profile) if profile else None
    if enrolment is not None:
        forgotten = run.sessions.forget(access_key_id=enrolment.access_key_id)
    else:
        if profile:
            run.config.profile(profile)
        forgotten = run.sessions.forget(profile=profile)
    say(f"forgot {forgotten} session{'' if forgotten == 1 else 's'}")
