"""`vaultpy credential-process` as typer shows it; `cli.run` parses its words, the core does its work."""

from __future__ import annotations

from vaultpy.cli import shared_options


def credential_process(  # noqa: PLR0913  # one parameter an option
    profile: shared_options.Profile,
    *,
    role: shared_options.Role = None,
    duration: shared_options.Duration = None,
    session_duration: shared_options.SessionDuration = None,
    min_ttl: shared_options.MinTtl = None,
    direct: shared_options.Direct = False,
    no_cache: shared_options.NoCache = False,
    mfa_serial: shared_options.MfaSerial = None,
    yubikey: shared_options.YubiKey = None,
) -> None:
    """Give an AWS SDK a role's credentials, as its config file's credential_process.

    Example: credential_process = vaultpy credential-process dev-role
    """
    raise AssertionError("typer only shows the help of credential-process, and says what is missing")
