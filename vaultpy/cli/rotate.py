"""`vaultpy rotate`: a new access key in, the old one out."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import errors
from vaultpy.cli.context import tell, wiring
from vaultpy.rotate_wiring import AS_BEFORE, Onto, rotate_profile

if TYPE_CHECKING:
    from vaultpy.wiring import Wiring


def rotate(  # noqa: PLR0913  # one parameter an option
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The name it is enrolled under.")],
    *,
    on_yubikey: Annotated[
        bool, typer.Option("--on-yubikey", help="Put the new key's secret on a YubiKey, and nowhere else.")
    ] = False,
    spare: Annotated[
        int, typer.Option("--spare", count=True, help="With --on-yubikey: on a spare too; repeatable.")
    ] = 0,
    yubikey: Annotated[str | None, typer.Option(metavar="SERIAL", help="The YubiKey to begin with.")] = None,
    keep_old: Annotated[bool, typer.Option("--keep-old", help="Leave the old key as it is in AWS.")] = False,
) -> None:
    """Put a new access key in the place of the one that is enrolled, and delete the old one.

    Example: vaultpy rotate dev --on-yubikey --spare
    """
    if spare and not on_yubikey:
        raise errors.UsageError(problem="--spare goes with --on-yubikey", command="rotate")
    onto = Onto(1 + spare if on_yubikey else 0, yubikey)
    rotate_and_tell(wiring(context), profile, keep_old=keep_old, onto=onto)


def rotate_and_tell(run: Wiring, profile: str, *, keep_old: bool = False, onto: Onto = AS_BEFORE) -> None:
    """Rotate, and say what came of both keys."""
    done = rotate_profile(run, profile, keep_old=keep_old, onto=onto)
    if done is None:
        return
    enrolment = run.index.enrolment(profile)
    is_there = enrolment is not None and enrolment.on_yubikey
    tell(f"{profile} has access key {done.new_id}{', on YubiKeys alone' if is_there else ''}")
    what = {
        "": "is deleted",
        "active": "stays active in AWS, and vaultpy has forgotten it",
        "inactive": "is inactive; AWS did not let this run delete it",
    }
    tell(f"access key {done.old_id} {what[done.left]}")
    if done.left == "inactive":
        run.terminal.warn(f"it is deleted by the next: vaultpy rotate {quote(profile)}")
    if onto.count and not is_there:
        again = f"vaultpy rotate {quote(profile)} --on-yubikey"
        run.terminal.warn(f"an earlier rotation had to be finished first; to put a new key there: {again}")
