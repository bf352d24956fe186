"""`vaultpy status`: would `exec` ask for a touch? Its exit status is for prompts and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy.cli import shared_options
from vaultpy.cli.context import refuse_empty, say_json, tell, wiring
from vaultpy.credentials import parse_expiration
from vaultpy.readiness import at_hand, plan_for, readiness, usable_plans
from vaultpy.text import show_duration

if TYPE_CHECKING:
    from collections.abc import Mapping


def status(
    context: typer.Context,
    profile: Annotated[
        str | None,
        typer.Argument(metavar="PROFILE", help="A profile of AWS's config file; else all that exec can use."),
    ] = None,
    *,
    as_json: shared_options.AsJson = False,
) -> None:
    """Tell whether exec would ask for a touch now: exit status 0 if not, 1 if so, 3 after an error.

    Example: vaultpy status dev-role
    """
    refuse_empty(profile, "status")
    run = wiring(context)
    now = run.ledger.time()
    look = at_hand(run.index, run.places, lambda: now)
    if profile is None:
        plans = usable_plans(run.config, run.index, run.environ)
    else:
        plans = [plan_for(run.config, run.index, profile, run.environ)]
    found = [readiness(plan, look, now) for plan in plans]
    if as_json:
        say_json([one.as_json() for one in found])
    else:
        lines = _here(run.environ, now) if profile is None else []
        lines += [one.line(now) for one in found]
        for line in lines or ["no profiles that exec can use yet; enrol an access key: vaultpy add NAME"]:
            tell(line)
    raise typer.Exit(any(one.asks for one in found))


def _here(environ: Mapping[str, str], now: float) -> list[str]:
    """Return the line about the credentials that a command of ours, such as a shell, has; if it is one."""
    profile = environ.get("VAULTPY")
    if not profile:
        return []
    try:
        ends = parse_expiration(environ["AWS_CREDENTIAL_EXPIRATION"])
    except (KeyError, ValueError):
        return [f"here: the credentials of {profile}"]
    left = f"{show_duration(ends - now)} left" if ends > now else "which have ended"
    return [f"here: the credentials of {profile}, {left}"]
