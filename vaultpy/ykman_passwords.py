"""ykman: the OATH passwords that its users told it to remember.

It keeps them in a file, encrypted with a key that lies in the keyring, which is why keyring is met here too.
"""

from __future__ import annotations

import keyring
from keyring.errors import KeyringError
from ykman.settings import KEYRING_KEY, KEYRING_SERVICE, AppData, KeystoreError, UnwrapValueError

# What a locked or missing keyring raises, and a file that somebody else wrote.
_UNUSABLE = (AttributeError, KeyringError, KeystoreError, OSError, TypeError, UnwrapValueError, ValueError)


def remembered(device_id: str) -> bytes | None:
    """Return the derived OATH password that ykman remembers for a device, or None.

    ykman's `get_secret` creates a key in the keyring where there is none, so both are looked up first: the
    device in ykman's file, and the key under the names that ykman would use.
    """
    try:
        store = AppData("oath_keys")  # type: ignore[no-untyped-call]  # ykman leaves its __init__ untyped
        if device_id not in store or keyring.get_password(KEYRING_SERVICE, KEYRING_KEY) is None:
            return None
        return bytes.fromhex(store.get_secret(device_id))
    except _UNUSABLE:
        return None
