"""Which real objects stand behind the ports of an MFA device's enrolment; the rest is `wiring`'s."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.broker import Broker
from vaultpy.mfa_enrolment import MfaEnroller
from vaultpy.mfa_in_iam import MfaInIam
from vaultpy.mfa_on_yubikeys import OnKeys, Steps
from vaultpy.mfa_proof import Proof
from vaultpy.mfa_target import Destination, target
from vaultpy.plan import Options, make_plan
from vaultpy.sts_requests import AssumeRole, GetSessionToken

if TYPE_CHECKING:
    from vaultpy.credentials import Credentials, Signs
    from vaultpy.mfa import MfaDevice
    from vaultpy.mfa_target import Target
    from vaultpy.plan import Plan
    from vaultpy.wiring import Wiring
    from vaultpy.yubikey_choice import YubiKeyChoice


class MfaEnrolmentWiring:
    """The objects of one enrolment: `user` is whose device it will be, if not that of the profile's user."""

    def __init__(self, run: Wiring, profile: str, user: str | None) -> None:
        """Find out whose profile it is; raises NotEnrolled, and what making a plan raises."""
        self._run = run
        self._user = user
        plan = self._plan(profile)
        if user is None:
            if plan.signer.enrolment is None:
                raise errors.NotEnrolled(profile=profile)
            plan = self._plan(plan.signer.name)
        self._signers = _Signers(run, plan, only=user is None)
        self.profile = profile

    def target(self, name: str | None) -> Target:
        """Return the device to be made; AWS is asked whose key it is where nobody knows."""
        plan = self._signers.plan
        last = plan.requests[-1] if plan.requests else None
        arn = last.role_arn if self._user and isinstance(last, AssumeRole) else plan.signer.user_arn
        if not arn:
            self._run.confirm_endpoint(plan)
            arn = self._run.sts(plan).caller_arn(self._signers.first())
        return target(arn, self._user or arn.rpartition("/")[2], name)

    def destination(self, wanted: Target) -> Destination | None:
        """Return the profile of the device's user, None if no key of theirs is enrolled here."""
        if self._user is None:
            return Destination(self._run.config, self._run.index, self._signers.plan.signer.name)
        account_id = wanted.serial.split(":")[4]
        for enrolment in self._run.index.enrolments():
            theirs = enrolment.user_arn.split(":")[4:5] == [account_id]
            if theirs and enrolment.user_name == wanted.user_name:
                return Destination(self._run.config, self._run.index, enrolment.name)
        return None

    def enroller(self, wanted: Target, destination: Destination | None, yubikey: str | None) -> MfaEnroller:
        """Return what enrols it; raises EndpointUnconfirmed, and what card readers raise."""
        run, plan = self._run, self._signers.plan
        run.confirm_endpoint(plan)
        steps = Steps(run.ledger, run.sts(plan), run.terminal)
        return MfaEnroller(
            wanted,
            MfaInIam(run.iam(plan), self._signers, wanted.user_name, run.terminal),
            OnKeys(_keys(run, yubikey, destination), steps, run.terminal, wanted),
            steps=steps,
            person=run.terminal,
            destination=destination,
            profile=self.profile,
        )

    def proof(self, destination: Destination, wanted: Target) -> Proof:
        """Return what gets an MFA session by the new device."""
        plan = make_plan(
            self._run.config,
            self._run.index,
            destination.name,
            Options(mfa_serial=wanted.serial),
            self._run.environ,
        )
        return Proof(plan, lambda device: self._broker(plan, device), self._run.sessions, self._run.terminal)

    def _plan(self, profile: str) -> Plan:
        return make_plan(self._run.config, self._run.index, profile, Options(), self._run.environ)

    def _broker(self, plan: Plan, device: MfaDevice) -> Broker:
        run = self._run
        return Broker(
            sessions=None,
            ledger=run.ledger,
            index=run.index,
            access_key=run.access_key,
            mfa_device=lambda _: device,
            sts=run.sts(plan),
            person=run.terminal,
            confirm_endpoint=run.confirm_endpoint,
            clock=time.time,
        )


def a_key_is_here(run: Wiring) -> bool:
    """Tell whether a YubiKey may be plugged in; no where the readers cannot be asked."""
    try:
        return _keys(run, None, None).any_here()
    except errors.VaultpyError:
        return False


def _keys(run: Wiring, yubikey: str | None, destination: Destination | None) -> YubiKeyChoice:
    from vaultpy.touch_wiring import wanted_yubikey
    from vaultpy.yubikey_wiring import yubikey_choice

    known = destination is not None and run.config.has(destination.name)
    profile = run.config.profile(destination.name) if destination is not None and known else None
    return yubikey_choice(run, wanted_yubikey(run, yubikey, profile))


class _Signers:
    """Who signs for IAM: the user's own access key, which may do `only` what needs no MFA, or a session."""

    def __init__(self, run: Wiring, plan: Plan, *, only: bool) -> None:
        self._run = run
        self.plan = plan
        self._own = only

    @property
    def profile(self) -> str:
        """The profile's name."""
        return self.plan.profile.name

    def first(self) -> Signs:
        """Return the user's access key; of an administrator a session, where one is made with MFA."""
        last = self.plan.requests[-1] if self.plan.requests else None
        if self._own or (isinstance(last, GetSessionToken) and not last.mfa_serials):
            return self._run.access_key(self.plan)
        return self._run.broker(self.plan).credentials(self.plan)

    def with_mfa(self, serials: tuple[str, ...]) -> Credentials | None:
        """Return a session of the user's made with one of `serials`, or with what the profile names."""
        if not self._own:
            return None
        plan, named = self.plan, self.plan.requests[0].mfa_serials
        if not named and not serials:
            return None
        if serials and not set(named) & set(serials):
            options = Options(mfa_serial=serials[0])
            plan = make_plan(self._run.config, self._run.index, plan.signer.name, options, self._run.environ)
        return self._run.broker(plan).credentials(plan)
