"""`vaultpy add`: an access key into the keystore."""

from __future__ import annotations

import sys
import time
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import access_key_input, errors
from vaultpy.access_key_owner import Checked, check
from vaultpy.cli.context import tell, wiring
from vaultpy.cli.mfa_enroll import enroll_device
from vaultpy.config import Config
from vaultpy.enrolment import new_profiles, parse_role
from vaultpy.mfa_enrolment_wiring import a_key_is_here
from vaultpy.sdk_profiles import parse_sdk_profile, sdk_profiles
from vaultpy.undoing import SignalsInterrupt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.access_key_on_yubikey import YubiKeyStore
    from vaultpy.credentials import AccessKey
    from vaultpy.enrolment import Enrolled
    from vaultpy.terminal import Terminal
    from vaultpy.wiring import Wiring

_NO_TERMINAL = "give the key with --env or --stdin"


def add(  # noqa: PLR0913  # one parameter an option
    context: typer.Context,
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The name to enrol it under.")],
    *,
    env: Annotated[
        bool, typer.Option("--env", help="Take it from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    ] = False,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Read accessKeys.csv, the AWS CLI's JSON or aws-vault's export.")
    ] = False,
    role: Annotated[
        list[str] | None, typer.Option(metavar="NAME=ARN", help="Add a role's profile too; repeatable.")
    ] = None,
    credential_process: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PROFILE",
            help="Add profile NAME, in which SDKs ask vaultpy for PROFILE; a name of its own; repeatable.",
        ),
    ] = None,
    on_yubikey: Annotated[
        bool, typer.Option("--on-yubikey", help="Put the secret on a YubiKey, and into no keystore.")
    ] = False,
    spare: Annotated[
        int, typer.Option("--spare", count=True, help="With --on-yubikey: on a spare too; repeatable.")
    ] = 0,
    yubikey: Annotated[
        str | None, typer.Option(metavar="SERIAL", help="With --on-yubikey: the one to begin with.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the key that is enrolled.")] = False,
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Do not ask AWS whose key it is.")] = False,
) -> None:
    """Enrol an IAM user's access key: into the keystore, and its profile into AWS's config file.

    Example: vaultpy add dev --role admin=arn:aws:iam::123456789012:role/admin
    """
    if env and stdin:
        raise errors.UsageError(problem="--env and --stdin exclude each other", command="add")
    if (spare or yubikey) and not on_yubikey:
        raise errors.UsageError(problem="--spare and --yubikey go with --on-yubikey", command="add")
    roles = [parse_role(text) for text in role or []]
    wanted = [parse_sdk_profile(text) for text in credential_process or []]
    run = wiring(context)
    enroller = run.enroller()
    replaces = enroller.judge(profile, roles, replace=force)
    for_sdks = sdk_profiles(run.config, wanted, {profile, *(name for name, _ in roles)})
    if on_yubikey:
        _warn_of_its_past(run, profile, enrolled=bool(replaces))
    keys = _yubikeys(run, profile, spare + 1, yubikey) if on_yubikey else None
    access_key = _access_key(run, env=env, stdin=stdin)
    checked = Checked("", (), told=True)
    if not no_verify:
        checked = check(run.aws(profile), access_key, profile, _pauses_for_a_new_key(run.terminal))
    profiles = [*new_profiles(profile, checked, roles), *for_sdks]
    keystore = keys.name if keys else run.keystore_name()
    with SignalsInterrupt():
        enrolled = enroller.enrol(profile, access_key, checked, keystore, profiles, replaces=replaces)
    whose = f" of {checked.user_arn}" if checked.user_arn else ""
    tell(f"enrolled access key {access_key.id}{whose} as {profile}")
    if keys:
        tell(f"its secret is on {' and '.join(keys.where)}")
    _report(run, checked, enrolled)
    if checked.lacks_device and not (env or stdin):
        _offer_device(run, profile)


def _yubikeys(run: Wiring, profile: str, count: int, yubikey: str | None) -> YubiKeyStore:
    """Return the YubiKeys that the secret goes onto, of which the first can be written to."""
    from vaultpy.yubikey_wiring import onto_yubikeys

    known = run.config.profile(profile) if run.config.has(profile) else None
    keys = onto_yubikeys(run, known, count, yubikey)
    keys.choose()
    return keys


def _warn_of_its_past(run: Wiring, profile: str, *, enrolled: bool) -> None:
    """Say how to get a secret that was nowhere else: `rotate` wants a key that is enrolled."""
    name = quote(profile)
    first = "" if enrolled else f"vaultpy add {name}, without --on-yubikey, then "
    run.terminal.note(
        "a secret that lay elsewhere is only as safe as that place; for one that never did:"
        f" {first}vaultpy rotate {name} --on-yubikey"
    )


def _offer_device(run: Wiring, profile: str) -> None:
    """Go on with `mfa enroll` if a YubiKey is here and somebody wants it."""
    if not run.terminal.can_ask() or not a_key_is_here(run):
        return
    if run.terminal.confirm("make an MFA device for this user, on the YubiKey that is plugged in?"):
        run.config = Config.load(run.environ)  # which has the new profile in it
        enroll_device(run, profile)
    else:
        run.terminal.note(f"to do it later: vaultpy mfa enroll {quote(profile)}")


def _pauses_for_a_new_key(terminal: Terminal) -> Iterator[float]:
    """Wait a little longer at each step, 20 s in all, and say why."""
    terminal.note("AWS does not know this access key yet: if it is new, it will in some seconds")
    for seconds in (1, 2, 3, 4, 5, 5):
        time.sleep(seconds)
        yield seconds


def _access_key(run: Wiring, *, env: bool, stdin: bool) -> AccessKey:
    if env:
        return access_key_input.from_environment(run.environ)
    if stdin:
        return access_key_input.from_bytes(_standard_input())
    otherwise = errors.NoTerminal(question="which access key?", remedy=_NO_TERMINAL)
    key_id = run.terminal.ask("access key id", otherwise)
    return access_key_input.typed(key_id, run.terminal.secret("secret access key", otherwise))


def _standard_input() -> bytes:
    """Return all of it, up to one byte too many; nothing where it is closed."""
    return sys.stdin.buffer.read(access_key_input.MAX_BYTES + 1) if sys.stdin else b""


def _report(run: Wiring, checked: Checked, enrolled: Enrolled) -> None:
    if enrolled.added:
        sections = ", ".join(f"[profile {name}]" for name in enrolled.added)
        tell(f"added to {run.config.path}: {sections}")
    if enrolled.left_behind and enrolled.why:
        old = enrolled.left_behind
        run.terminal.warn(f"access key {old.access_key_id} is still in its keystore: {enrolled.why.message}")
        run.terminal.warn(f"once that works again: vaultpy remove {quote(old.name)}")
    if not checked.told:
        run.terminal.warn("AWS does not let this user list its MFA devices: add mfa_serial to the profile")
    elif checked.lacks_device:
        run.terminal.warn("this user has no MFA device that makes codes; roles that require MFA will refuse")
