"""A run of vaultpy that enrols the YubiKey behind the real pcscd and undoes it, as a process of its own.

Started as `python -m support.key_writer [SERIAL [READER]]`, best by `support.key_user.Run`, it prints each
thing that it has done, in lines: `chosen <where>`, `put`, `code <digits>`, `deleted`; also what `key_user`
prints.
"""

from __future__ import annotations

import sys

from support.key_user import _Person, _say
from support.keys import SERIAL, STEP, wanted
from vaultpy.errors import VaultpyError
from vaultpy.oath_passwords import OathPasswords
from vaultpy.pcsc import PcscCards
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.totp import Seed
from vaultpy.values import Secret
from vaultpy.yubikey_choice import YubiKeyChoice
from vaultpy.yubikeys_at_hand import Selection

SEED_TEXT = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def main(serial: str = "", reader: str = "") -> None:
    """Do it, and tell what came of it."""
    person = _Person()
    choice = YubiKeyChoice(
        PcscCards(),
        Selection(serial or None, reader or None),
        person=person,
        passwords=OathPasswords(lambda _device: None, MemoryKeystore[Secret], person),
        yubico_on_usb=lambda: False,
        clock=person.clock,
    )
    try:
        key = choice.first()
        _say(f"chosen {key.where}")
        key.put(SERIAL, Seed(SEED_TEXT))
        _say("put")
        _say(f"code {key.code(wanted(account=SERIAL), STEP).digits.reveal()}")
        key.delete(SERIAL)
        _say("deleted")
    except VaultpyError as error:
        _say(f"error {type(error).__name__}: {error.message}")


if __name__ == "__main__":
    main(*sys.argv[1:])
