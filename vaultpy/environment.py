"""The environment of the command: the role's credentials in it, and nothing that leads an SDK past them."""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.credentials import Credentials

_UNWANTED = {
    # Each of these sends some AWS SDK to other credentials, another account or a dead end.
    "AWS_ACCOUNT_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_DEFAULT_PROFILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECURITY_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "VAULTPY_KEYSTORE_PASSPHRASE",
    "VAULTPY_KEYSTORE_PASSPHRASE_FILE",
    "",  # execve refuses an entry without a name
}
_COERCED_LOCALES = ("C.UTF-8", "C.utf8", "UTF-8")  # PEP 538


def child_environment(  # noqa: PLR0913  # all but the first by keyword; a class for them would be used here alone
    environ: Mapping[str, str],
    *,
    profile: str,
    credentials: Credentials,
    region: str | None,
    account_id: str | None,
    extra: Mapping[str, str] = {},
) -> dict[str, str]:
    """Return `environ` with `credentials` in it and without what would lead an AWS SDK past them.

    `extra` holds the profile's settings that have an environment form (endpoints, ca_bundle); as in botocore,
    a variable that is set already wins over them. Without a `region` the variables of `environ` stay.
    """
    child = {name: value for name, value in environ.items() if name not in _UNWANTED}
    child["AWS_ACCESS_KEY_ID"] = credentials.access_key_id
    child["AWS_SECRET_ACCESS_KEY"] = credentials.secret_access_key.reveal()
    child["AWS_SESSION_TOKEN"] = credentials.session_token.reveal()
    expiration = time.gmtime(credentials.expiration)
    child["AWS_CREDENTIAL_EXPIRATION"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", expiration)
    if account_id is not None:
        child["AWS_ACCOUNT_ID"] = account_id
    if region is not None:
        child["AWS_REGION"] = child["AWS_DEFAULT_REGION"] = region
    child["VAULTPY"] = child["AWS_VAULT"] = profile  # shell prompts show AWS_VAULT
    for name, value in extra.items():
        child.setdefault(name, value)
    return child


def initial_environment() -> bytes | None:
    """Return the environment that this process was started with, where the system tells (Linux)."""
    try:
        with open("/proc/self/environ", "rb") as file:  # noqa: PTH123  # pathlib costs 9 ms
            return file.read()
    except OSError:
        return None


def uncoerced(environ: dict[str, str], initial: bytes | None) -> dict[str, str]:
    """Return `environ` with the LC_CTYPE of `initial`, if it is one that the interpreter sets (PEP 538).

    Without `initial`, UTF-8 mode tells: it is on in a C locale only, unless asked for, until Python 3.15.
    """
    if environ.get("LC_CTYPE") not in _COERCED_LOCALES:
        return environ
    name = b"LC_CTYPE="
    if initial is not None:
        values = [entry[len(name) :] for entry in initial.split(b"\0") if entry.startswith(name)]
    elif sys.flags.utf8_mode and sys.version_info < (3, 15) and "PYTHONUTF8" not in environ:
        values = []
    else:
        return environ
    others = {name: value for name, value in environ.items() if name != "LC_CTYPE"}
    return {**others, "LC_CTYPE": os.fsdecode(values[0])} if values else others
