"""One profile of AWS's shared config, as `vaultpy.config` has put it together."""

from __future__ import annotations

import vaultpy
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ACCOUNT_DIGITS = 12
_ROLE_ARN_LENGTHS = range(20, 2048 + 1)
_ROLE_SECONDS = range(900, 43200 + 1)
_DIGITS = 10
_OF_A_SOURCE = frozenset(
    {
        "aws_access_key_id",
        "credential_process",
        "credential_source",
        "login_session",
        "sso_account_id",
        "sso_role_name",
        "sso_session",
        "sso_start_url",
        "web_identity_token_file",
    }
)


def is_line(text: str) -> bool:
    """Tell whether `text` has no control characters, which no variable and no request should carry."""
    return not any(c < " " or "\x7f" <= c <= "\x9f" for c in text)


def is_role_arn(text: str) -> bool:
    """Tell whether `text` is the ARN of an IAM role, as the IAM user guide has it ("IAM identifiers")."""
    prefix, _, path = text.partition(":role/")
    scheme, _, rest = prefix.partition(":")
    partition, _, owner = rest.partition(":")
    account = owner.removeprefix("iam::")
    return (
        len(text) in _ROLE_ARN_LENGTHS
        and scheme == "arn"
        and partition != ""
        and owner != account
        and len(account) == _ACCOUNT_DIGITS
        and account.isdecimal()
        and all("!" <= c <= "~" for c in text)
        and _is_role_name(path.rpartition("/")[2])
    )


def _made_of(marks: str, lengths: range) -> Callable[[str], bool]:
    """Return what tells texts of `lengths`, made of `marks` and ASCII's letters and digits, from others."""
    allowed = frozenset(_LETTERS_AND_DIGITS + marks)
    return lambda text: len(text) in lengths and allowed.issuperset(text)


# The patterns of the STS and IAM API references.
_is_role_name = _made_of("_+=,.@-", range(1, 64 + 1))
_is_session_name = _made_of("_+=,.@-", range(2, 64 + 1))
_is_external_id = _made_of("_+=,.@:/-", range(2, 1224 + 1))
is_mfa_serial = _made_of("_+=/:,.@-", range(9, 256 + 1))
is_source_identity = _is_session_name
SOURCE_IDENTITY_WANTED = "a source identity (2 to 64 letters, digits and _+=,.@-)"
MFA_SERIAL_WANTED = "an MFA device's ARN or serial number (9 to 256 letters, digits and _+=/:,.@-)"


class _Key:
    """The value of the config key that the attribute is named after; None where it is absent or empty.

    `check` tells whether the value will do, `wanted` says in words what would.
    """

    __slots__ = ("_check", "_name", "_wanted")

    def __init__(
        self,
        check: Callable[[str], bool] = is_line,
        wanted: str = "a single line without control characters",
    ) -> None:
        self._check = check
        self._wanted = wanted

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, profile: Profile, owner: type) -> str | None:
        value = profile.settings.get(self._name) or None
        if value and not self._check(value):
            raise profile.bad_value(self._name, self._wanted)
        return value


class Profile(Value):
    """One profile, after `include_profile` and `[default]` have been filled in.

    Each property is the config key of that name, None where absent, and raises BadConfigValue for a value
    of the wrong form. `path` is the config file; `settings` holds every key but the secret ones;
    `has_plain_keys` tells of an `aws_access_key_id` of its own in either file, `has_keys_in_credentials` of
    one in the credentials file, `has_session_token` of a session token beside it.
    """

    __slots__ = (
        "has_keys_in_credentials",
        "has_plain_keys",
        "has_session_token",
        "name",
        "path",
        "settings",
    )
    name: str
    path: str
    settings: Mapping[str, str]
    has_plain_keys: bool
    has_keys_in_credentials: bool
    has_session_token: bool

    role_arn = _Key(is_role_arn, "a role's ARN such as arn:aws:iam::123456789012:role/NAME")
    source_profile = _Key()
    credential_source = _Key()
    credential_process = _Key()
    web_identity_token_file = _Key()
    mfa_serial = _Key(is_mfa_serial, MFA_SERIAL_WANTED)
    external_id = _Key(_is_external_id, "an external id (2 to 1224 letters, digits and _+=,.@:/-)")
    role_session_name = _Key(_is_session_name, "a session's name (2 to 64 letters, digits and _+=,.@-)")
    region = _Key(_made_of("-", range(1, 63 + 1)), "the name of a region such as eu-west-1")
    endpoint_url = _Key()
    services = _Key()
    vaultpy_yubikey = _Key()
    vaultpy_account = _Key()

    def __init__(
        self,
        name: str,
        path: str,
        settings: Mapping[str, str],
        *,
        has_keys_in_credentials: bool = False,
        has_session_token: bool = False,
    ) -> None:
        self._set(name=name, path=path, settings=settings, has_plain_keys="aws_access_key_id" in settings)
        self._set(has_keys_in_credentials=has_keys_in_credentials, has_session_token=has_session_token)

    def __hash__(self) -> int:
        return hash((self.name, self.path))

    def assuming(self, role_arn: str) -> Profile:
        """Return a profile of the same name and settings whose role is `role_arn`, assumed with this one."""
        settings = {key: value for key, value in self.settings.items() if key not in _OF_A_SOURCE}
        return Profile(self.name, self.path, settings | {"role_arn": role_arn, "source_profile": self.name})

    def on_keys_of(self, other: Profile) -> Profile:
        """Return this profile with what `other` says of YubiKeys and sessions, where it says nothing."""
        settings = {key: value for key, value in other.settings.items() if key.startswith("vaultpy_")}
        return Profile(self.name, self.path, {**settings, **self.settings})

    @property
    def assumed_by(self) -> str | None:
        """The other profile whose credentials assume this one's role; a web identity does without.

        Raises BadConfigValue where two are named, as botocore does.
        """
        others = self.role_arn and not self.settings.get("web_identity_token_file")
        if others and self.source_profile and self.credential_source:
            raise self.bad_value("source_profile", "usable beside credential_source; keep one of them")
        return self.source_profile if others and self.source_profile != self.name else None

    def bad_value(self, key: str, wanted: str) -> vaultpy.errors.BadConfigValue:
        """Return the error that says that `key` is not what is `wanted`."""
        value = self.settings.get(key, "")
        return vaultpy.errors.BadConfigValue(
            profile=self.name, key=key, value=value, wanted=wanted, path=self.path
        )

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
    def vaultpy_day_key(self) -> str | None:
        """Whether what a YubiKey signs with is kept for the day: `keep`, or not."""
        text = self.settings.get("vaultpy_day_key") or None
        if text not in {None, "keep"}:
            raise self.bad_value("vaultpy_day_key", "keep")
        return text

    @property
    def vaultpy_session_duration(self) -> int | None:
        """How long the shared MFA session is to hold, in seconds; written as `90m`, `8h` or seconds."""
        text = self.settings.get("vaultpy_session_duration")
        if not text:
            return None
        try:
            from vaultpy.text import parse_duration

            return parse_duration(text)
        except vaultpy.errors.BadDuration:
            raise self.bad_value("vaultpy_session_duration", "a duration such as 90m, 8h or 3600") from None

    @property
    def vaultpy_mfa_serials(self) -> tuple[str, ...]:
        """Several MFA serials, divided by commas or blanks: whichever YubiKey is plugged in serves."""
        serials = tuple(self.settings.get("vaultpy_mfa_serials", "").replace(",", " ").split())
        if not all(map(is_mfa_serial, serials)):
            raise self.bad_value("vaultpy_mfa_serials", f"a list, each of which is {MFA_SERIAL_WANTED}")
        return serials
