"""The OATH password of a YubiKey: what ykman remembers, what we remember, else what a person types, once."""

from __future__ import annotations

from vaultpy.errors import OathPasswordNeeded, OathPasswordWrong, VaultpyError
from vaultpy.values import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from vaultpy.access_keys import Keystore

    class LockedKey(Protocol):
        """A key whose OATH application wants its password."""

        device_id: str

        def derive(self, password: str) -> bytes:
            """Return what stands for the password on this key."""

        def unlock(self, derived: bytes) -> bool:
            """Try it."""

    class Asks(Protocol):
        """A person at a terminal."""

        def note(self, text: str) -> None:
            """Say what they should know."""

        def secret(self, question: str, otherwise: VaultpyError) -> Secret:
            """Ask for a secret, unseen; raises `otherwise` where there is no terminal."""

        def confirm(self, question: str) -> bool:
            """Ask for a yes; no where there is no terminal."""


class OathPasswords:
    """Unlocks keys; remembers derived passwords in the keystore if a person wants it."""

    def __init__(
        self, ykman: Callable[[str], bytes | None], keystore: Callable[[], Keystore], person: Asks
    ) -> None:
        """Take what knows ykman's remembered passwords, what opens the keystore, and whom to ask."""
        self._ykman = ykman
        self._keystore = keystore
        self._person = person

    def unlock(self, key: LockedKey, where: str) -> None:
        """Unlock `key`; raises OathPasswordNeeded or OathPasswordWrong."""
        if self.unlock_unasked(key):
            return
        password = self._person.secret(f"OATH password of {where}", OathPasswordNeeded(where=where))
        derived = key.derive(password.reveal())
        if not key.unlock(derived):
            raise OathPasswordWrong(where=where)
        if self._person.confirm("remember it in the keystore?"):
            self._remember(key.device_id, Secret(derived.hex()))

    def unlock_unasked(self, key: LockedKey) -> bool:
        """Unlock `key` with a password that is remembered; tell whether one fits."""
        return any(key.unlock(derived) for derived in self._remembered(key.device_id))

    def _remember(self, device_id: str, derived: Secret) -> None:
        try:
            self._keystore().set(_item(device_id), derived)
        except VaultpyError as error:  # the key is open: the run that it was opened for goes on
            self._person.note(f"the password is not remembered: {error.message}")

    def _remembered(self, device_id: str) -> Iterator[bytes]:
        from_ykman = self._ykman(device_id)
        if from_ykman is not None:
            yield from_ykman
        try:
            ours = self._keystore().get(_item(device_id))
            derived = None if ours is None else bytes.fromhex(ours.reveal())
        except (VaultpyError, ValueError):  # no keystore, or an item that is not ours: a person is asked
            return
        if derived is not None:
            yield derived


def _item(device_id: str) -> str:
    return f"oath-password/{device_id}"
