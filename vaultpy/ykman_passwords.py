"""ykman: the OATH passwords that its users told it to remember.

It keeps them in a file, each encrypted (Fernet) with a key that lies in the system keystore. ykman itself
would look for that key with keyring's default detection, which imports every backend that is installed (on
Linux the one for macOS starts compilers), waits without end, and makes a new key where there is none. So only
the file is ykman's to read here; the key comes out of the keystore as our own secrets do.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken
from ykman.settings import KEYRING_KEY, KEYRING_SERVICE, AppData

from vaultpy.errors import VaultpyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.access_keys import Keystore

# A file or a key that somebody else wrote.
_UNUSABLE = (AttributeError, InvalidToken, OSError, TypeError, ValueError)


def remembered(device_id: str, open_foreign: Callable[[str], Keystore]) -> bytes | None:
    """Return the derived OATH password that ykman remembers for a device, or None.

    `open_foreign(service)` opens what another program keeps in the system keystore; it is called only if
    ykman's file has the device. A keystore that is missing or locked remembers nothing.
    """
    try:
        store = AppData("oath_keys")  # type: ignore[no-untyped-call]  # ykman leaves its __init__ untyped
        if device_id not in store:
            return None
        key = open_foreign(KEYRING_SERVICE).get(KEYRING_KEY)
        if key is None:
            return None
        return bytes.fromhex(json.loads(Fernet(key.reveal()).decrypt(store[device_id].encode())))
    except (VaultpyError, *_UNUSABLE):
        return None
