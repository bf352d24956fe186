"""From credentials to the command, in the same words for the warm path and the command line."""

from __future__ import annotations

from vaultpy.environment import child_environment
from vaultpy.launch import become

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from vaultpy.credentials import Credentials
    from vaultpy.plan import Plan


def hand_over(  # noqa: PLR0913  # what the command needs to know
    plan: Plan,
    credentials: Credentials,
    *,
    path: str,
    command: list[str],
    settings: Mapping[str, str],
    environ: Mapping[str, str],
    region: str | None = None,
) -> NoReturn:
    """Become `command`, whose file is `path`, with `credentials` for the plan's profile.

    `settings` are the variables of `Config.child_settings`, read before anybody is asked for a code.
    `region` is what the user asked for; else the environment's, else the profile's.
    """
    region = region or plan.child_region(environ)
    become(path, command, environment_for(plan, credentials, settings, environ, region))


def environment_for(
    plan: Plan,
    credentials: Credentials,
    settings: Mapping[str, str],
    environ: Mapping[str, str],
    region: str | None,
) -> dict[str, str]:
    """Return `environ` as it is for a command that has the plan's credentials."""
    return child_environment(
        environ,
        profile=plan.profile.name,
        credentials=credentials,
        region=region,
        account_id=plan.account_id,
        extra=settings,
    )
