"""Which real objects stand behind what a run asks YubiKeys for: a code, and a day key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vaultpy.access_key_on_yubikey import yubikey_ids
from vaultpy.credentials import DayKey
from vaultpy.day_keys import AwsDay, DayKeys
from vaultpy.kept_day_keys import KeptDayKeys
from vaultpy.mfa import NothingMeanwhile, is_virtual
from vaultpy.sessions import SessionStore
from vaultpy.signing_account import still_signs
from vaultpy.usb import yubico_on_usb
from vaultpy.yubikey_search import YubiKeySearch
from vaultpy.yubikeys import YubiKeys
from vaultpy.yubikeys_at_hand import Selection, YubiKeysAtHand

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from vaultpy.background import Waiting
    from vaultpy.mfa import Meanwhile
    from vaultpy.plan import Plan
    from vaultpy.profile import Profile
    from vaultpy.signing_account import Signing
    from vaultpy.wiring import Wiring
    from vaultpy.yubikey_search import Person


def mfa_device(run: Wiring, plan: Plan, yubikey: str | None, person: Person | None = None) -> YubiKeys:
    """Return the YubiKeys as the MFA device of a plan; `yubikey` is a serial number.

    Without `person` the user is asked at the terminal, where six digits may be typed instead.
    """
    asked = person or run.questions
    selection = _selection(run, plan, yubikey)

    def search() -> YubiKeySearch:
        return YubiKeySearch(
            run.cards(),
            selection,
            person=asked,
            passwords=run.oath_passwords(),
            yubico_on_usb=yubico_on_usb,
        )

    return YubiKeys(search, asked)


def day_key(run: Wiring, plan: Plan, signing: Signing) -> DayKey:
    """Return what signs today for a plan's access key, which lives on a YubiKey; asked for once a run.

    Raises what `DayKeys` raises, and StillBusy.
    """
    key_id = plan.signer.key
    kept = _kept(run, plan) if signing.cache else None
    if (known := _known(run, key_id)) is not None:
        return known
    person = Touching(run)

    def keys() -> YubiKeysAtHand:
        selection = _selection(run, plan, signing.yubikey)
        return YubiKeysAtHand(run.cards(), selection, person=person, yubico_on_usb=yubico_on_usb)

    date = AwsDay(run.ledger.time, (signing.sts or run.sts(plan)).clock_offset, time.time)
    meanwhile: Meanwhile = signing.sts or NothingMeanwhile()
    purpose = f"sign with access key {key_id} for {plan.profile.name}"
    virtual = any(is_virtual(it) for request in plan.requests for it in request.mfa_serials)
    of_two = signing.before_code and virtual
    with run.ledger.lock("signing", key_id, waiting=person.say_waiting):
        found = _known(run, key_id) or (kept.get(key_id) if kept is not None else None)
        if found is not None:  # by another thread of this run, or another run
            run.day_keys[key_id] = found
            return found
        touch = " (1 of 2)" if of_two else ""
        asking = DayKeys(keys, person, run.oath_passwords(), holders=_holders(plan))
        found = run.day_keys[key_id] = asking.day_key(key_id, date, purpose, meanwhile, touch=touch)
        if kept is not None:
            kept.put(found)
    return DayKey(found.id, found.date, found.key, before_code=of_two)


def _known(run: Wiring, key_id: str) -> DayKey | None:
    """Return what this run has been given, if it still signs."""
    known = run.day_keys.get(key_id)
    return known if known is not None and still_signs(known.date, run.ledger.time()) else None


def _holders(plan: Plan) -> list[str]:
    """Return the YubiKeys that the index knows to hold a plan's access key."""
    enrolment = plan.signer.enrolment
    return yubikey_ids(enrolment.keystore_file) if enrolment is not None else []


def _kept(run: Wiring, plan: Plan) -> KeptDayKeys | None:
    """Return where day keys are kept, the kernel's keyring alone, if the access key's profile wants that."""
    name = plan.signer.name
    if not run.config.has(name) or run.config.profile(name).vaultpy_day_key != "keep":
        return None
    places = [place for place in run.places if place.quiet]
    return KeptDayKeys(SessionStore(run.index, places, run.ledger.time), run.ledger.time, name)


def wanted_yubikey(run: Wiring, yubikey: str | None, profile: Profile | None) -> str | None:
    """Return the serial number of the YubiKey to use; `yubikey` is what was asked for in words."""
    named = profile.vaultpy_yubikey if profile is not None else None
    return yubikey or run.environ.get("VAULTPY_YUBIKEY") or named


def _selection(run: Wiring, plan: Plan, yubikey: str | None) -> Selection:
    return Selection(wanted_yubikey(run, yubikey, plan.profile), run.environ.get("VAULTPY_READER"))


class Touching:
    """A person who touches and does not type; without a terminal they are told on the desktop."""

    def __init__(self, run: Wiring) -> None:
        self._run = run

    def waiting(self, text: str, seconds: float) -> AbstractContextManager[Waiting]:
        """Say what is waited for."""
        terminal = self._run.terminal
        return terminal.waiting(text, seconds, typing=not terminal.can_ask())

    def confirm_account(self, mfa_serial: str, account: str, where: str) -> None:
        """Have a person confirm it, as `Questions` does; raises AccountUnconfirmed."""
        self._run.questions.confirm_account(mfa_serial, account, where)

    def say_waiting(self, pid: int) -> None:
        """Say who else waits for the key."""
        self._run.terminal.note(f"waiting for process {pid}, which is asking the YubiKey to sign")
