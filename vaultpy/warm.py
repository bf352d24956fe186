"""`exec PROFILE -- CMD` and `credential-process PROFILE` out of a session at hand, before any import.

It is the same core and the same parser, and gives up without a word wherever the answer might differ: on any
option, on a variable that it does not know, on any error. The command line then says what there is to say.
"""

from __future__ import annotations

import os
import sys
import time

import vaultpy
from vaultpy.argv import (
    CREDENTIAL_PROCESS_FLAGS,
    CREDENTIAL_PROCESS_VALUES,
    EXEC_FLAGS,
    EXEC_VALUES,
    split_words,
)
from vaultpy.aws_time import AwsTime
from vaultpy.config import Config
from vaultpy.environment import BEARER_TOKENS
from vaultpy.handover import hand_over
from vaultpy.index import IndexReadOnce
from vaultpy.kernel_keyring import KernelKeyring, KernelPlace
from vaultpy.launch import find_command
from vaultpy.plan import Options, make_plan
from vaultpy.sessions import MARGIN_SECONDS, SERVER_MARGIN_SECONDS, SessionStore
from vaultpy.state import state_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.credentials import Credentials
    from vaultpy.plan import Plan

_STDOUT = 1
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
    "VAULTPY_SIGNIN_ENDPOINT",
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


def run(words: list[str], environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Answer out of a session, if one serves: become the command, or write the JSON and return true.

    Returns false, nothing having been said, where it is not for this path to tell.
    """
    serve = _SERVED.get(words[0]) if words else None
    if serve is None or platform != "linux" or not _knows(environ):
        return False
    try:
        return serve(words[1:], environ)
    except (vaultpy.errors.VaultpyError, OSError, ValueError):  # the last: a text that no system call takes
        return False


def _knows(environ: Mapping[str, str]) -> bool:
    return all(
        name in _KNOWN or name.startswith(BEARER_TOKENS)  # which never reach the command either
        for name in environ
        if name.startswith(("AWS_", "VAULTPY"))
    )


def _exec(words: list[str], environ: Mapping[str, str]) -> bool:
    split = split_words(words, verb="exec", flags=EXEC_FLAGS, values=EXEC_VALUES)
    if split.options or split.profile is None or not split.command:
        return False
    command = list(split.command)
    path = find_command(command, environ)
    config = Config.load(environ)
    plan, credentials = _at_hand(config, split.profile, environ, MARGIN_SECONDS)
    if credentials is not None:
        settings = config.child_settings(plan.profile)
        hand_over(plan, credentials, path=path, command=command, settings=settings, environ=environ)
    return False


def _credential_process(words: list[str], environ: Mapping[str, str]) -> bool:
    flags, values = CREDENTIAL_PROCESS_FLAGS, CREDENTIAL_PROCESS_VALUES
    split = split_words(words, verb="credential-process", flags=flags, values=values)
    if split.options or split.profile is None or split.command:
        return False
    from vaultpy.credentials_json import render

    plan, credentials = _at_hand(Config.load(environ), split.profile, environ, SERVER_MARGIN_SECONDS)
    if credentials is None:
        return False
    data = f"{render(credentials, plan.account_id)}\n".encode("ascii")
    while data:
        data = data[os.write(_STDOUT, data) :]
    return True


_SERVED = {"exec": _exec, "credential-process": _credential_process}


def _at_hand(
    config: Config, profile: str, environ: Mapping[str, str], margin: int
) -> tuple[Plan, Credentials | None]:
    """Return the plan, and the credentials if they last for `margin` seconds more."""
    state = state_directory(environ)
    index = IndexReadOnce(f"{state}/index")
    plan = make_plan(config, index, profile, Options(), environ)
    if not plan.requests:  # what a source gives is never kept
        return plan, None
    sessions = SessionStore(index, [KernelPlace(KernelKeyring())], AwsTime(f"{state}/ledger", time.time))
    question = plan.question(len(plan.requests))
    duration = plan.requests[-1].duration
    least = margin if duration <= margin else 0  # an SDK would not keep what is as short as the plan's own
    return plan, sessions.get(question, margin, duration, least)
