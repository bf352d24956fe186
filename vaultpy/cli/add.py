"""`vaultpy add`: an access key into the keystore."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from vaultpy import errors, key_input
from vaultpy.credentials import AccessKey  # noqa: TC001  # typer reads the annotations when it runs
from vaultpy.enrolment import Checked, check, new_profiles, parse_role
from vaultpy.wiring import Wiring  # noqa: TC001  # typer reads the annotations when it runs

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
    force: Annotated[bool, typer.Option("--force", help="Replace the key that is enrolled.")] = False,
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Do not ask AWS whose key it is.")] = False,
) -> None:
    """Enrol an IAM user's access key: into the keystore, and its profile into AWS's config file.

    Example: vaultpy add dev --role dev-admin=arn:aws:iam::123456789012:role/admin
    """
    wiring: Wiring = context.obj
    enroller = wiring.enroller()
    roles = [parse_role(text) for text in role or []]
    if not force:
        enroller.refuse_double(profile)
    access_key = _access_key(wiring, env=env, stdin=stdin)
    checked = Checked("", (), told=True) if no_verify else check(wiring.aws(profile), access_key)
    keystore = wiring.keystore_name()
    added = enroller.enrol(profile, access_key, checked, keystore, new_profiles(profile, checked, roles))
    _report(wiring, profile, access_key, checked, added)


def _access_key(wiring: Wiring, *, env: bool, stdin: bool) -> AccessKey:
    if env and stdin:
        raise errors.UsageError(problem="--env and --stdin exclude each other", command="add")
    if env:
        return key_input.from_environment(wiring.environ)
    if stdin:
        return key_input.from_text(sys.stdin.read(key_input.MAX_CHARACTERS + 1))
    otherwise = errors.NoTerminal(question="the access key", remedy=_NO_TERMINAL)
    key_id = wiring.terminal.ask("access key id", otherwise)
    return key_input.typed(key_id, wiring.terminal.secret("secret access key", otherwise))


def _report(wiring: Wiring, profile: str, access_key: AccessKey, checked: Checked, added: list[str]) -> None:
    whose = f" of {checked.user_arn}" if checked.user_arn else ""
    typer.echo(f"enrolled access key {access_key.id}{whose} as {profile}")
    if added:
        typer.echo(f"added to {wiring.config.path}: {', '.join(f'[profile {name}]' for name in added)}")
    if not checked.told:
        wiring.terminal.warn("AWS does not let this user list its MFA devices: add mfa_serial to the profile")
    elif checked.user_arn and not checked.mfa_serials:
        wiring.terminal.warn(
            "this user has no MFA device that makes codes; roles that require MFA will refuse"
        )
