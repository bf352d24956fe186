"""Profiles for SDKs: which name is free for keys or a command, and the profiles that ask vaultpy.

botocore takes a role, a web identity or Identity Center before keys in the credentials file, those before
`credential_process`, and no `credential_process` at all beside a `source_profile`. So each way to credentials
wants a profile of its own.
"""

from __future__ import annotations

from shlex import quote

from vaultpy import errors
from vaultpy.config_edit import NewProfile, check_profiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from vaultpy.config import Config
    from vaultpy.profile import Profile

PROCESS = "credential_process"
_SOURCES = (
    "role_arn",
    PROCESS,
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
    "login_session",
)
_BESIDE_A_PROCESS = ("role_arn", "source_profile", "aws_access_key_id", *_SOURCES[2:])


def source_key(profile: Profile, keys: tuple[str, ...] = _SOURCES) -> str | None:
    """Return the setting that says where the profile's credentials come from, other than keys of its own."""
    return next((key for key in keys if profile.settings.get(key)), None)


def parse_sdk_profile(text: str) -> tuple[str, str]:
    """Return the new profile's name and the one that it gets its credentials of, from `NAME=PROFILE`.

    Raises UsageError.
    """
    name, _, profile = text.partition("=")
    if not name or not profile:
        problem = f"--credential-process {text} is not NAME=PROFILE, as in dev-sdk=dev-role"
        raise errors.UsageError(problem=problem, command="add")
    return name, profile


def sdk_profiles(config: Config, wanted: list[tuple[str, str]], added: Collection[str]) -> list[NewProfile]:
    """Return the profiles whose credentials come from `vaultpy credential-process`, as (NAME, PROFILE).

    `added` are the profiles that this run adds besides. Raises NameInUse, NoSuchProfile and what
    `config_edit.add_profiles` raises.
    """
    found = []
    for name, profile in wanted:
        if profile not in added:
            config.profile(profile)  # which says so if there is none
        key = "a source of its own" if name in added else None
        if key is None and config.has(name):
            key = source_key(config.profile(name), _BESIDE_A_PROCESS)
        if key is not None:
            command = f"vaultpy add ... --credential-process {quote(profile)}-sdk={quote(profile)}"
            raise errors.NameInUse(name=name, key=key, what=PROCESS, command=command)
        region = config.profile(profile).region if config.has(profile) else None
        settings = ((PROCESS, f"vaultpy credential-process {quote(profile)}"),)
        found.append(NewProfile(name, (*settings, ("region", region)) if region else settings))
    check_profiles(config.path, found)
    return found
