"""What `exec --server` does: the command runs beside a server of its credentials, and both end together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.credential_server import (
    FULL_URI,
    KEYS,
    TOKEN,
    default_source,
    first_credentials,
    listening,
    profile_served,
    role_served,
)
from vaultpy.execution import shell_words
from vaultpy.handover import environment_for
from vaultpy.launch import find_command, supervise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vaultpy.credential_server import Run

_UNFIT = {
    "--direct": "--direct wants a touch for each renewal, which --server does without",
    "--no-cache": "--no-cache keeps no MFA session, and --server would want a touch for each renewal",
}


def execute_served(
    run: Run, profile: str, command: Sequence[str], options: Mapping[str, str], allowed: Sequence[str]
) -> int:
    """Run `command`, or the user's shell, beside a server of credentials; return its exit status.

    `options` are those of `argv.EXEC_FLAGS` and `argv.EXEC_VALUES`, by their long names, `allowed` the roles
    of `--allow-role`. For the main thread; raises what stands in the way, and what can be known before a
    touch, before it.
    """
    for option in sorted(_UNFIT.keys() & options.keys()):
        raise errors.UsageError(problem=_UNFIT[option], command="exec")
    words = list(command) or shell_words(run.environ, profile)
    served = profile_served(run, profile, options)
    roles = [role_served(run, profile, role) for role in allowed]
    settings = run.config.child_settings(served.plan.profile)
    find_command(words, run.environ)
    source = default_source(run.config)
    if source:
        raise errors.DefaultInTheWay(source=source, path=run.config.path)
    token = run.new_token()
    with listening(run, [served, *roles], token, yubikey=options.get("--yubikey")) as server:
        credentials = first_credentials(run, served, options)
        region = options.get("--region") or served.plan.child_region(run.environ)
        environ = environment_for(served.plan, credentials, settings, run.environ, region)
        for name in KEYS:
            del environ[name]
        environ |= {FULL_URI: server.url(served.path), TOKEN: token.reveal()}
        if not command:
            lasts = "whose credentials are renewed as long as it runs"
            run.terminal.note(f"this is a shell for {profile}, {lasts}; leave it with exit")
        server.start()
        return supervise(words, environ)
