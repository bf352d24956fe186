"""This computer and this environment: versions, the command's place, and variables that lead elsewhere."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vaultpy import __version__
from vaultpy.findings import Finding, failure, ok, warning
from vaultpy.text import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PACKAGES = ("boto3", "cryptography", "h11", "keyring", "pyscard", "typer", "yubikey-manager")
VARIABLES = (
    "VAULTPY_ASKING",
    "VAULTPY_KEYSTORE",
    "VAULTPY_KEYSTORE_FILE",
    "VAULTPY_KEYSTORE_PASSPHRASE",
    "VAULTPY_KEYSTORE_PASSPHRASE_FILE",
    "VAULTPY_READER",
    "VAULTPY_SESSIONS",
    "VAULTPY_SIGNIN_ENDPOINT",
    "VAULTPY_YUBIKEY",
)
_PREFIX = "VAULTPY_"
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def computer(environ: Mapping[str, str], packages: tuple[str, ...] = PACKAGES) -> Iterator[Finding]:
    """Look at what is installed, and how often."""
    yield ok(
        f"vaultpy {__version__}, Python {platform.python_version()}, {sys.platform} {platform.machine()}"
    )
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:  # noqa: PERF203  # each may be missing by itself
            yield failure(
                f"the package {package} is missing", "install vaultpy again: pipx install --force vaultpy"
            )
    yield ok(", ".join(found))
    yield _place(environ)


def _place(environ: Mapping[str, str], platform: str = sys.platform) -> Finding:
    command = "vaultpy.exe" if platform == "win32" else "vaultpy"
    directories = filter(None, environ.get("PATH", "").split(os.pathsep))
    commands = [str(path) for path in (Path(it) / command for it in directories) if os.access(path, os.X_OK)]
    places = {os.path.realpath(command): command for command in reversed(commands)}
    if not places:
        remedy = "add its directory to PATH, or name the whole path in each credential_process"
        return warning("PATH has no vaultpy, so no credential_process finds it", remedy)
    if len(places) > 1:
        seen = ", ".join(reversed(places.values()))
        return warning(
            f"PATH has several vaultpy, of which the first runs: {seen}", "uninstall all but one of them"
        )
    return ok(f"PATH leads to {commands[0]}")


def environment(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at the variables that change what vaultpy does, or that it would rather not see."""
    found = [*_of_ours(environ), *_keys_in_clear(environ), *_of_aws(environ)]
    yield from found or [ok("no variable leads elsewhere")]


def _of_ours(environ: Mapping[str, str]) -> Iterator[Finding]:
    if profile := environ.get("VAULTPY"):
        text = f"this is a command of vaultpy's, with the credentials of {profile} in its environment"
        yield warning(text, "leave it (exit) to see what a new shell sees")
    for name in sorted(environ):
        if name.startswith(_PREFIX) and name not in VARIABLES:
            likely = near(name.removeprefix(_PREFIX), [it.removeprefix(_PREFIX) for it in VARIABLES])
            remedy = f"did you mean {_PREFIX}{likely[0]}?" if likely else f"unset {name}"
            yield warning(f"{name} is no variable of vaultpy's", remedy)
    if environ.get("VAULTPY_KEYSTORE_PASSPHRASE"):
        text = "the passphrase of the keystore file stands in the environment, for every program to read"
        yield warning(text, "name a file that holds it instead: VAULTPY_KEYSTORE_PASSPHRASE_FILE")


def _keys_in_clear(environ: Mapping[str, str]) -> Iterator[Finding]:
    has_token = environ.get("AWS_SESSION_TOKEN") or environ.get("AWS_SECURITY_TOKEN")
    if environ.get("AWS_SECRET_ACCESS_KEY") and not has_token:
        key_id = environ.get("AWS_ACCESS_KEY_ID", "")
        remedy = "enrol it (vaultpy add NAME --env), then unset both variables where they are set"
        yield warning(f"access key {key_id} stands in the environment, in clear", remedy)


def _of_aws(environ: Mapping[str, str]) -> Iterator[Finding]:
    if serial := environ.get("AWS_MFA_SERIAL"):
        remedy = "unset AWS_MFA_SERIAL unless that is meant"
        yield warning(f"AWS_MFA_SERIAL = {serial} counts instead of every profile's mfa_serial", remedy)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        if environ.get(name):
            yield ok(f"{name} = {environ[name]} is for others: vaultpy neither reads it nor hands it on")
    for name in sorted(environ):
        if name.startswith("AWS_ENDPOINT_URL") and environ[name]:
            yield ok(f"{name} leads to {_without_password(environ[name])}")
    for name in _PROXIES:
        if environ.get(name):
            yield ok(f"{name} leads through {_without_password(environ[name])}")
    bundle = environ.get("AWS_CA_BUNDLE")
    if bundle and not Path(bundle).exists():
        yield failure(f"AWS_CA_BUNDLE = {bundle} does not exist", "correct it, or unset AWS_CA_BUNDLE")


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "what is no URL"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}" if host else "what is no URL"
