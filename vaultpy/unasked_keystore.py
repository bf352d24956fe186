"""The system keystore for a cache, which is worth no question: where it would ask, it refuses at once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from vaultpy.errors import KeystoreLocked, KeystoreMissing
from vaultpy.keystore import KeyringKeystore, system_backend

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyring.backend import KeyringBackend

    from vaultpy.access_keys import Keystore
    from vaultpy.values import Secret

GIVE_UP_SECONDS = 2.0
"""How long an answer is waited for: that of a keystore which is open takes milliseconds."""


def open_unasked() -> Keystore:
    """Return it; nothing is read yet.

    Its methods raise KeystoreLocked and KeystoreMissing where it would ask, KeystoreTimeout after
    GIVE_UP_SECONDS, and what other keystores raise. When macOS would ask cannot be told beforehand: there
    the time alone is the limit. Raises KeystoreUnknown.
    """
    return unasked(system_backend(), look_on())


def look_on(platform: str = sys.platform) -> Callable[[], None]:
    """Return what is to be called before each question on `platform`."""
    return _no_look if platform in {"darwin", "win32"} else _see_that_it_is_open


def unasked(backend: KeyringBackend, look: Callable[[], None], seconds: float = GIVE_UP_SECONDS) -> Keystore:
    """Return `backend` as a keystore that calls `look` before each question, and waits so long for both."""
    return KeyringKeystore(
        "system",
        _Looking(backend, look),  # type: ignore[arg-type]  # it has what is used of one
        _Nobody(),
        display=True,
        prompt_after=seconds,
        give_up_after=seconds,
    )


def _no_look() -> None:
    """See nothing."""


def _see_that_it_is_open() -> None:
    from vaultpy.secret_service import state

    found = state()
    if found == "empty":
        raise KeystoreMissing(reason="it holds no keyring yet")
    if found != "open":
        raise KeystoreLocked


class _Looking:
    """A backend that is looked at before each use, on the thread that uses it."""

    def __init__(self, backend: KeyringBackend, look: Callable[[], None]) -> None:
        self._backend = backend
        self._look = look

    def get_password(self, service: str, item: str) -> str | None:
        self._look()
        return self._backend.get_password(service, item)

    def set_password(self, service: str, item: str, text: str) -> None:
        self._look()
        self._backend.set_password(service, item, text)

    def delete_password(self, service: str, item: str) -> None:
        self._look()
        self._backend.delete_password(service, item)


class _Nobody:
    """Whom a keystore asks and tells nothing."""

    def passphrase(self, path: str, new: bool) -> Secret:  # noqa: FBT001  # the keystore's port has it so
        raise AssertionError(f"a system keystore wants no passphrase: {path}, {new}")

    def waiting(self, what: str) -> None:
        """Let it be waited for unsaid."""
