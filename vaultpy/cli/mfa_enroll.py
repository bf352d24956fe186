"""`vaultpy mfa enroll`: an MFA device in IAM, and its secret on one YubiKey or several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import errors
from vaultpy.cli.context import tell, wiring
from vaultpy.mfa_enrolment_wiring import MfaEnrolmentWiring

if TYPE_CHECKING:
    from vaultpy.mfa_enrolment import Enrolled
    from vaultpy.mfa_target import Destination
    from vaultpy.values import Secret
    from vaultpy.wiring import Wiring


def enroll(  # noqa: PLR0913  # one parameter an option
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The profile whose user gets it.")],
    *,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Its name; else the user's.")] = None,
    spare: Annotated[
        int, typer.Option("--spare", count=True, help="Put it on a spare YubiKey too; repeatable.")
    ] = 0,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another user, for whom PROFILE enrols it.")
    ] = None,
    secret: Annotated[
        bool, typer.Option("--secret", help="Type the secret that the AWS console shows; asks IAM for none.")
    ] = False,
    yubikey: Annotated[str | None, typer.Option(metavar="SERIAL", help="The YubiKey to begin with.")] = None,
) -> None:
    """Make a virtual MFA device in IAM and put its secret on a YubiKey, which wants a touch for each code.

    Example: vaultpy mfa enroll dev --spare
    """
    if secret and user:
        raise errors.UsageError(problem="--secret and --user exclude each other", command="mfa enroll")
    enroll_device(
        wiring(context), profile, name=name, spares=spare, user=user, secret=secret, yubikey=yubikey
    )


def enroll_device(  # noqa: PLR0913  # what an enrolment may differ in
    run: Wiring,
    profile: str,
    *,
    name: str | None = None,
    spares: int = 0,
    user: str | None = None,
    secret: bool = False,
    yubikey: str | None = None,
) -> None:
    """Enrol a device as the command of that name does, and say what came of it."""
    parts = MfaEnrolmentWiring(run, profile, user)
    target = parts.target(name)
    destination = parts.destination(target)
    enroller = parts.enroller(target, destination, yubikey)
    if secret:
        done = enroller.enroll_secret(lambda first, second: _show(run, first, second), spares)
    else:
        done = enroller.enroll(spares)
    _report(run, done, destination)
    if destination is None or done.seed is None:
        return
    try:
        parts.proof(destination, done.target).prove(done.seed)
    except errors.VaultpyError:
        run.terminal.warn("the device is enrolled, and only the proof that AWS takes its codes has failed")
        raise
    tell(f"AWS has taken a code of it: {destination.name} has an MFA session")


def _show(run: Wiring, first: Secret, second: Secret) -> None:
    run.terminal.show(f"first code: {first.reveal()}, second code: {second.reveal()}")


def _report(run: Wiring, done: Enrolled, destination: Destination | None) -> None:
    serial = done.target.serial
    tell(f"MFA device {serial} of {done.target.user_name} is on {' and '.join(done.where)}")
    settings = [f"{key} = {value}" for key, value in done.target.settings()]
    if done.written and destination:
        tell(f"in {run.config.path}: [profile {destination.name}] has {', '.join(settings)}")
    elif destination:
        run.terminal.warn(
            f"profile {destination.name} names another device; for both: vaultpy_mfa_serials = OTHER {serial}"
        )
    else:
        tell(f"that user's profile wants: {', '.join(settings)}")
        run.terminal.note(
            "no key of that user's is enrolled here, so no session proves that AWS takes its codes"
        )
