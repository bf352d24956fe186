"""What belongs to one call of a boto3 client that several threads share: who signs it, and how it went."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from botocore.credentials import Credentials, ReadOnlyCredentials

from vaultpy.aws_body import Body

if TYPE_CHECKING:
    from vaultpy.values import Secret

_NOBODY = ReadOnlyCredentials("unset", "unset", None)


class Call:
    """One thread's call."""

    def __init__(self) -> None:
        self.keys = _NOBODY
        self.unsigned = False
        self.signature_version: str | None = None  # None: botocore's own choice
        self.body = Body()
        self.status = 0
        self.date: str | None = None

    def sign_with(self, key_id: str, secret: Secret, token: Secret | None) -> None:
        """Let botocore sign this thread's requests so, until `forget`."""
        self.keys = ReadOnlyCredentials(key_id, secret.reveal(), token.reveal() if token else None)

    def forget(self) -> None:
        """Hold no key."""
        self.keys = _NOBODY


class Calls(threading.local):
    """The calls of a client: `own` is that of the thread that asks."""

    def __init__(self) -> None:
        self.own = Call()


class Signers(Credentials):  # type: ignore[misc]  # botocore ships no types
    """To botocore a provider of credentials, and these: at each signature those of the thread's call."""

    def __init__(self, calls: Calls) -> None:
        super().__init__("unset", "unset")
        self._calls = calls

    def load_credentials(self) -> Signers:
        """Return what a client asks whenever it signs."""
        return self

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return who signs this thread's call."""
        return self._calls.own.keys
