"""The environment of the command: the role's credentials in it, and nothing that leads an SDK past them."""

from __future__ import annotations

import os
import sys

from vaultpy.profile import is_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vaultpy.credentials import Credentials
    from vaultpy.profile import Profile

MISLEADING = {
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
}
"""Each of these sends some AWS SDK to other credentials, another account or a dead end."""

PASSPHRASE_VARIABLES = ("VAULTPY_KEYSTORE_PASSPHRASE", "VAULTPY_KEYSTORE_PASSPHRASE_FILE")
"""The keystore file's passphrase, and where it stands: no program that is started here gets either."""
NOT_FOR_LIBRARIES = (*PASSPHRASE_VARIABLES, "SSLKEYLOGFILE")
"""Taken out of this process's own environment. By the last, TLS writes into a file what opens its records."""

_UNWANTED = MISLEADING | {
    *PASSPHRASE_VARIABLES,
    "",  # execve refuses an entry without a name
}
# `AWS_BEARER_TOKEN_BEDROCK` and its like: an SDK sends the token instead of signing with the credentials.
BEARER_TOKENS = "AWS_BEARER_TOKEN_"
_VARIABLES = {
    "ignore_configured_endpoint_urls": "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "use_fips_endpoint": "AWS_USE_FIPS_ENDPOINT",
    "use_dualstack_endpoint": "AWS_USE_DUALSTACK_ENDPOINT",
    "ca_bundle": "AWS_CA_BUNDLE",
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

    `extra` holds the variables of `profile_variables`. Without a `region` those of `environ` stay.
    """
    child = {
        name: value
        for name, value in environ.items()
        if name not in _UNWANTED and not name.startswith(BEARER_TOKENS)
    }
    child.update(extra)
    child["AWS_ACCESS_KEY_ID"] = credentials.access_key_id
    child["AWS_SECRET_ACCESS_KEY"] = credentials.secret_access_key.reveal()
    child["AWS_SESSION_TOKEN"] = credentials.session_token.reveal()
    child["AWS_CREDENTIAL_EXPIRATION"] = credentials.expiration_text
    if account_id is not None:
        child["AWS_ACCOUNT_ID"] = account_id
    if region is not None:
        child["AWS_REGION"] = child["AWS_DEFAULT_REGION"] = region
    child["VAULTPY"] = child["AWS_VAULT"] = profile  # shell prompts show AWS_VAULT
    return child


def ignores_endpoints(profile: Profile, environ: Mapping[str, str]) -> bool:
    """Tell whether configured endpoints do not count, as botocore decides it."""
    ignored = environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
    if ignored is None:
        ignored = profile.settings.get("ignore_configured_endpoint_urls", "")
    return ignored.lower() == "true"


def profile_variables(
    profile: Profile, service_endpoints: Mapping[str, str], environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the settings of `profile` that have an environment form, as far as they count beside `environ`.

    Those are endpoints, FIPS, dual stack and ca_bundle. As in botocore a variable wins over its setting, and
    AWS_ENDPOINT_URL over the endpoints of the profile's `services` section (`service_endpoints`) too; where
    endpoints are ignored there are none. Raises BadConfigValue for what no variable can hold.
    """
    settings = profile.settings
    found = {
        variable: _variable(profile, key, settings.get(key, ""))
        for key, variable in _VARIABLES.items()
        if variable not in environ
    }
    if not ignores_endpoints(profile, environ) and not environ.get("AWS_ENDPOINT_URL"):
        found["AWS_ENDPOINT_URL"] = _variable(profile, "endpoint_url", settings.get("endpoint_url", ""))
        for service, url in service_endpoints.items():
            variable = f"AWS_ENDPOINT_URL_{service.upper()}"
            if not environ.get(variable):
                found[_variable(profile, "services", variable)] = _variable(profile, "services", url)
    return {variable: value for variable, value in found.items() if value}


def _variable(profile: Profile, key: str, text: str) -> str:
    """Return `text`, which comes from the setting `key`; raises BadConfigValue unless execve takes it."""
    try:
        os.fsencode(text)
        if is_line(text):
            return text
    except UnicodeEncodeError:
        pass
    raise profile.bad_value(key, "text that a variable can hold: one line, in this locale's letters")


def initial_environment() -> bytes | None:
    """Return the environment that this process was started with, where the system tells (Linux)."""
    try:
        with open("/proc/self/environ", "rb") as file:  # noqa: PTH123  # pathlib costs 9 ms
            return file.read()
    except OSError:
        return None


def uncoerced(
    environ: dict[str, str], initial: Callable[[], bytes | None] = initial_environment
) -> dict[str, str]:
    """Return `environ` with the LC_CTYPE of `initial`, if it is one that the interpreter sets (PEP 538).

    Where `initial` does not tell, UTF-8 mode does: it is on in a C locale only, unless asked for, until
    Python 3.15.
    """
    if environ.get("LC_CTYPE") not in _COERCED_LOCALES:
        return environ
    name = b"LC_CTYPE="
    started_with = initial()
    if started_with is not None:
        values = [entry[len(name) :] for entry in started_with.split(b"\0") if entry.startswith(name)]
    elif sys.flags.utf8_mode and sys.version_info < (3, 15) and "PYTHONUTF8" not in environ:
        values = []
    else:
        return environ
    others = {name: value for name, value in environ.items() if name != "LC_CTYPE"}
    return {**others, "LC_CTYPE": os.fsdecode(values[0])} if values else others
