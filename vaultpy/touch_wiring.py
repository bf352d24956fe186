"""Which real objects stand behind what a run asks YubiKeys for: a code, and a day key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vaultpy.credentials import DayKey
from vaultpy.day_keys import AwsDay, DayKeys
from vaultpy.kept_day_keys import KeptDayKeys
from vaultpy.key_on_yubikey import key_ids
from vaultpy.key_search import KeySearch
from vaultpy.keys_at_hand import KeysAtHand, Selection
from vaultpy.mfa import Nothing, is_virtual
from vaultpy.sessions import SessionStore
from vaultpy.signing_account import still_signs
from vaultpy.usb import yubico_on_usb
from vaultpy.yubikeys import YubiKeys

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from vaultpy.background import Waiting
    from vaultpy.mfa import Meanwhile
    from vaultpy.plan import Plan
    from vaultpy.signing_account import Signing
    from vaultpy.wiring import Wiring


def mfa_device(run: Wiring, plan: Plan, yubikey: str | None) -> YubiKeys:
    """Return the YubiKeys as the MFA device of a plan; `yubikey` is a serial number."""
    selection = _selection(run, plan, yubikey)

    def search() -> KeySearch:
        return KeySearch(
            run.cards(),
            selection,
            person=run.questions,
            passwords=run.oath_passwords(),
            yubico_on_usb=yubico_on_usb,
        )

    return YubiKeys(search, run.questions)


def day_key(run: Wiring, plan: Plan, signing: Signing) -> DayKey:
    """Return what signs today for a plan's access key, which lives on a YubiKey; asked for once a run.

    Raises what `DayKeys` raises, and StillBusy.
    """
    key_id = plan.signer.key
    kept = _kept(run, plan) if signing.cache else None
    if (known := _known(run, key_id)) is not None:
        return known
    person = _Touching(run)

    def keys() -> KeysAtHand:
        selection = _selection(run, plan, signing.yubikey)
        return KeysAtHand(run.cards(), selection, person=person, yubico_on_usb=yubico_on_usb)

    date = AwsDay(run.ledger.time, (signing.sts or run.sts(plan)).clock_offset, time.time)
    meanwhile: Meanwhile = signing.sts or Nothing()
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
    return key_ids(enrolment.keystore_file) if enrolment is not None else []


def _kept(run: Wiring, plan: Plan) -> KeptDayKeys | None:
    """Return where day keys are kept, the kernel's keyring alone, if the access key's profile wants that."""
    name = plan.signer.name
    if not run.config.has(name) or run.config.profile(name).vaultpy_day_key != "keep":
        return None
    places = [place for place in run.places if place.quiet]
    return KeptDayKeys(SessionStore(run.index, places, run.ledger.time), run.ledger.time, name)


def _selection(run: Wiring, plan: Plan, yubikey: str | None) -> Selection:
    serial = yubikey or run.environ.get("VAULTPY_YUBIKEY") or plan.profile.vaultpy_yubikey
    return Selection(serial, run.environ.get("VAULTPY_READER"))


class _Touching:
    """A person who touches and does not type; without a terminal they are told on the desktop."""

    def __init__(self, run: Wiring) -> None:
        self._terminal = run.terminal

    def waiting(self, text: str, seconds: float) -> AbstractContextManager[Waiting]:
        """Say what is waited for."""
        return self._terminal.waiting(text, seconds, typing=not self._terminal.can_ask())

    def say_waiting(self, pid: int) -> None:
        """Say who else waits for the key."""
        self._terminal.note(f"waiting for process {pid}, which is asking the YubiKey to sign")
