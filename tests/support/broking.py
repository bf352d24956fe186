"""A broker with real parts in a temporary directory: ledger, index, session store, boto3; AWS is simulated.

Only the person, the MFA device and the clocks are the test's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.aws import ACCOUNT, Clock
from vaultpy.broker import Broker
from vaultpy.config import Config
from vaultpy.credentials import AccessKey
from vaultpy.index import Index
from vaultpy.ledger import Ledger
from vaultpy.mfa import STEP_SECONDS, TokenCode
from vaultpy.plan import Options, Plan, make_plan
from vaultpy.records import Enrolment
from vaultpy.session_places import KeystorePlace
from vaultpy.sessions import MARGIN_SECONDS, SessionStore
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.sts import Sts
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vaultpy.credentials import Credentials
    from vaultpy.mfa import CodeWanted, Meanwhile, MfaDevice
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_mfa import MfaDevice as AwsMfaDevice


class Person:
    """Somebody who waits: then both clocks go on."""

    def __init__(self, *clocks: Clock) -> None:
        self._clocks = clocks
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.waits: list[tuple[str, float]] = []

    def note(self, text: str) -> None:
        """Remember what was said."""
        self.notes.append(text)

    def warn(self, text: str) -> None:
        """Remember what was warned of."""
        self.warnings.append(text)

    def wait(self, text: str, seconds: float) -> None:
        """Let the time pass."""
        self.waits.append((text, seconds))
        for clock in self._clocks:
            clock.advance(seconds)


class Touched:
    """An MFA device that is touched at once: it makes the codes of the AWS device that it stands for."""

    def __init__(self, device: AwsMfaDevice, events: list[str]) -> None:
        self._device = device
        self._events = events
        self.wanted: list[CodeWanted] = []
        self.steps: list[int] = []
        self.wrong = 0
        """So many codes to come are wrong."""
        self.meanwhile: Callable[[], None] = lambda: None
        """What happens between the touch and the code."""

    def token_code(
        self, wanted: CodeWanted, step_for: Callable[[str], int], meanwhile: Meanwhile
    ) -> TokenCode:
        """Return the code of the step that is asked for."""
        meanwhile.prepare()
        step = step_for(self._device.serial)
        self._events.append("touch")
        self.wanted.append(wanted)
        self.steps.append(step)
        digits = self._device.code(step * STEP_SECONDS)
        if self.wrong:
            self.wrong -= 1
            digits = f"{(int(digits) + 1) % 10**6:06}"
        self.meanwhile()
        return TokenCode(self._device.serial, digits, step)


class Desk:
    """Alice's computer, and what happened there in `events`: keystore, touch, confirmation."""

    def __init__(self, directory: Path, aws: SimulatedAws, key: AwsAccessKey, device: AwsMfaDevice) -> None:
        assert isinstance(aws.clock, Clock)
        self.aws, self.key, self.device = aws, key, device
        key.effective_from = 0  # whatever a test sets the clocks to
        self.aws_clock, self.clock = aws.clock, Clock(aws.clock.now)
        self.events: list[str] = []
        self.person = Person(self.clock, self.aws_clock)
        self.touched = Touched(device, self.events)
        self.mfa: MfaDevice = self.touched
        self.directory = directory
        self.index = Index(str(directory / "state" / "index"))
        self.ledger = Ledger(str(directory / "state"), self.clock)
        self.cache: MemoryKeystore[Secret] = MemoryKeystore()
        self.sessions = SessionStore(self.index, [KeystorePlace(lambda: self.cache)], self.ledger.time)
        self.somebody_there = True
        self.signer: Credentials | None = None
        self.confirm: Callable[[str | None], None] = lambda _: None
        self.keystore_failure: Exception | None = None
        self.environ: dict[str, str] = {"AWS_CONFIG_FILE": str(directory / "config")}
        self.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(directory / "credentials")
        self.enrol()

    def enrol(self, mfa_serials: tuple[str, ...] | None = None) -> None:
        """Enrol alice's key as `dev`."""
        self.index.enrol(
            Enrolment(
                name="dev",
                access_key_id=self.key.id,
                user_arn=f"arn:aws:iam::{ACCOUNT}:user/alice",
                mfa_serials=(self.device.serial,) if mfa_serials is None else mfa_serials,
                keystore="system",
                keystore_file="",
                added=0,
            )
        )

    def plan(
        self, config: str, name: str = "role", options: Options | None = None, url: str | None = None
    ) -> Plan:
        """Return the plan for profile `name` of a config file; STS is the simulation's, or at `url`."""
        (self.directory / "config").write_text(f"[profile dev]\nregion = eu-central-1\n{config}")
        environ = self.environ | {"AWS_ENDPOINT_URL": url or self.aws.url}
        return make_plan(Config.load(environ), self.index, name, options or Options(), environ)

    def broker(
        self, plan: Plan, *, cache: bool = True, sts: Sts | None = None, margin: float = MARGIN_SECONDS
    ) -> Broker:
        """Return a broker as a new run has it; the credentials are to last for `margin` seconds."""
        return Broker(
            sessions=self.sessions if cache else None,
            ledger=self.ledger,
            index=self.index,
            access_key=self._access_key,
            mfa_device=lambda _: self.mfa,
            sts=sts or Sts(plan.region, plan.endpoint_url, {}, self.clock),
            person=self.person,
            confirm_endpoint=lambda plan: self._confirm(plan.endpoint_url),
            clock=self.clock,
            margin=margin,
            fresh_touch=lambda: self.somebody_there,
        )

    def credentials(self, plan: Plan, *, cache: bool = True) -> Credentials:
        """Get the plan's credentials in a new run."""
        return self.broker(plan, cache=cache).credentials(plan)

    def signed(self) -> list[str]:
        """Return the signed calls that AWS saw."""
        return [call.action for call in self.aws.calls]

    def _access_key(self, plan: Plan) -> AccessKey | Credentials:
        assert (plan.signer.enrolment is not None) == (plan.signer.name == "dev")
        self.events.append("keystore")
        if self.signer is not None:
            return self.signer
        if self.keystore_failure is not None:
            raise self.keystore_failure
        return AccessKey(self.key.id, Secret(self.key.secret))

    def _confirm(self, endpoint_url: str | None) -> None:
        self.events.append("confirmation")
        self.confirm(endpoint_url)


def role(arn: str, name: str = "role", source: str = "dev", more: str = "") -> str:
    """Return the text of a role's profile."""
    return f"[profile {name}]\nrole_arn = {arn}\nsource_profile = {source}\n{more}\n"
