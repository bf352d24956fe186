"""Everything that can be wrong, looked at without changing any of it: the areas of `doctor`, in their order.

All areas are looked at side by side, each on a thread of its own; none waits for another, asks a person
anything or wants a touch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy import checks_aws, checks_computer, checks_config, checks_keystore, checks_yubikeys
from vaultpy.errors import VaultpyError
from vaultpy.findings import Check, Finding, collected, skipped
from vaultpy.rotation_records import is_in_use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from vaultpy.checks_aws import Aws
    from vaultpy.checks_keystore import Keystores
    from vaultpy.checks_yubikeys import Keys
    from vaultpy.config import Config
    from vaultpy.index import Index
    from vaultpy.plan import Plan
    from vaultpy.records import Enrolment, Rotation
    from vaultpy.session_places import Place

    class Ports(Keys, Keystores, Protocol):
        """What is examined. Each method raises VaultpyError where that cannot even be reached."""

        clock: Callable[[], float]

        def state_directory(self) -> str:
            """Return where vaultpy's state lies."""

        def index(self) -> Index:
            """Return what is enrolled."""

        def config(self) -> Config:
            """Return AWS's config as it is now."""

        def places(self) -> list[Place]:
            """Return where sessions are kept."""

        def aws(self, enrolment: Enrolment) -> Aws:
            """Return AWS as the enrolled key reaches it."""


LIMIT_SECONDS = 13.0


def examine(ports: Ports, profile: str | None, seconds: float = LIMIT_SECONDS) -> tuple[list[Finding], bool]:
    """Return what is found of everything, of the profiles perhaps of one alone, within so many seconds.

    Also whether all of it came to an end: else threads are still at work.
    """
    doctor = _Doctor(ports, profile)
    checks = [Check(area, look) for area, look in doctor.areas()]
    return collected(checks, seconds)


class _Doctor:
    def __init__(self, ports: Ports, profile: str | None) -> None:
        self._ports = ports
        self._profile = profile

    def areas(self) -> Iterator[tuple[str, Callable[[], Iterator[Finding]]]]:
        environ = self._ports.environ
        yield "this computer", lambda: checks_computer.computer(environ)
        yield "environment", lambda: checks_computer.environment(environ)
        yield "YubiKey", self._keys
        yield "keystore", lambda: checks_keystore.keystores(self._ports, self._enrolments_if_told())
        yield "sessions", lambda: checks_keystore.sessions(self._ports.places())
        yield "state", self._state
        yield "AWS's config", self._config
        yield from self._access_keys()

    def _plans(self) -> list[Plan]:
        ports = self._ports
        return checks_config.plans(ports.config(), ports.index(), ports.environ, self._profile)

    def _keys(self) -> Iterator[Finding]:
        yubikey = self._ports.environ.get("VAULTPY_YUBIKEY") or None

        def confirmed(kind: str, subject: str, answer: str) -> bool:
            return self._ports.index().confirmed(kind, subject, answer)

        def wanted_accounts() -> list[checks_yubikeys.WantedAccount]:
            return [checks_yubikeys.WantedAccount(plan, yubikey) for plan in self._plans_if_told()]

        return checks_yubikeys.keys(self._ports, wanted_accounts, confirmed, self._enrolments_if_told)

    def _state(self) -> Iterator[Finding]:
        yield from checks_keystore.state(self._ports.state_directory())
        index = self._ports.index()
        yield from checks_keystore.rotations(index.enrolments(), index.rotations())

    def _config(self) -> Iterator[Finding]:
        ports = self._ports
        return checks_config.profiles(ports.config(), ports.index(), ports.environ, self._profile)

    def _access_keys(self) -> Iterator[tuple[str, Callable[[], Iterator[Finding]]]]:
        listed, plans = self._enrolments_if_told(), self._plans_if_told()
        enrolments = [it for it in listed if is_in_use(it)]
        names = {it.access_key_id: it.name for it in reversed(listed)}
        rotated = {key_id for it in self._rotations_if_told() for key_id in (it.old_id, it.new_id)}
        if self._profile is not None:
            signers = {plan.signer.name for plan in plans} | {self._profile}
            enrolments = [it for it in enrolments if it.name in signers]
        for it in enrolments:
            wanted = {
                serial: plan.profile.name
                for plan in reversed(plans)
                if plan.signer.enrolment == it
                for request in plan.requests
                for serial in request.mfa_serials
            }
            ports = self._ports
            check = checks_aws.EnrolledKey(
                it, ports.keystore, ports.aws, wanted, ports.clock, names=names, rotated=rotated
            )
            yield f"access key of {it.name}", check.look
        if not enrolments:
            yield "access key", _no_key

    def _enrolments_if_told(self) -> list[Enrolment]:
        """Return what is enrolled; nothing where the index cannot be read, of which `state` tells."""
        try:
            return self._ports.index().enrolments()
        except VaultpyError:
            return []

    def _rotations_if_told(self) -> list[Rotation]:
        try:
            return self._ports.index().rotations()
        except VaultpyError:
            return []

    def _plans_if_told(self) -> list[Plan]:
        try:
            return self._plans()
        except VaultpyError:
            return []


def _no_key() -> Iterator[Finding]:
    yield skipped("no access key is enrolled, so AWS was not asked anything")
