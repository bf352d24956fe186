"""Which real objects stand behind the ports: the one place that knows them all."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING

from vaultpy import access_keys, errors
from vaultpy.broker import Broker
from vaultpy.config import CREDENTIALS_FILE, Config, expand
from vaultpy.environment import NOT_FOR_LIBRARIES
from vaultpy.index import Index
from vaultpy.ledger import Ledger
from vaultpy.mfa import is_virtual
from vaultpy.oath_passwords import OathPasswords
from vaultpy.profile import Profile
from vaultpy.questions import KeystoreQuestions, Questions
from vaultpy.records import ON_YUBIKEY
from vaultpy.regions import usual_region
from vaultpy.session_places import all_places, chosen_places
from vaultpy.sessions import MARGIN_SECONDS, SessionStore
from vaultpy.signing_account import Signing
from vaultpy.source_process import SourceProcesses
from vaultpy.state import state_directory
from vaultpy.sts import Sts
from vaultpy.tls_inspection import inspection
from vaultpy.trace import trace
from vaultpy.typed_codes import GivenCode, TypedCode
from vaultpy.unasked_keystore import open_unasked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.access_keys import Keystore
    from vaultpy.credentials import DayKey, Signs
    from vaultpy.enrolment import Enroller
    from vaultpy.iam import Iam
    from vaultpy.mfa import MfaDevice
    from vaultpy.plan import Plan
    from vaultpy.sts_and_iam import StsAndIam
    from vaultpy.terminal import Terminal
    from vaultpy.yubikeys_at_hand import Cards

# Other people's loggers see APDUs and requests with secrets in them: nothing that they say is kept or shown.
logging.disable(logging.CRITICAL)


class Wiring:
    """The objects of one run; each is built when it is first asked for."""

    def __init__(self, environ: Mapping[str, str], terminal: Terminal) -> None:
        """Keep a copy of `environ`, and take out of this process's own what is not for libraries.

        Whatever one of them starts (keyring's macOS backend runs programs at its import) inherits that one.
        """
        self.environ = environ = dict(environ)
        for variable in NOT_FOR_LIBRARIES:
            os.environ.pop(variable, None)
        self.terminal = terminal
        state = state_directory(environ)
        self.index = Index(f"{state}/index")
        self.ledger = Ledger(state, time.time)
        self.config = Config.load(environ)
        self.questions = Questions(terminal, self.index)
        self.processes = SourceProcesses(environ, terminal.note, apart=not terminal.listens)
        places = all_places(open_unasked)
        self.places = chosen_places(environ, places)
        self.sessions = SessionStore(self.index, self.places, self.ledger.time, places)
        self.keystores: dict[tuple[str, str], Keystore] = {}
        self.day_keys: dict[str, DayKey] = {}

    # ---- where things lie ----------------------------------------------------------------------------

    def keystore_name(self) -> str:
        """Return which keystore a new key goes into; raises KeystoreUnknown for what is none."""
        name = self.environ.get("VAULTPY_KEYSTORE") or "system"
        if name == ON_YUBIKEY:  # what the index calls keys that hold access keys, and nothing else
            raise errors.KeystoreUnknown(name=name, reason="it is neither system, file nor a dotted path")
        return name

    def keystore(self, name: str, file: str = "") -> Keystore:
        """Open a keystore by what the index calls it; one object each, so that a passphrase is asked once."""
        if (name, file) not in self.keystores:
            from vaultpy.keystore_wiring import opened

            self.keystores[name, file] = opened(self, name, file)
        return self.keystores[name, file]

    def access_key(self, plan: Plan, signing: Signing | None = None) -> Signs:
        """Return what signs a plan's first call: from the keystore, a YubiKey, or a source of botocore's.

        Raises KeyLost, and what keystores, `touch_wiring.day_key` and sources raise.
        """
        enrolment, source = plan.signer.enrolment, plan.signer.source
        if enrolment is None:
            from vaultpy.aws_sources import resolve

            if source is None:
                raise AssertionError("a signer is enrolled or has a source")
            trace(f"asking for the credentials of {source.name}: {source.kind}")
            return resolve(source, self.environ, self._confirm, self.processes)
        if enrolment.on_yubikey:
            from vaultpy.touch_wiring import day_key

            return day_key(self, plan, signing or Signing())
        keystore = self.keystore(enrolment.keystore, enrolment.keystore_file)
        trace(f"taking {enrolment.access_key_id} out of keystore {enrolment.keystore}")
        found = access_keys.load(keystore, enrolment.access_key_id)
        if found is None:
            raise errors.KeyLost(profile=enrolment.name, key_id=enrolment.access_key_id)
        return found

    # ---- getting credentials -------------------------------------------------------------------------

    def broker(  # noqa: PLR0913  # what a run may differ in
        self,
        plan: Plan,
        *,
        cache: bool = True,
        code: str | None = None,
        yubikey: str | None = None,
        margin: float = MARGIN_SECONDS,
        retries_direct: bool = False,
    ) -> Broker:
        """Return what gets a plan's credentials; `code` was given with the command, `yubikey` is a serial.

        With `retries_direct` a person at the terminal is asked for a touch more if a role may want it.
        """
        self.processes.check_circle(plan.signer.source)  # or it would wait for a lock of its own
        given = GivenCode(code) if code is not None else None
        sts = self.sts(plan)
        signing = Signing(yubikey, sts, before_code=given is None, cache=cache)
        return Broker(
            sessions=self.sessions if cache else None,
            ledger=self.ledger,
            index=self.index,
            access_key=lambda plan: self.access_key(plan, signing),
            mfa_device=lambda plan: given or self._mfa_device(plan, yubikey),
            sts=sts,
            person=self.terminal,
            confirm_endpoint=self.confirm_endpoint,
            clock=time.time,
            margin=margin,
            fresh_touch=lambda: retries_direct and given is None and self.terminal.can_ask(),
        )

    def sts(self, plan: Plan) -> Sts:
        """Return a client of its own for the STS that a plan's calls go to."""
        return Sts(plan.region, plan.endpoint_url, self._settings(plan.signer.name))

    def iam(self, plan: Plan) -> Iam:
        """Return the IAM of a plan's signer; raises EndpointUnconfirmed."""
        from vaultpy.iam import Iam

        endpoint_url, settings = self._endpoint("iam", plan.profile), self._settings(plan.signer.name)
        self._confirm(endpoint_url, settings)
        return Iam(plan.region, endpoint_url, settings, plan.signer.name)

    def confirm_endpoint(self, plan: Plan) -> None:
        """Have a person say that a plan's codes may go where they go, if that is not AWS alone.

        Raises EndpointUnconfirmed, EndpointMalformed and ProxyUnconfirmed.
        """
        self._confirm(plan.endpoint_url, self._settings(plan.signer.name))

    def _confirm(self, endpoint_url: str | None, settings: Mapping[str, str]) -> None:
        self.questions.confirm_endpoint(endpoint_url)
        self.questions.confirm_inspection(inspection(endpoint_url, settings, self.environ))

    def _settings(self, profile: str) -> Mapping[str, str]:
        return self.config.profile(profile).settings if self.config.has(profile) else {}

    def _mfa_device(self, plan: Plan, yubikey: str | None) -> MfaDevice:
        if not any(is_virtual(serial) for request in plan.requests for serial in request.mfa_serials):
            return TypedCode(self.terminal)
        from vaultpy.touch_wiring import mfa_device

        return mfa_device(self, plan, yubikey)

    def cards(self) -> Cards:
        """Return the card readers of this computer; raises PcscMissing, PcscForbidden or PcscRefused."""
        from vaultpy.smart_cards import smart_cards

        return smart_cards()

    def oath_passwords(self) -> OathPasswords:
        """Return what unlocks YubiKeys."""
        usual = self.keystore_name()
        return OathPasswords(self._ykman_password, lambda: self.keystore(usual), self.questions)

    def _ykman_password(self, device_id: str) -> bytes | None:
        from vaultpy.keystore import open_foreign
        from vaultpy.ykman_passwords import remembered

        questions = KeystoreQuestions(self.terminal)
        return remembered(device_id, lambda service: open_foreign(service, self.environ, questions))

    # ---- enrolling -----------------------------------------------------------------------------------

    def aws(self, profile: str) -> StsAndIam:
        """Return what asks AWS about a key that is about to be enrolled as `profile`."""
        from vaultpy.sts_and_iam import StsAndIam

        known = self.config.profile(profile) if self.config.has(profile) else None
        region = (known and known.region) or usual_region(self.environ, self._settings("default"))
        services = {name: self._endpoint(name, known) for name in ("sts", "iam")}
        settings = known.settings if known else {}
        for endpoint_url in services.values():
            self._confirm(endpoint_url, settings)
        return StsAndIam(region, services["sts"], services["iam"], settings)

    def _endpoint(self, service: str, profile: Profile | None) -> str | None:
        return self.config.endpoint_url(service, profile or Profile("", self.config.path, {}))

    def enroller(self) -> Enroller:
        """Return what puts access keys in and takes them out."""
        from vaultpy.enrolment import Enroller

        return Enroller(
            self.index,
            self.sessions,
            self.keystore,
            self.config.path,
            time.time,
            lambda: self.ledger.key_changes(self.terminal.note),
        )

    def credentials_path(self) -> str:
        """Return the path of AWS's credentials file."""
        return expand(self.environ.get(CREDENTIALS_FILE, "~/.aws/credentials"), self.environ)
