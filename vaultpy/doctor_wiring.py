"""What `doctor` examines: the real objects, each built by itself, for any of them may be what is wrong."""

from __future__ import annotations

import os
import sys
import time
from threading import RLock
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.config import Config
from vaultpy.display import DISPLAYS
from vaultpy.environment import NOT_FOR_LIBRARIES
from vaultpy.findings import WouldAskError
from vaultpy.index import Index
from vaultpy.keystore_file import keystore_file_path
from vaultpy.profile import Profile
from vaultpy.questions import unconfirmed_host, unconfirmed_inspection
from vaultpy.regions import sts_region
from vaultpy.session_places import all_places, chosen_places
from vaultpy.state import state_directory
from vaultpy.sts_and_iam import StsAndIam
from vaultpy.tls_inspection import inspection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.access_keys import Keystore
    from vaultpy.records import Enrolment
    from vaultpy.session_places import Place
    from vaultpy.values import Secret
    from vaultpy.yubikey_look import YubiKeyReport
    from vaultpy.yubikeys_at_hand import Cards

# Windows never asks; when macOS would cannot be told beforehand.
_STATES = {"darwin": "unknown", "win32": "open"}


class Examined:
    """This computer, its user's files and AWS, as `checks.examine` looks at them."""

    clock = staticmethod(time.time)

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Keep a copy of `environ`, and take the passphrase out of this process's own, as `Wiring` does."""
        self.environ: Mapping[str, str] = dict(environ)
        for variable in NOT_FOR_LIBRARIES:
            os.environ.pop(variable, None)
        self.keystore_file = keystore_file_path(environ)
        self._keystores: dict[tuple[str, str], Keystore] = {}
        self._turn = RLock()

    def state_directory(self) -> str:
        """Return where vaultpy's state lies; raises StateUnusable."""
        return state_directory(self.environ)

    def index(self) -> Index:
        """Return what is enrolled; raises StateUnusable."""
        return Index(f"{self.state_directory()}/index")

    def config(self) -> Config:
        """Return AWS's config; raises ConfigUnreadable and ConfigMalformed."""
        return Config.load(self.environ)

    def places(self) -> list[Place]:
        """Return where sessions are kept; raises BadVariable."""
        return chosen_places(self.environ, all_places(lambda: self.keystore("system")))

    # ---- keystores -----------------------------------------------------------------------------------

    def system_state(self, platform: str = sys.platform) -> str:
        """Return whether the system keystore is open, locked, empty or of unknown state."""
        if platform in _STATES:
            return _STATES[platform]
        from vaultpy.secret_service import state

        return state()

    def keystore(self, name: str, file: str = "") -> Keystore:
        """Return a keystore that asks nobody; one object each, so that a passphrase is derived once."""
        from vaultpy.keystore import open_keystore

        with self._turn:
            key = (name, file)
            if key not in self._keystores:
                quiet = {name: value for name, value in self.environ.items() if name not in DISPLAYS}
                self._keystores[key] = _OneAtATime(open_keystore(name, quiet, _Nobody(), file))
            self._see_that_it_is_open(name)
            return self._keystores[key]

    def _see_that_it_is_open(self, name: str) -> None:
        if name == "file":
            return
        state = self.system_state() if name == "system" else "unknown"
        if state == "locked":
            raise WouldAskError("the system keystore is locked")
        if state == "empty":
            raise WouldAskError("the system keystore holds no keyring yet")
        if state == "unknown":
            raise WouldAskError("whether it would ask for a password cannot be told")

    # ---- cards ---------------------------------------------------------------------------------------

    def reader_names(self) -> tuple[list[str], list[str]]:
        """Return the readers with a card and those without."""
        cards = self._cards()
        return cards.readers(), cards.empty_readers()

    def key_reports(self) -> list[tuple[str, YubiKeyReport | errors.VaultpyError]]:
        """Return each key with its reader's name, or why it cannot be told."""
        from vaultpy.yubikey_look import look_at_keys

        reader = self.environ.get("VAULTPY_READER")
        return look_at_keys(self._cards(), reader, self._ykman_password, self._password_keystore)

    def yubico_on_usb(self) -> bool:
        """Tell whether a device of Yubico's is plugged in."""
        from vaultpy.usb import yubico_on_usb

        return yubico_on_usb()

    def card_users(self) -> list[str]:
        """Return the user's programs that use smart cards."""
        from vaultpy.card_users import card_users

        return card_users()

    def _cards(self) -> Cards:
        from vaultpy.smart_cards import smart_cards

        return smart_cards()

    def _password_keystore(self) -> Keystore:
        return self._unless_it_would_ask(self.environ.get("VAULTPY_KEYSTORE") or "system")

    def _ykman_password(self, device_id: str) -> bytes | None:
        from vaultpy.keystore import open_foreign
        from vaultpy.ykman_passwords import remembered

        def foreign(service: str) -> Keystore:
            self._unless_it_would_ask("system")
            return open_foreign(service, self.environ, _Nobody())

        return remembered(device_id, foreign)

    def _unless_it_would_ask(self, name: str) -> Keystore:
        """Return the keystore for an OATH password; what would ask counts as locked."""
        try:
            keystore = self.keystore(name)
            keystore.get("")
        except WouldAskError:
            raise errors.KeystoreLocked from None
        return keystore

    # ---- AWS -----------------------------------------------------------------------------------------

    def aws(self, enrolment: Enrolment) -> StsAndIam:
        """Return AWS as the enrolled key reaches it; raises what speaks against asking it."""
        config, index = self.config(), self.index()
        known = config.profile(enrolment.name) if config.has(enrolment.name) else None
        profile = known or Profile("", config.path, {})
        urls = {service: config.endpoint_url(service, profile) for service in ("sts", "iam")}
        for url in urls.values():
            if host := unconfirmed_host(index, url):
                raise errors.EndpointUnconfirmed(host=host)
            if found := unconfirmed_inspection(index, inspection(url, profile.settings, self.environ)):
                raise errors.ProxyUnconfirmed(proxy=found.proxy, bundle=found.bundle)
        region = sts_region(enrolment.user_arn, profile.region)
        return StsAndIam(region, urls["sts"], urls["iam"], profile.settings)


class _Nobody:
    """Whom a keystore may ask nothing."""

    def passphrase(self, path: str, new: bool) -> Secret:  # noqa: FBT001  # the keystore's port has it so
        del new
        raise WouldAskError(f"{path} wants its passphrase")

    def waiting(self, what: str) -> None:
        raise WouldAskError(what)


class _OneAtATime:
    """A keystore that several checks may read."""

    def __init__(self, keystore: Keystore) -> None:
        self.name, self.file = keystore.name, keystore.file
        self._keystore = keystore
        self._turn = RLock()

    def get(self, item: str) -> Secret | None:
        with self._turn:
            return self._keystore.get(item)

    def set(self, item: str, text: Secret) -> None:
        raise AssertionError(f"doctor changes nothing: {item}, {text}")

    def delete(self, item: str) -> None:
        raise AssertionError(f"doctor changes nothing: {item}")
