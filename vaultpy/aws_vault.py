"""aws-vault, asked by its own commands for what it keeps; its stores are never opened here."""

from __future__ import annotations

import subprocess
from shutil import which
from typing import TYPE_CHECKING

from vaultpy import key_input
from vaultpy.errors import AwsVaultFailed, AwsVaultMissing, BadKeyInput
from vaultpy.profile import is_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.credentials import AccessKey

# Our passphrase is nobody else's; and within a shell of ours or its own, aws-vault would refuse to export.
_NOT_FOR_IT = ("VAULTPY_KEYSTORE_PASSPHRASE", "VAULTPY_KEYSTORE_PASSPHRASE_FILE", "AWS_VAULT")
_REMEDY = "see what aws-vault says"


class AwsVault:
    """The aws-vault on the PATH of `environ`.

    What it asks, it asks at the terminal; what it prints is read into memory alone.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name: value for name, value in environ.items() if name not in _NOT_FOR_IT}

    def names(self) -> list[str]:
        """Return the names under which it keeps keys; raises AwsVaultMissing and AwsVaultFailed."""
        printed, status = self._run("list", "--credentials")
        if len(printed) > key_input.MAX_BYTES:
            raise AwsVaultFailed(reason="it goes on for more than 64 KiB")
        if status:
            raise AwsVaultFailed(reason=f"it ended with status {status}")
        return [name for name in printed.decode("utf-8", "backslashreplace").splitlines() if name]

    def access_key(self, name: str) -> AccessKey:
        """Have it hand out the key `name`; raises BadKeyInput, and AwsVaultMissing."""
        where = f"what aws-vault exports for {name}"
        if name.startswith(("-", "@")) or not is_line(name):  # it would be an option, or a file of arguments
            raise BadKeyInput(where=where, problem="it would not take that for a name", remedy=_REMEDY)
        printed, status = self._run("export", "--no-session", "--format=json", name)
        if status and len(printed) <= key_input.MAX_BYTES:  # else we have not read all, which ended it
            problem = f"it ended with status {status}"
            raise BadKeyInput(where=where, problem=problem, remedy=_REMEDY)
        return key_input.from_bytes(printed, where)

    def _run(self, *words: str) -> tuple[bytes, int]:
        """Return what it printed, up to one byte too many, and how it ended."""
        path = which("aws-vault", path=self._environ.get("PATH"))
        if path is None:
            raise AwsVaultMissing
        try:
            process = subprocess.Popen([path, *words], stdout=subprocess.PIPE, env=self._environ)
        except OSError:
            raise AwsVaultMissing from None
        with process:
            printed = process.stdout.read(key_input.MAX_BYTES + 1) if process.stdout else b""
        return printed, process.returncode
