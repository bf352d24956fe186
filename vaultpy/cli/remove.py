"""`vaultpy remove`: a key and its sessions out of the keystore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import errors
from vaultpy.cli.context import say, wiring

if TYPE_CHECKING:
    from vaultpy.wiring import Wiring


def remove(
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The name it is enrolled under.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove an access key from the keystore, with its sessions; AWS and its config file keep theirs.

    Example: vaultpy remove dev
    """
    run = wiring(context)
    enrolment = run.index.enrolment(profile)
    if enrolment is None:
        raise errors.NotEnrolled(profile=profile)
    if not yes and not _confirmed(run, f"remove access key {enrolment.access_key_id} of {profile} for good?"):
        raise typer.Exit(1)
    run.enroller().remove(profile, enrolment.access_key_id)
    say(f"removed access key {enrolment.access_key_id} of {profile}; it stays valid in AWS")


def _confirmed(run: Wiring, question: str) -> bool:
    if not run.terminal.can_ask():
        raise errors.NoTerminal(question=question, remedy="add --yes if you are sure")
    return run.terminal.confirm(question)
