"""AWS's config files: where each profile leads, what it says that is not understood, and keys in clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.credentials_section import SESSION
from vaultpy.errors import NotEnrolled, UnsupportedSource, VaultpyError
from vaultpy.findings import FAILURE, WARNING, Finding, ok, skipped, told_by, warning
from vaultpy.readiness import plan_for
from vaultpy.text import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vaultpy.config import Config
    from vaultpy.index import Index
    from vaultpy.plan import Plan
    from vaultpy.profile import Profile

_SETTINGS = (
    "vaultpy_account",
    "vaultpy_day_key",
    "vaultpy_mfa",
    "vaultpy_mfa_serials",
    "vaultpy_session_duration",
    "vaultpy_yubikey",
)
KEYS = (*_SETTINGS, SESSION)
_READ = (
    "duration_seconds",
    "endpoint_url",
    "external_id",
    "mfa_serial",
    "region",
    "role_arn",
    "role_session_name",
    "services",
    "source_profile",
    *_SETTINGS,
)
_PREFIX = "vaultpy_"


def profiles(config: Config, index: Index, environ: Mapping[str, str], name: str | None) -> Iterator[Finding]:
    """Look at the profile `name`, or at all of them."""
    names = [name] if name is not None else config.names()
    usable = 0
    told: set[Finding] = set()  # many profiles may stand on one that is wrong
    for each in names:
        problem = _problem(config, index, environ, each, named=name is not None)
        usable += problem is None
        for finding in [*_values(config, each), *([problem] if problem else [])]:
            if finding not in told:
                told.add(finding)
                yield finding
    yield ok(f"{config.path}: exec can use {usable} of {len(names)} profile{'s' * (len(names) != 1)}")


def plans(config: Config, index: Index, environ: Mapping[str, str], name: str | None) -> list[Plan]:
    """Return the plans of the profile `name`, or of all; those that cannot be made are left out."""
    made = []
    for each in [name] if name is not None else config.names():
        try:
            made.append(plan_for(config, index, each, environ))
        except VaultpyError:  # noqa: PERF203  # `profiles` tells of it
            continue
    return made


def _problem(
    config: Config, index: Index, environ: Mapping[str, str], name: str, *, named: bool
) -> Finding | None:
    """Return why `exec` cannot use the profile; None if it can."""
    try:
        plan_for(config, index, name, environ)
    except NotEnrolled as error:
        if named or _wants_key(config, name):
            return told_by(error, FAILURE if named else WARNING)
        return skipped(f"profile {name} names no role, key or MFA device")
    except UnsupportedSource as error:
        return told_by(error, FAILURE if named else WARNING)
    except VaultpyError as error:
        return told_by(error)
    return None


def _wants_key(config: Config, name: str) -> bool:
    settings = config.profile(name).settings
    return bool(settings.get("role_arn") or settings.get("mfa_serial"))


def _values(config: Config, name: str) -> Iterator[Finding]:
    """Tell of values that are of the wrong form, of keys that are misspelt, and of an access key in clear."""
    try:
        profile = config.profile(name)
    except VaultpyError as error:
        yield told_by(error)
        return
    for key in _READ:
        try:
            getattr(profile, key)
        except VaultpyError as error:  # noqa: PERF203  # each may be wrong by itself
            yield told_by(error)
    for key in profile.settings:
        if key.startswith(_PREFIX) and key not in KEYS:
            likely = near(key.removeprefix(_PREFIX), [it.removeprefix(_PREFIX) for it in KEYS])
            remedy = f"did you mean {_PREFIX}{likely[0]}?" if likely else f"take it out of {profile.path}"
            yield warning(f"profile {name}: {key} is no key of vaultpy's", remedy)
    yield from _in_clear(profile)


def _in_clear(profile: Profile) -> Iterator[Finding]:
    if not profile.has_plain_keys or profile.has_session_token:
        return
    key_id = profile.settings["aws_access_key_id"]
    file = "credentials" if profile.has_keys_in_credentials else "config"
    text = f"access key {key_id} of profile {profile.name} lies in AWS's {file} file, in clear"
    yield warning(text, "move it into the keystore: vaultpy import credentials")
