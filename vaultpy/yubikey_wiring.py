"""Which real objects stand behind what is put on YubiKeys and looked up there, and codes for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.access_key_on_yubikey import YubiKeyStore
from vaultpy.mfa_codes import Codes
from vaultpy.records import ON_YUBIKEY
from vaultpy.touch_wiring import Touching, mfa_device, wanted_yubikey
from vaultpy.usb import yubico_on_usb
from vaultpy.yubikey_choice import YubiKeyChoice
from vaultpy.yubikeys_at_hand import Selection

if TYPE_CHECKING:
    from vaultpy.plan import Plan
    from vaultpy.profile import Profile
    from vaultpy.wiring import Wiring


def yubikey_choice(run: Wiring, yubikey: str | None = None) -> YubiKeyChoice:
    """Return the YubiKeys that are plugged in, or the one with that serial; raises as `Wiring.cards` does."""
    return YubiKeyChoice(
        run.cards(),
        Selection(yubikey, run.environ.get("VAULTPY_READER")),
        person=run.questions,
        passwords=run.oath_passwords(),
        yubico_on_usb=yubico_on_usb,
    )


def yubikey_store(run: Wiring, file: str) -> YubiKeyStore:
    """Return the YubiKeys that the index names by `file`, to delete access keys from them."""
    return YubiKeyStore(lambda: yubikey_choice(run), run.terminal, run.ledger.time, file=file)


def onto_yubikeys(
    run: Wiring, profile: Profile | None, count: int, yubikey: str | None, before: tuple[str, ...] = ()
) -> YubiKeyStore:
    """Return so many YubiKeys for an access key's secret, which this run's keystore `yubikey` then is.

    Those of `before` had the secret that it replaces.
    """
    wanted = wanted_yubikey(run, yubikey, profile)
    opened = YubiKeyStore(
        lambda: yubikey_choice(run),
        run.terminal,
        run.ledger.time,
        first=lambda: yubikey_choice(run, wanted),
        count=count,
        before=before,
    )
    run.keystores[ON_YUBIKEY, ""] = opened
    return opened


def codes(run: Wiring, plan: Plan, yubikey: str | None) -> Codes:
    """Return the codes of a plan's MFA devices, which are the YubiKey's alone: nobody types them."""
    return Codes(run.ledger, mfa_device(run, plan, yubikey, Touching(run)), run.terminal)
