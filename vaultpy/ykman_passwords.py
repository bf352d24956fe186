"""ykman: the OATH passwords that its users told it to remember."""

from __future__ import annotations

from ykman.settings import AppData, KeystoreError, UnwrapValueError


def remembered(device_id: str) -> bytes | None:
    """Return the derived OATH password that ykman remembers for a device, or None.

    `get_secret` would create a wrapping key where there is none, so the device is looked up first.
    """
    store = AppData("oath_keys")
    if device_id not in store:
        return None
    try:
        return bytes.fromhex(store.get_secret(device_id))
    except (KeystoreError, UnwrapValueError, ValueError, TypeError):
        return None
