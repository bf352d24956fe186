"""Calls of a client as a process of its own, whose environment a test chooses: prints what came of each.

python -m support.aws_call ENDPOINT_URL|- PROFILE|- KEY_ID [HTTPS_PROXY...]
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from vaultpy.config import Config
from vaultpy.credentials import AccessKey
from vaultpy.errors import VaultpyError
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey


def call(
    url: str | None,
    key: AwsAccessKey,
    environ: Mapping[str, str],
    profile: str | None = None,
    proxies: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Ask for the caller's identity with `key` in a process that has only `environ`, and by each proxy."""
    return subprocess.run(
        [sys.executable, "-m", "support.aws_call", url or "-", profile or "-", key.id, *proxies],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environ},
        input=key.secret,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _main(url: str, profile: str, key_id: str, *proxies: str) -> None:
    logging.basicConfig(level=1, stream=sys.stderr)
    import vaultpy.wiring  # noqa: F401  # it silences the loggers
    from vaultpy.sts import Sts

    for name in ("botocore", "urllib3", "yubikit"):
        logging.getLogger(name).setLevel(1)
        logging.getLogger(name).addHandler(logging.StreamHandler())
    settings = {} if profile == "-" else Config.load(os.environ).profile(profile).settings
    secret = Secret(sys.stdin.read())
    for proxy in proxies or (os.environ.get("HTTPS_PROXY", ""),):
        os.environ["HTTPS_PROXY"] = proxy
        sts = Sts("eu-central-1", None if url == "-" else url, settings)
        try:
            said = sts.caller_arn(AccessKey(key_id, secret))
        except VaultpyError as error:
            said = f"{type(error).__name__}: {error}"
        sys.stdout.write(said + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
