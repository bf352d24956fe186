"""`vaultpy credential-process` as typer shows it; `cli.run` parses its words, the core does its work."""

from __future__ import annotations

from vaultpy.cli.shared_options import (
    Direct,
    Duration,
    MfaSerial,
    MinTtl,
    NoCache,
    Profile,
    Role,
    SessionDuration,
    YubiKey,
)


def credential_process(  # noqa: PLR0913  # one parameter an option
    profile: Profile,
    *,
    role: Role = None,
    duration: Duration = None,
    session_duration: SessionDuration = None,
    min_ttl: MinTtl = None,
    direct: Direct = False,
    no_cache: NoCache = False,
    mfa_serial: MfaSerial = None,
    yubikey: YubiKey = None,
) -> None:
    """Give an AWS SDK a role's credentials, as its config file's credential_process.

    Example: credential_process = vaultpy credential-process dev-role
    """
    raise AssertionError("typer only shows the help of credential-process, and says what is missing")
