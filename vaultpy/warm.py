"""`exec PROFILE -- CMD` out of a session at hand: the command line's first question, before any import.

It is the same core and the same parser, and gives up without a word wherever the answer might differ: on any
option, on a variable that it does not know, on any error. The command line then says what there is to say.
"""

from __future__ import annotations

import sys
import time

from vaultpy.argv import EXEC_FLAGS, EXEC_VALUES, split_exec
from vaultpy.config import Config
from vaultpy.environment import BEARER_TOKENS
from vaultpy.errors import VaultpyError
from vaultpy.handover import hand_over
from vaultpy.index import Index
from vaultpy.kernel_keyring import KernelKeyring
from vaultpy.launch import find_command
from vaultpy.plan import Options, make_plan
from vaultpy.session_places import KernelPlace
from vaultpy.sessions import MARGIN_SECONDS, SessionStore
from vaultpy.state import state_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# What these say is read by the core alone, so that it means the same here and on the command line.
_KNOWN = {
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_MFA_SERIAL",
    "AWS_REGION",
    "AWS_SHARED_CREDENTIALS_FILE",
    # These are of no consequence once a session is at hand: they choose keystores and keys, or tune a client.
    "AWS_CA_BUNDLE",
    "AWS_PAGER",
    "AWS_RETRY_MODE",
    "AWS_MAX_ATTEMPTS",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "VAULTPY_KEYSTORE",
    "VAULTPY_KEYSTORE_FILE",
    "VAULTPY_KEYSTORE_PASSPHRASE",
    "VAULTPY_KEYSTORE_PASSPHRASE_FILE",
    "VAULTPY_READER",
    "VAULTPY_YUBIKEY",
    # These never reach the command, and nothing else reads them.
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCOUNT_ID",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_DEFAULT_PROFILE",
    "AWS_PROFILE",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AWS_VAULT",
    "VAULTPY",
}


def run(words: list[str], environ: Mapping[str, str]) -> None:
    """Become the command if a session serves; return if not, or if it is not for this path to tell."""
    if words[:1] != ["exec"] or sys.platform != "linux" or not _knows(environ):
        return
    try:
        split = split_exec(words[1:], flags=EXEC_FLAGS, values=EXEC_VALUES)
        if split.options or split.profile is None or not split.command:
            return
        _serve(split.profile, list(split.command), environ)
    except (VaultpyError, OSError, ValueError):  # ValueError: a text that the system's calls do not take
        return


def _knows(environ: Mapping[str, str]) -> bool:
    return all(
        name in _KNOWN or name.startswith(BEARER_TOKENS)  # which never reach the command either
        for name in environ
        if name.startswith(("AWS_", "VAULTPY"))
    )


def _serve(profile: str, command: list[str], environ: Mapping[str, str]) -> None:
    config = Config.load(environ)
    index = Index(f"{state_directory(environ)}/index")
    plan = make_plan(config, index, profile, Options(), environ)
    if plan.capped:  # which is said each time
        return
    path = find_command(command, environ)
    sessions = SessionStore(index, [KernelPlace(KernelKeyring())], time.time)
    question = plan.question(len(plan.requests))
    credentials = sessions.get(question, MARGIN_SECONDS, plan.requests[-1].duration)
    if credentials is not None:
        settings = config.child_settings(plan.profile)
        hand_over(plan, credentials, path=path, command=command, settings=settings, environ=environ)
