"""YubiKeys that an access key may be written to: with an OATH password, which the keystore remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yubikit.core import TRANSPORT
from yubikit.oath import OathSession

from vaultpy.keystore import open_keystore
from vaultpy.simulated.connection import SimulatedConnection
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.simulated.finger import Finger

PASSWORD = "open sesame"


class RecordingYubiKey(SimulatedYubiKey):
    """A YubiKey that keeps every APDU that it was sent."""

    def __init__(self, serial: int = 12345678, *, finger: Finger | None = None) -> None:
        super().__init__(serial, finger=finger)
        self.apdus: list[bytes] = []

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """Keep it, and answer it."""
        self.apdus.append(apdu)
        return super().transmit(apdu)


def protect(yubikey: SimulatedYubiKey) -> tuple[str, bytes]:
    """Give it an OATH password; return its OATH id, and what is derived from the password for it."""
    session = OathSession(SimulatedConnection(yubikey, TRANSPORT.USB))
    derived = session.derive_key(PASSWORD)
    session.set_key(derived)
    return session.device_id, derived


def protect_and_remember(yubikey: SimulatedYubiKey, environ: Mapping[str, str]) -> None:
    """Give it an OATH password that the keystore of this environment remembers."""
    device_id, derived = protect(yubikey)
    keystore = open_keystore(environ["VAULTPY_KEYSTORE"], environ, _Nobody())
    keystore.set(f"oath-password/{device_id}", Secret(derived.hex()))


class _Nobody:
    """Who is asked nothing."""

    def passphrase(self, path: str, new: bool) -> Secret:  # noqa: FBT001  # always called by keyword
        """Have none."""
        raise AssertionError(f"the passphrase of {path} is in the environment ({new})")

    def waiting(self, what: str) -> None:
        """Hear it."""
