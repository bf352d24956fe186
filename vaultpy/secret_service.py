"""secretstorage: is the Secret Service's keyring open? Asked without a question to anybody.

keyring cannot be asked so: it makes a keyring where there is none, and has a locked one ask its password.
"""

from __future__ import annotations

from contextlib import closing

import secretstorage
from secretstorage.exceptions import ItemNotFoundException, SecretStorageException

from vaultpy.errors import KeystoreMissing


def state() -> str:
    """Return `open`, `locked`, or `empty` where it holds no keyring yet; raises KeystoreMissing."""
    try:
        with closing(secretstorage.dbus_init()) as bus:
            if not secretstorage.check_service_availability(bus):
                raise KeystoreMissing(reason="nothing on D-Bus offers a Secret Service")
            try:
                keyring = secretstorage.get_collection_by_alias(bus, "default")
            except ItemNotFoundException:
                return "empty"
            return "locked" if keyring.is_locked() else "open"
    except (SecretStorageException, OSError) as error:
        raise KeystoreMissing(reason=str(error) or type(error).__name__) from None
