"""`vaultpy clear`: sessions out of the cache."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.clearing import forget_profile
from vaultpy.cli.context import refuse_empty, say, wiring


def clear(
    context: typer.Context,
    profile: Annotated[
        str | None,
        typer.Argument(metavar="PROFILE", help="Only what serves this profile, its MFA session included."),
    ] = None,
) -> None:
    """Forget cached sessions; the next exec asks for a touch again.

    Example: vaultpy clear
    """
    refuse_empty(profile, "clear")
    run = wiring(context)
    if profile is not None:
        forgotten = forget_profile(run.config, run.index, run.sessions, profile, run.environ)
    else:
        forgotten = run.sessions.forget()
    say(f"forgot {forgotten} session{'' if forgotten == 1 else 's'}")
