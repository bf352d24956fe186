"""Access keys in a keystore: what is stored under which name."""

from __future__ import annotations

from vaultpy.credentials import AccessKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from vaultpy.values import Secret

    class Keystore(Protocol):
        """Named texts, kept safe: the system's keystore, an encrypted file, or one in memory for tests."""

        @property
        def name(self) -> str:
            """What the index calls it: `system`, `file` or a backend's dotted path."""

        @property
        def file(self) -> str:
            """The path of its file, if it has one of its own; else empty."""

        def get(self, item: str) -> Secret | None:
            """Return the text of `item`, or None if there is none."""

        def set(self, item: str, text: Secret) -> None:
            """Store `text` under `item`."""

        def delete(self, item: str) -> None:
            """Remove `item`; a missing one is no error."""

    class Questions(Protocol):
        """What a keystore may have to ask or tell the user."""

        def passphrase(self, path: str, new: bool) -> Secret:  # noqa: FBT001  # always called by keyword
            """Ask for the passphrase of the file `path`, twice for a `new` one; raises PassphraseNeeded."""

        def waiting(self, what: str) -> None:
            """Say what is being waited for."""


def store(keystore: Keystore, access_key: AccessKey) -> None:
    """Store the secret of `access_key` under its id."""
    keystore.set(_item(access_key.id), access_key.secret)


def load(keystore: Keystore, key_id: str) -> AccessKey | None:
    """Return the access key with that id, or None if the keystore has none."""
    secret = keystore.get(_item(key_id))
    return None if secret is None else AccessKey(key_id, secret)


def delete(keystore: Keystore, key_id: str) -> None:
    """Remove the secret of the access key with that id; a missing one is no error."""
    keystore.delete(_item(key_id))


def _item(key_id: str) -> str:
    return f"access-key/{key_id}"
