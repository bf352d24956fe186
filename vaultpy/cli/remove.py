"""`vaultpy remove`: a key and its sessions out of the keystore, or off the YubiKey."""

from __future__ import annotations

from shlex import join
from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import errors
from vaultpy.access_key_on_yubikey import yubikey_ids
from vaultpy.cli import shared_options
from vaultpy.cli.context import confirmed, tell, wiring

if TYPE_CHECKING:
    from vaultpy.records import Enrolment


def remove(
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The name it is enrolled under.")],
    *,
    yes: shared_options.Yes = False,
) -> None:
    """Remove an access key from keystore or YubiKey, with its sessions; AWS and its config file keep theirs.

    Example: vaultpy remove dev
    """
    run = wiring(context)
    enrolment = run.index.enrolment(profile)
    if enrolment is None:
        raise errors.NotEnrolled(profile=profile)
    where = f", and its account from {_yubikeys(enrolment)}" if enrolment.on_yubikey else ""
    question = f"remove access key {enrolment.access_key_id} of {profile}{where} for good?"
    if not yes and not confirmed(run, question):
        raise typer.Exit(1)
    run.enroller().remove(profile, enrolment.access_key_id)
    tell(f"removed access key {enrolment.access_key_id} of {profile}; it stays valid in AWS")
    is_listed = any(it.access_key_id == enrolment.access_key_id for it in run.index.enrolments())
    if enrolment.on_yubikey and not is_listed:
        unless = "nobody can sign with it any more, except by a YubiKey named above"
        run.terminal.note(f"{unless}; {_deletion(enrolment)}")


def _deletion(enrolment: Enrolment) -> str:
    words = ["--user-name", enrolment.user_name, "--access-key-id", enrolment.access_key_id]
    how = join(["aws", "iam", "delete-access-key", *words]) if enrolment.user_name else "in the IAM console"
    return f"have it deleted in AWS: {how}"


def _yubikeys(enrolment: Enrolment) -> str:
    found = [f"YubiKey {each}" for each in yubikey_ids(enrolment.keystore_file)]
    return " and ".join(found) or "the YubiKeys that are here"
