"""What is stored of an access key, and under which name."""

from __future__ import annotations

from vaultpy import access_keys
from vaultpy.credentials import AccessKey
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.values import Secret

KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))


def test_an_access_key_is_kept_under_its_id_and_only_its_secret() -> None:
    keystore: MemoryKeystore[Secret] = MemoryKeystore()
    access_keys.store(keystore, KEY)
    assert keystore.get(f"access-key/{KEY.id}") == KEY.secret
    assert access_keys.load(keystore, KEY.id) == KEY


def test_an_access_key_that_is_not_there_is_none() -> None:
    assert access_keys.load(MemoryKeystore(), KEY.id) is None


def test_a_deleted_access_key_is_gone() -> None:
    keystore: MemoryKeystore[Secret] = MemoryKeystore()
    access_keys.store(keystore, KEY)
    access_keys.delete(keystore, KEY.id)
    assert access_keys.load(keystore, KEY.id) is None
