"""`vaultpy rotate`: a new access key in, the old one out."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy.cli.context import say, wiring
from vaultpy.rotating import rotate_profile

if TYPE_CHECKING:
    from vaultpy.wiring import Wiring


def rotate(
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The name it is enrolled under.")],
    *,
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Leave the old key as it is in AWS.")] = False,
) -> None:
    """Put a new access key in the place of the one that is enrolled, and delete the old one.

    Example: vaultpy rotate dev
    """
    rotate_and_tell(wiring(context), profile, keep_old=keep_old)


def rotate_and_tell(run: Wiring, profile: str, *, keep_old: bool = False) -> None:
    """Rotate, and say what came of both keys."""
    done = rotate_profile(run, profile, keep_old=keep_old)
    if done is None:
        return
    say(f"{profile} has access key {done.new_id}")
    what = {
        "": "is deleted",
        "active": "stays active in AWS, and vaultpy has forgotten it",
        "inactive": "is inactive; AWS did not let this run delete it",
    }
    say(f"access key {done.old_id} {what[done.left]}")
    if done.left == "inactive":
        run.terminal.warn(f"it is deleted by the next: vaultpy rotate {quote(profile)}")
