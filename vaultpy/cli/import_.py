"""`vaultpy import`: access keys out of other tools and into the keystore."""

from __future__ import annotations

from enum import Enum
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import errors, import_wiring
from vaultpy.cli import shared_options
from vaultpy.cli.context import say, tell, wiring
from vaultpy.cli.rotate import rotate_and_tell
from vaultpy.config import Config
from vaultpy.found_access_keys import in_files, lines_left, of_aws_mfa, of_aws_vault
from vaultpy.moving import Move, Skip

if TYPE_CHECKING:
    from vaultpy.found_access_keys import FoundKey
    from vaultpy.moving import Mover
    from vaultpy.wiring import Wiring


class Source(str, Enum):
    """Who keeps the keys."""

    CREDENTIALS = "credentials"
    AWS_MFA = "aws-mfa"
    AWS_VAULT = "aws-vault"


_WHERE = {
    Source.CREDENTIALS: "AWS's files",
    Source.AWS_MFA: "aws-mfa's sections",
    Source.AWS_VAULT: "aws-vault",
}


def import_(
    context: typer.Context,
    source: Annotated[Source, typer.Argument(metavar="SOURCE", help="Who keeps the keys now.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="The keys to move; all without.")
    ] = None,
    *,
    yes: shared_options.Yes = False,
) -> None:
    """Move access keys in from another tool: shows what it would do, and then asks.

    Example: vaultpy import credentials
    """
    run = wiring(context)
    found = _found(run, source, names or [])
    mover = import_wiring.mover(run)
    planned = mover.plan(found)
    for one in planned:
        _show(one, mover)
    moves = [one for one in planned if isinstance(one, Move)]
    if moves and _goes_on(run, source, names or [], yes=yes):
        _move_all(run, mover, source, moves, asks=not yes)
    elif not moves:
        say(f"there is nothing to move from {_WHERE[source]}")
    skipped = [one for one in planned if isinstance(one, Skip)]
    if (names and skipped) or any(one.found.in_clear for one in skipped):
        raise typer.Exit(1)


def _found(run: Wiring, source: Source, names: list[str]) -> list[FoundKey]:
    """Return the keys of these names, or all of them; raises NothingToImport for a name without one."""
    if source is Source.CREDENTIALS:
        found = in_files(run.credentials_path(), run.config.path)
    elif source is Source.AWS_MFA:
        found = of_aws_mfa(run.credentials_path())
    else:
        found = of_aws_vault(import_wiring.aws_vault(run), lambda name: not names or name in names)
    known = {one.name for one in found}
    for name in names:
        if name not in known:
            raise errors.NothingToImport(profile=name, where=_WHERE[source], source=source.value)
    return [one for one in found if not names or one.name in names]


def _show(one: Move | Skip, mover: Mover) -> None:
    name = one.found.name
    if not isinstance(one, Move):
        stays = f"; it stays in clear in {one.found.in_clear}" if one.found.in_clear else ""
        say(f"{name}: skipped: {one.why}{stays}")
        return
    say(f"{name}: access key {one.access_key.id} of {one.checked.user_arn}, from {one.found.where}")
    if one.finishes:
        say(f"  is enrolled as {name} already")
    else:
        say(f"  goes into keystore {mover.keystore} as {name}")
    if one.found.in_clear:
        say(f"  is taken out of {one.found.in_clear}, once AWS has answered the stored key")
    if one.sourced_by:
        say(f"  is the source_profile of {', '.join(one.sourced_by)}: from then on they need vaultpy")
    if one.to_rename:
        say(f"  change source_profile to {name} yourself in: {', '.join(one.to_rename)}")


def _goes_on(run: Wiring, source: Source, names: list[str], *, yes: bool) -> bool:
    if yes:
        return True
    if not run.terminal.can_ask():
        words = " ".join(["vaultpy import", source.value, *map(quote, names), "--yes"])
        say(f"nothing is changed yet; to do it: {words}")
        return False
    if not run.terminal.confirm("go on?"):
        raise typer.Exit(1)
    return True


def _move_all(run: Wiring, mover: Mover, source: Source, moves: list[Move], *, asks: bool) -> None:
    """Move them one by one; what has moved when one fails is advised on too."""
    done: list[Move] = []
    try:
        for move in moves:
            _move(run, mover, move)
            done.append(move)
    finally:
        _advise(run, source, done, asks=asks and len(done) == len(moves) and run.terminal.can_ask())


def _move(run: Wiring, mover: Mover, move: Move) -> None:
    moved = mover.move(move)
    tell(f"enrolled access key {move.access_key.id} of {move.checked.user_arn} as {move.found.name}")
    if moved.added:
        tell(f"added to {run.config.path}: {', '.join(f'[profile {name}]' for name in moved.added)}")
    if moved.taken_out:
        say(f"took it out of {move.found.in_clear}")
    elif move.found.in_clear:
        run.terminal.warn(f"another key stands in {move.found.in_clear} by now: it is left there")


def _advise(run: Wiring, source: Source, moves: list[Move], *, asks: bool) -> None:
    """Say what only the user can do, and offer to rotate what lay in clear."""
    names = list(dict.fromkeys(move.found.name for move in moves))
    if source is Source.AWS_VAULT:
        for name in names:
            say(f"aws-vault keeps its copy; when all works: aws-vault remove {quote(name)}")
        return
    if not moves:
        return
    _warn_of_copies(run, moves)
    run.terminal.warn("who read the file before has the key, and its text may still be on the disk")
    for name in names:
        if source is Source.AWS_MFA and run.config.has(name) and run.config.profile(name).has_session_token:
            place = f"[{name}] of {run.credentials_path()}"
            run.terminal.warn(f"{place} is aws-mfa's session, which other programs go on using: delete it")
    _offer_rotation(run, {move.access_key.id: move.found.name for move in reversed(moves)}, asks=asks)


def _warn_of_copies(run: Wiring, moves: list[Move]) -> None:
    """Name the lines in which a secret still stands, in comments for example."""
    keys = [(move.found.in_clear, move.access_key) for move in moves if move.found.in_clear]
    told = {(place.path, line, key.id) for place, key in keys for line in lines_left(place, key)}
    for path, line, key_id in sorted(told):
        run.terminal.warn(f"the secret of {key_id} still stands in {path}, line {line}: delete that line")


def _offer_rotation(run: Wiring, names: dict[str, str], *, asks: bool) -> None:
    """Rotate what somebody wants rotated; `names` has one profile for each key."""
    left = list(reversed(names.values()))
    run.config = Config.load(run.environ)  # which has the new profiles in it
    try:
        for name in list(left):
            if asks and run.terminal.confirm(f"only a new access key cures that: rotate {name} now?"):
                rotate_and_tell(run, name)
                left.remove(name)
    finally:
        for name in left:
            run.terminal.warn(f"only a new access key cures that: vaultpy rotate {quote(name)}")
