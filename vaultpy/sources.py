"""Where the credentials of a profile come from that was never enrolled: what botocore would take for it.

The order is that of botocore's providers for a profile that was asked for by name (botocore/credentials.py,
`create_credential_resolver`): a web identity, then the role, whose credentials begin elsewhere, then Identity
Center, the credentials file's keys, `credential_process`, the config file's keys. Two ends of botocore's are
left out, variables and the machine's own role: they count where `credential_source` names them, since a
profile that says nothing must not quietly become somebody else.
"""

from __future__ import annotations

import sys

import vaultpy
from vaultpy.digests import digest
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.profile import Profile

PLAIN_KEYS = "plain keys"
ENVIRONMENT = "the environment"
CONTAINER = "the container"
INSTANCE = "the instance's metadata"
SSO = "Identity Center"
WEB_IDENTITY = "a web identity"
PROCESS = "credential_process"

_CREDENTIAL_SOURCES = {
    "Environment": ENVIRONMENT,
    "EcsContainer": CONTAINER,
    "Ec2InstanceMetadata": INSTANCE,
}
_DECISIVE_SETTINGS = {
    PLAIN_KEYS: ("aws_access_key_id",),
    SSO: ("sso_session", "sso_start_url", "sso_account_id", "sso_role_name"),
    WEB_IDENTITY: ("role_arn", "web_identity_token_file", "role_session_name"),
}
_CONTAINER_VARIABLES = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
_TOKEN_VARIABLES = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
_FOLLOWED = "vaultpy credential-process NAME without options, nor another program"
_VERB = "credential-process"


class ForeignSource(Value):
    """Credentials that are not vaultpy's: of which profile, from where, and whose as far as its text tells.

    `name` is the profile's; `kind` is one of this module's words for messages; `is_temporary` is False only
    for what is a long-term access key for certain; `decisive` are the values that choose the credentials, no
    secret among them.
    """

    __slots__ = ("decisive", "is_temporary", "kind", "name")
    name: str
    kind: str
    is_temporary: bool
    decisive: tuple[str, ...]

    def __init__(self, name: str, kind: str, decisive: tuple[str, ...] = (), *, is_temporary: bool) -> None:
        self._set(name=name, kind=kind, decisive=decisive, is_temporary=is_temporary)

    @property
    def has_role(self) -> bool:
        """Whether the profile's own `role_arn` is the role of these credentials, not one to assume."""
        return self.kind == WEB_IDENTITY

    def question(self) -> str:
        """Return what tells its sessions from those of another source: one line, without a secret."""
        return "\t".join(["source", *map(repr, (self.name, self.kind, *self.decisive))])


def foreign_source(profile: Profile, environ: Mapping[str, str]) -> ForeignSource | None:
    """Return where botocore would take the credentials of the last profile of a chain from; None for nowhere.

    Beside a `role_arn` with `credential_source` it is what assumes that role. A `credential_process` that is
    vaultpy is none of these (`followed_profile`). Raises UnsupportedSource and BadConfigValue.
    """
    kind = _kind(profile)
    if kind is None or (kind == PROCESS and _asked_of_vaultpy(profile) is not None):
        return None
    temporary = True
    if kind == PLAIN_KEYS:
        temporary = profile.has_session_token
    elif kind == ENVIRONMENT:
        temporary = any(map(environ.get, _TOKEN_VARIABLES))
    return ForeignSource(profile.name, kind, _decisive(kind, profile, environ), is_temporary=temporary)


def _kind(profile: Profile) -> str | None:
    if profile.settings.get("web_identity_token_file"):
        return WEB_IDENTITY
    if profile.role_arn and profile.source_profile != profile.name:
        return _credential_source(profile)
    if profile.role_arn and not profile.has_plain_keys:
        return None  # botocore takes a profile that is its own source_profile for one with plain keys
    return _without_role(profile)


def _without_role(profile: Profile) -> str | None:
    settings = profile.settings
    if settings.get("sso_account_id") or settings.get("sso_role_name"):
        return SSO
    if profile.has_keys_in_credentials:
        return PLAIN_KEYS
    if settings.get("login_session"):
        raise vaultpy.errors.UnsupportedSource(profile=profile.name, source="login_session")
    if settings.get("credential_process"):
        return PROCESS
    return PLAIN_KEYS if profile.has_plain_keys else None


def _credential_source(profile: Profile) -> str | None:
    named = profile.credential_source
    if named is not None and named not in _CREDENTIAL_SOURCES:
        raise profile.bad_value("credential_source", "one of Environment, Ec2InstanceMetadata, EcsContainer")
    return _CREDENTIAL_SOURCES[named] if named is not None else None


def _decisive(kind: str, profile: Profile, environ: Mapping[str, str]) -> tuple[str, ...]:
    if kind == PROCESS:
        return (digest(profile.settings["credential_process"]),)
    if kind == ENVIRONMENT:
        return (environ.get("AWS_ACCESS_KEY_ID", ""),)
    if kind == CONTAINER:
        return tuple(digest(environ.get(name, "")) for name in _CONTAINER_VARIABLES)
    return tuple(profile.settings.get(key, "") for key in _DECISIVE_SETTINGS.get(kind, ()))


def followed_profile(profile: Profile) -> str | None:
    """Return NAME where the profile's credentials come from `vaultpy credential-process NAME`, else None.

    None too where NAME is the profile itself, which leads nowhere. Raises BadConfigValue for that command
    with options or without a name, and UnsupportedSource.
    """
    name = _asked_of_vaultpy(profile) if _kind(profile) == PROCESS else None
    return name if name != profile.name else None


def _asked_of_vaultpy(profile: Profile) -> str | None:
    command = profile.settings["credential_process"]
    if "vaultpy" not in command or _VERB not in command:
        return None
    words = _after_vaultpy(split_command(command))
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb != _VERB:
        return None
    if len(words) != 2 or words[0] != _VERB or words[1].startswith("-"):  # noqa: PLR2004  # verb and name
        raise profile.bad_value("credential_process", _FOLLOWED)
    return words[1]


def split_command(command: str, platform: str = sys.platform) -> list[str]:
    """Return the words of a `credential_process` as botocore has them; none where its quotes do not close."""
    from shlex import shlex

    lexer = shlex(command, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    if platform == "win32":
        lexer.whitespace, lexer.quotes, lexer.escape = " \t", '"', ""
    try:
        return list(lexer)
    except ValueError:
        return []


def _after_vaultpy(words: list[str]) -> list[str]:
    """Return what follows `vaultpy` or `python -m vaultpy`; nothing if the program is another one."""
    program = words[0].replace("\\", "/").rpartition("/")[2].removesuffix(".exe") if words else ""
    if program == "vaultpy":
        return words[1:]
    if program.startswith("python") and "-m" in words:
        module = words.index("-m") + 1
        if words[module : module + 1] == ["vaultpy"] and all(w.startswith("-") for w in words[1:module]):
            return words[module + 1 :]
    return []
