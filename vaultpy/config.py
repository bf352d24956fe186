"""AWS's shared config and credentials files, read as botocore reads them: `Config` and its `Profile`s.

What `[profile x]` says comes first, key by key after the credentials file's `[x]`, as in botocore's
`Session.full_config`. Then, as in aws-vault, the chain of `include_profile` fills what is still empty, and
`[default]` gives `mfa_serial` and `region`. No access key is ever included.

Deviations from botocore, besides those two:

- a mistake is noticed in the sections that are asked for, and before the first one, not everywhere
- `[DEFAULT]` is no section and gives nothing to the others
- the files are UTF-8 in every locale
- a file that exists and cannot be read is an error, not an empty one; so is a directory, and a pipe
- an empty value counts as absent
- secret keys and session tokens are left out of `Profile.settings`
- nested values stay text there (`config_section.nested` takes them apart)
"""
# pathlib would cost every warm start milliseconds:
# ruff: noqa: PTH111, PTH116

from __future__ import annotations

import os
import stat
import sys

import vaultpy
from vaultpy.config_search import IniFile
from vaultpy.config_section import nested
from vaultpy.environment import ignores_endpoints, profile_variables
from vaultpy.profile import Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_FILE, CREDENTIALS_FILE = "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"
_LARGEST = 16 * 1024 * 1024
_SESSION_TOKENS = ("aws_session_token", "aws_security_token")
_SECRETS = frozenset({"aws_secret_access_key", *_SESSION_TOKENS})
_NOT_INCLUDED = frozenset({"aws_access_key_id", "include_profile"})
_FROM_DEFAULT = ("mfa_serial", "region")


class Config:
    """The shared config and credentials files as they were when it was loaded."""

    __slots__ = ("_config", "_credentials", "_environ", "path")

    def __init__(self, path: str, config: IniFile, credentials: IniFile, environ: Mapping[str, str]) -> None:
        self.path = path
        self._config = config
        self._credentials = credentials
        self._environ = environ

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> Config:
        """Read the files that AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name, else those in ~/.aws.

        A file that is missing is empty. Raises ConfigUnreadable, and ConfigMalformed for settings before the
        first section.
        """
        path, config = _load(CONFIG_FILE, "~/.aws/config", environ)
        _, credentials = _load(CREDENTIALS_FILE, "~/.aws/credentials", environ)
        return cls(path, config, credentials, environ)

    def names(self) -> list[str]:
        """Return the profiles' names in the files' order, those only in the credentials file last."""
        from vaultpy.config_text import name_in

        named = ("default" if it == "default" else name_in(it, "profile") for it in self._config.headers())
        names = [name for name in named if name is not None]
        return list(dict.fromkeys([*names, *self._credentials.headers()]))

    def has(self, name: str) -> bool:
        """Tell whether there is such a profile; the case of letters counts."""
        return self._config.header_of("profile", name) is not None or name in self._credentials

    def profile(self, name: str) -> Profile:
        """Return the profile `name`.

        Raises NoSuchProfile or, with names like it, MistypedProfile; for what its `include_profile` names
        DanglingProfile and ProfileCycle; ConfigMalformed.
        """
        if not self.has(name):
            raise self._unknown(name)
        settings = self._own_settings(name)
        seen, layer = [name], settings
        while included := layer.get("include_profile"):
            if included in seen:
                raise self._cycle("include_profile", seen, included)
            self._require(included, "include_profile", seen[-1])
            seen.append(included)
            layer = self._own_settings(included)
            _fill(settings, {key: value for key, value in layer.items() if key not in _NOT_INCLUDED})
        default = self._own_settings("default")
        _fill(settings, {key: default[key] for key in _FROM_DEFAULT if key in default})
        return Profile(name, self.path, settings, **self._plain_keys(name))

    def chain(self, name: str) -> list[Profile]:
        """Return the profile, its source profile, that one's, ... to the first that has no other one.

        A source profile counts beside a `role_arn` only, as in botocore's AssumeRoleProvider: it says whose
        credentials assume the role, unless a web identity does. A profile that names itself ends the chain:
        so botocore spells 'my own plain keys'. Raises what `profile` raises, BadConfigValue, ProfileCycle,
        and DanglingProfile for a source profile that is missing.
        """
        chain = [self.profile(name)]
        while source := chain[-1].assumed_by:
            names = [profile.name for profile in chain]
            if source in names:
                raise self._cycle("source_profile", names, source)
            self._require(source, "source_profile", names[-1])
            chain.append(self.profile(source))
        return chain

    def endpoint_url(self, service: str, profile: Profile) -> str | None:
        """Return the endpoint that is configured for `service` (as boto3 spells it), else None.

        The order is that of botocore's ConfiguredEndpointProvider: AWS_ENDPOINT_URL_<SERVICE>,
        AWS_ENDPOINT_URL, the profile's `services` section, the profile's `endpoint_url`. Raises
        BadConfigValue.
        """
        if ignores_endpoints(profile, self._environ):
            return None
        key = service.replace("-", "_")
        return (
            self._environ.get(f"AWS_ENDPOINT_URL_{key.upper()}")
            or self._environ.get("AWS_ENDPOINT_URL")
            or self._service_settings(profile, key.lower()).get("endpoint_url")
            or profile.endpoint_url
        )

    def child_settings(self, profile: Profile) -> dict[str, str]:
        """Return the profile's settings that an SDK would read from AWS_PROFILE, as variables to add.

        Raises BadConfigValue and ConfigMalformed.
        """
        services = self._config.section("services", profile.services) or {}
        endpoints = {
            service: nested(block).get("endpoint_url", "")
            for service, block in services.items()
            if block.startswith("\n")
        }
        return profile_variables(profile, endpoints, self._environ)

    def _service_settings(self, profile: Profile, service: str) -> dict[str, str]:
        if not (name := profile.services):
            return {}
        settings = self._config.section("services", name)
        if not settings:
            raise profile.bad_value("services", "the name of a [services] section with settings")
        block = settings.get(service, "\n")
        if not block.startswith("\n"):
            raise profile.bad_value("services", f"a section whose {service} is a block of indented settings")
        return nested(block)

    def _own_settings(self, name: str) -> dict[str, str]:
        settings = self._config.section("profile", name) or {}
        settings |= self._credentials.settings(name) or {}
        for key in _SECRETS:
            settings.pop(key, None)
        return settings

    def _plain_keys(self, name: str) -> dict[str, bool]:
        """Return what `Profile` knows of keys in clear; one file's token does not go with the other's key."""
        own = self._credentials.settings(name) or {}
        if not (in_credentials := "aws_access_key_id" in own):
            own = self._config.section("profile", name) or {}
        has_token = any(map(own.get, _SESSION_TOKENS))
        return {"has_keys_in_credentials": in_credentials, "has_session_token": has_token}

    def _unknown(self, name: str) -> vaultpy.errors.VaultpyError:
        likely = self._near(name)
        if likely:
            return vaultpy.errors.MistypedProfile(profile=name, path=self.path, near=" or ".join(likely))
        return vaultpy.errors.NoSuchProfile(profile=name, path=self.path)

    def _near(self, name: str) -> list[str]:
        from vaultpy.text import near

        return near(name, self.names())

    def _require(self, name: str, key: str, by: str) -> None:
        if not self.has(name):
            likely = self._near(name)
            remedy = f"did you mean {' or '.join(likely)}?" if likely else f"correct {key} in profile {by}"
            raise vaultpy.errors.DanglingProfile(
                profile=by, missing=name, key=key, path=self.path, remedy=remedy
            )

    def _cycle(self, key: str, names: list[str], again: str) -> vaultpy.errors.ProfileCycle:
        circle = [*names[names.index(again) :], again]
        return vaultpy.errors.ProfileCycle(key=key, circle=" -> ".join(circle), path=self.path)


def _fill(settings: dict[str, str], more: Mapping[str, str]) -> None:
    for key, value in more.items():
        if value and not settings.get(key):
            settings[key] = value


def _load(variable: str, usual: str, environ: Mapping[str, str]) -> tuple[str, IniFile]:
    path = expand(environ.get(variable, usual), environ)
    data = read_bytes(path, variable)
    if not data.isascii():
        decode(data, path, variable)  # only to see that it can be
    return path, IniFile(data, path)


def expand(path: str, environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return `path` with its variables, and with the home directory of `environ` for `~`."""
    path = os.path.expandvars(path)
    variable, separators = ("USERPROFILE", "/\\") if platform == "win32" else ("HOME", "/")
    is_ours = variable in environ and path[:1] == "~" and path[1:2] in separators
    return environ[variable].rstrip(separators) + path[1:] if is_ours else os.path.expanduser(path)


def read_bytes(path: str, variable: str) -> bytes:
    """Return what the file holds, which the environment's `variable` names; nothing if missing or /dev/null.

    Raises ConfigUnreadable for one that cannot be opened, is no file, as a pipe, or larger than 16 MiB.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            status = os.fstat(file.fileno())
            size = min(status.st_size or _LARGEST, _LARGEST) + 1  # a buffer for the largest costs more
            data = file.read(size) if stat.S_ISREG(status.st_mode) else b""
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise vaultpy.errors.ConfigUnreadable(path=path, reason=error.strerror, variable=variable) from error
    if not stat.S_ISREG(status.st_mode) and not os.path.samestat(status, os.stat(os.devnull)):
        raise vaultpy.errors.ConfigUnreadable(path=path, reason="it is a pipe or a device", variable=variable)
    if len(data) > _LARGEST:
        raise vaultpy.errors.ConfigUnreadable(path=path, reason="it is larger than 16 MiB", variable=variable)
    return data


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def decode(data: bytes, path: str, variable: str) -> str:
    """Return `data` as text, its newlines untouched; raises ConfigUnreadable unless it is UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass  # raised below: the exception at hand carries the file's content, secrets included
    raise vaultpy.errors.ConfigUnreadable(path=path, reason="it is not UTF-8 text", variable=variable)
