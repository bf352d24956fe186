"""One profile of AWS's shared config, as `vaultpy.config` has put it together."""

from __future__ import annotations

from vaultpy.errors import BadConfigValue, BadDuration
from vaultpy.text import parse_duration
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_ROLE_SECONDS = range(900, 43200 + 1)
_DIGITS = 10
_FOREIGN = (
    "credential_source",
    "credential_process",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
)


class _Key:
    """The value of the config key that the attribute is named after; None where it is absent or empty."""

    __slots__ = ("_name",)

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, profile: Profile, owner: type) -> str | None:
        value = profile.settings.get(self._name) or None
        if value and "\n" in value:
            raise profile.bad_value(self._name, "a single line")
        return value


class Profile(Value):
    """One profile, after `include_profile` and `[default]` have been filled in.

    Each property is the config key of that name, None where absent, and raises BadConfigValue for a value
    of the wrong form. `path` is the config file; `settings` holds every key but the secret ones;
    `has_plain_keys` tells of an `aws_access_key_id` of its own in either file.
    """

    __slots__ = ("has_plain_keys", "name", "path", "settings")
    name: str
    path: str
    settings: Mapping[str, str]
    has_plain_keys: bool

    role_arn = _Key()
    source_profile = _Key()
    credential_source = _Key()
    credential_process = _Key()
    web_identity_token_file = _Key()
    mfa_serial = _Key()
    external_id = _Key()
    role_session_name = _Key()
    region = _Key()
    endpoint_url = _Key()
    services = _Key()
    vaultpy_yubikey = _Key()
    vaultpy_account = _Key()

    def __init__(self, name: str, path: str, settings: Mapping[str, str]) -> None:
        self._set(name=name, path=path, settings=settings, has_plain_keys="aws_access_key_id" in settings)

    def __hash__(self) -> int:
        return hash((self.name, self.path))

    def bad_value(self, key: str, wanted: str) -> BadConfigValue:
        """Return the error that says that `key` is not what is `wanted`."""
        value = self.settings.get(key, "")
        return BadConfigValue(profile=self.name, key=key, value=value, wanted=wanted, path=self.path)

    @property
    def foreign_source(self) -> str | None:
        """The first key that takes the credentials from elsewhere than an access key."""
        return next((key for key in _FOREIGN if self.settings.get(key)), None)

    @property
    def duration_seconds(self) -> int | None:
        """How long the role's credentials are to hold: 900 to 43200 seconds, AssumeRole's limits."""
        text = self.settings.get("duration_seconds")
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < _DIGITS and int(text) in _ROLE_SECONDS):
            raise self.bad_value("duration_seconds", "a number of seconds from 900 to 43200")
        return int(text)

    @property
    def vaultpy_mfa(self) -> str | None:
        """How the MFA code is used: `shared` (GetSessionToken) or `direct` (on AssumeRole itself)."""
        text = self.settings.get("vaultpy_mfa") or None
        if text not in {None, "shared", "direct"}:
            raise self.bad_value("vaultpy_mfa", "shared or direct")
        return text

    @property
    def vaultpy_session_duration(self) -> int | None:
        """How long the shared MFA session is to hold, in seconds; written as `90m`, `8h` or seconds."""
        text = self.settings.get("vaultpy_session_duration")
        if not text:
            return None
        try:
            return parse_duration(text)
        except BadDuration:
            raise self.bad_value("vaultpy_session_duration", "a duration such as 90m, 8h or 3600") from None

    @property
    def vaultpy_mfa_serials(self) -> tuple[str, ...]:
        """Several MFA serials, divided by commas or blanks: whichever YubiKey is plugged in serves."""
        return tuple(self.settings.get("vaultpy_mfa_serials", "").replace(",", " ").split())
