"""The proof that AWS takes a new MFA device: a session, by a code that is computed here, without a touch."""

from __future__ import annotations

from vaultpy.errors import MfaDeviceRefused
from vaultpy.mfa import TokenCode
from vaultpy.totp import totp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.broker import Broker
    from vaultpy.credentials import Credentials
    from vaultpy.mfa import CodeWanted, Meanwhile, MfaDevice
    from vaultpy.plan import Plan
    from vaultpy.sessions import SessionStore
    from vaultpy.sts_calls import Person
    from vaultpy.totp import Seed

_MORE_ATTEMPTS = 2  # each with the next step's code, half a minute later


class ComputedCodes:
    """An MfaDevice whose seed is still in memory."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed

    def token_code(
        self, wanted: CodeWanted, step_for: Callable[[str], int], meanwhile: Meanwhile
    ) -> TokenCode:
        """Return the code of the step that `step_for` names."""
        meanwhile.prepare()
        serial = wanted.mfa_serials[0]
        step = step_for(serial)
        return TokenCode(serial, totp(self._seed, step).reveal(), step)


class Proof:
    """Gets an MFA session with the codes of a seed, and keeps it for the next command."""

    def __init__(
        self, plan: Plan, broker: Callable[[MfaDevice], Broker], sessions: SessionStore, person: Person
    ) -> None:
        """`plan` is one GetSessionToken with the new device; `broker` makes one without a cache."""
        self._plan = plan
        self._broker = broker
        self._sessions = sessions
        self._person = person

    def prove(self, seed: Seed) -> None:
        """Get and keep the session; raises what a broker raises."""
        broker = self._broker(ComputedCodes(seed))
        credentials = self._once_known(lambda: broker.credentials(self._plan))
        request = self._plan.requests[0]
        self._sessions.put(
            self._plan.question(1),
            credentials,
            access_key_id=self._plan.signer.key,
            label=request.label,
            profile=self._plan.profile.name,
            duration=request.duration,
        )

    def _once_known(self, ask: Callable[[], Credentials]) -> Credentials:
        for _ in range(_MORE_ATTEMPTS):
            try:
                return ask()
            except MfaDeviceRefused:  # noqa: PERF203  # each round is a wait
                self._person.note("AWS does not know the new device yet: trying the next code")
        return ask()
