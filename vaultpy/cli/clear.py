"""`vaultpy clear`: sessions out of the cache."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.wiring import Wiring  # noqa: TC001  # typer reads the annotations when it runs


def clear(
    context: typer.Context,
    profile: Annotated[
        str | None, typer.Argument(metavar="[PROFILE]", help="Only the sessions of this profile's key.")
    ] = None,
) -> None:
    """Forget cached sessions; the next exec asks for a touch again.

    Example: vaultpy clear
    """
    wiring: Wiring = context.obj
    enrolment = wiring.index.enrolment(profile) if profile else None
    if enrolment is not None:
        forgotten = wiring.sessions.forget(access_key_id=enrolment.access_key_id)
    else:
        if profile:
            wiring.config.profile(profile)
        forgotten = wiring.sessions.forget(profile=profile)
    typer.echo(f"forgot {forgotten} session{'' if forgotten == 1 else 's'}")
