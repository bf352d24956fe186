"""Which real object stands behind a keystore that the index names: the system's, a file, or YubiKeys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.questions import KeystoreQuestions
from vaultpy.records import ON_YUBIKEY

if TYPE_CHECKING:
    from vaultpy.access_keys import Keystore
    from vaultpy.wiring import Wiring


def opened(run: Wiring, name: str, file: str) -> Keystore:
    """Open it anew; `file` as the index has it. Raises what keystores raise."""
    if name == ON_YUBIKEY:
        from vaultpy.yubikey_wiring import yubikey_store

        return yubikey_store(run, file)
    from vaultpy.keystore import open_keystore

    return open_keystore(name, run.environ, KeystoreQuestions(run.terminal), file)
