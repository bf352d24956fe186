"""Which real objects stand behind the ports of the `mfa` verbs that meet a YubiKey."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.key_choice import KeyChoice
from vaultpy.key_on_yubikey import YubiKeyStore
from vaultpy.key_search import KeySearch
from vaultpy.keys_at_hand import Selection
from vaultpy.mfa_codes import Codes
from vaultpy.records import ON_YUBIKEY
from vaultpy.usb import yubico_on_usb
from vaultpy.yubikeys import YubiKeys

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from vaultpy.background import Waiting
    from vaultpy.plan import Plan
    from vaultpy.profile import Profile
    from vaultpy.wiring import Wiring


def key_choice(run: Wiring, yubikey: str | None = None) -> KeyChoice:
    """Return the YubiKeys that are plugged in, or the one with that serial; raises as `Wiring.cards` does."""
    return KeyChoice(
        run.cards(),
        _selection(run, yubikey),
        person=run.questions,
        passwords=run.oath_passwords(),
        yubico_on_usb=yubico_on_usb,
    )


def yubikey_store(run: Wiring, file: str) -> YubiKeyStore:
    """Return the YubiKeys that the index names by `file`, to delete access keys from them."""
    return YubiKeyStore(lambda: key_choice(run), run.terminal, run.ledger.time, file=file)


def onto_yubikeys(
    run: Wiring, profile: Profile | None, count: int, yubikey: str | None, before: tuple[str, ...] = ()
) -> YubiKeyStore:
    """Return so many YubiKeys for an access key's secret, which this run's keystore `yubikey` then is.

    Those of `before` had the secret that it replaces.
    """
    wanted = wanted_key(run, yubikey, profile)
    opened = YubiKeyStore(
        lambda: key_choice(run),
        run.terminal,
        run.ledger.time,
        first=lambda: key_choice(run, wanted),
        count=count,
        before=before,
    )
    run.keystores[ON_YUBIKEY, ""] = opened
    return opened


def codes(run: Wiring, plan: Plan, yubikey: str | None) -> Codes:
    """Return the codes of a plan's MFA devices, which are the YubiKey's alone: nobody types them."""
    person = _Touching(run)

    def search() -> KeySearch:
        return KeySearch(
            run.cards(),
            _selection(run, wanted_key(run, yubikey, plan.profile)),
            person=person,
            passwords=run.oath_passwords(),
            yubico_on_usb=yubico_on_usb,
        )

    return Codes(run.ledger, YubiKeys(search, person), run.terminal)


def wanted_key(run: Wiring, yubikey: str | None, profile: Profile | None) -> str | None:
    """Return the serial number of the YubiKey to use; `yubikey` is what was asked for in words."""
    named = profile.vaultpy_yubikey if profile is not None else None
    return yubikey or run.environ.get("VAULTPY_YUBIKEY") or named


def _selection(run: Wiring, yubikey: str | None) -> Selection:
    return Selection(yubikey, run.environ.get("VAULTPY_READER"))


class _Touching:
    """A person who touches and does not type; without a terminal they are told on the desktop."""

    def __init__(self, run: Wiring) -> None:
        self._terminal = run.terminal
        self.confirm_account = run.questions.confirm_account

    def waiting(self, text: str, seconds: float) -> AbstractContextManager[Waiting]:
        """Say what is waited for."""
        return self._terminal.waiting(text, seconds, typing=not self._terminal.can_ask())
