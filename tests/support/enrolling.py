"""An MFA device's enrolment on real parts: IAM and STS over boto3, ledger, index, config file, YubiKeys.

AWS and the keys are simulated; `Trouble` strikes at any of the calls between these parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.aws import Clock, client
from support.aws_clients import iam_at, sts_at
from support.keys import Desk, ScriptedPerson, SimulatedCards
from vaultpy.broker import Broker
from vaultpy.config import Config
from vaultpy.credentials import AccessKey, Credentials
from vaultpy.index import Index
from vaultpy.ledger import Ledger
from vaultpy.mfa_enrolment import Enrolled, MfaEnroller
from vaultpy.mfa_in_iam import MfaInIam
from vaultpy.mfa_on_yubikeys import OnKeys, Steps
from vaultpy.mfa_proof import Proof
from vaultpy.mfa_target import Destination, Target, target
from vaultpy.plan import Options, make_plan
from vaultpy.records import Enrolment
from vaultpy.session_places import KeystorePlace
from vaultpy.sessions import SessionStore
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from vaultpy.mfa import MfaDevice
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.yubikey import SimulatedYubiKey
    from vaultpy.sts import Sts
    from vaultpy.yubikey_choice import YubiKeyChoice

CONFIG = "# by hand\n[profile dev]\nregion = eu-central-1\n"


class Killed(BaseException):
    """The process was killed: nothing of it happens any more."""


class Trouble:
    """Raises `failure` at the call number `at`, counted from 1, before it is made or after it."""

    def __init__(
        self, at: int = 0, failure: Callable[[], BaseException] = Killed, *, after: bool = False
    ) -> None:
        self.calls: list[str] = []
        self._at = at
        self._failure = failure
        self._after = after
        self._dead = False

    def strike(self, name: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401  # whatever the part returns
        """Make the call, or have trouble."""
        if self._dead:
            raise Killed
        self.calls.append(name)
        if len(self.calls) != self._at:
            return call()
        if self._after:
            call()
        failure = self._failure()
        self._dead = isinstance(failure, Killed)
        raise failure

    def around(self, part: Any, *names: str) -> Any:  # noqa: ANN401  # it stands for any part
        """Return the part with trouble at its methods `names`; at all of them where none is named."""
        return _Troubled(part, self, names)


class _Troubled:
    def __init__(self, part: object, trouble: Trouble, names: Collection[str]) -> None:
        self._part = part
        self._trouble = trouble
        self._names = names

    def __getattr__(self, name: str) -> object:
        found = getattr(self._part, name)
        if not callable(found) or (self._names and name not in self._names):
            return found
        return lambda *args, **named: self._trouble.strike(name, lambda: found(*args, **named))


class _Keys:
    """The keys, with trouble at each thing that is done to one."""

    def __init__(self, choice: YubiKeyChoice, trouble: Trouble) -> None:
        self._choice = choice
        self._trouble = trouble

    def first(self) -> Any:  # noqa: ANN401  # a YubiKeyInHand with trouble around it
        """Return the first key."""
        return self._with_trouble(self._trouble.strike("first", self._choice.first))

    def another(self, done: Collection[Any], invitation: str = "") -> Any:  # noqa: ANN401  # as above
        """Return the next key."""
        return self._with_trouble(
            self._trouble.strike("another", lambda: self._choice.another(done, invitation))
        )

    def _with_trouble(self, key: object) -> object:
        return self._trouble.around(key, "check", "put", "code", "delete")


class Enrollee(ScriptedPerson):
    """Whoever enrols: agrees or not, types the secret; time passes for AWS too while they wait."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.warnings: list[str] = []
        self.waits: list[str] = []

    def warn(self, text: str) -> None:
        """Hear a warning."""
        self.warnings.append(text)

    def wait(self, text: str, seconds: float) -> None:
        """Wait."""
        self.waits.append(text)
        self._clock.advance(seconds)


class Enrolling:
    """Alice, whose key is enrolled as `dev`, has no MFA device and a YubiKey."""

    def __init__(
        self, directory: Path, aws: SimulatedAws, key: AwsAccessKey, **keys: SimulatedYubiKey
    ) -> None:
        assert isinstance(aws.clock, Clock)
        self.aws, self.clock, self.directory = aws, aws.clock, directory
        self.user = key.user
        self.access_key = AccessKey(key.id, Secret(key.secret))
        self._key = key
        self.person = Enrollee(self.clock)
        self.desk = Desk(SimulatedCards(**keys), self.person)
        self.index = Index(str(directory / "state" / "index"))
        self.ledger = Ledger(str(directory / "state"), self.clock)
        self.cache: MemoryKeystore[Secret] = MemoryKeystore()
        self.sessions = SessionStore(self.index, [KeystorePlace(lambda: self.cache)], self.ledger.time)
        self.config_path = directory / "config"
        self.config_path.write_text(CONFIG)
        self.environ = {
            "AWS_CONFIG_FILE": str(self.config_path),
            "AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials"),
            "AWS_ENDPOINT_URL": aws.url,
        }
        self.target: Target = target(self.user.arn, "alice", None)
        self.session: Credentials | None = None
        self.index.enrol(
            Enrolment(
                name="dev",
                access_key_id=key.id,
                user_arn=self.user.arn,
                mfa_serials=(),
                keystore="system",
                keystore_file="",
                added=0,
            )
        )

    # ---- who signs -----------------------------------------------------------------------------------

    profile = "dev"

    def first(self) -> AccessKey:
        """Return the access key."""
        return self.access_key

    def with_mfa(self, serials: tuple[str, ...]) -> Credentials | None:
        """Return a session made with the user's device."""
        if not serials:
            return None
        device: Any = self.user.mfa_devices[serials[0]]
        self.clock.advance(30)
        asked = {"SerialNumber": device.serial, "TokenCode": device.code(self.clock())}
        made = client(self.aws, self._key).get_session_token(**asked)["Credentials"]
        texts = Secret(made["SecretAccessKey"]), Secret(made["SessionToken"])
        self.session = Credentials(made["AccessKeyId"], *texts, int(made["Expiration"].timestamp()))
        return self.session

    # ---- doing it ------------------------------------------------------------------------------------

    def enroller(self, trouble: Trouble | None = None, *, here: bool = True) -> MfaEnroller:
        """Return an enroller as a new run has it; `here`: the user's key is enrolled on this computer."""
        trouble = trouble or Trouble()
        person = trouble.around(self.person, "confirm", "secret")
        steps = Steps(self.ledger, self._sts(), person)
        iam = trouble.around(iam_at(self.aws.url))
        destination = Destination(Config.load(self.environ), self.index, "dev")
        return MfaEnroller(
            self.target,
            MfaInIam(iam, self, self.target.user_name, person),
            OnKeys(_Keys(self.desk.choice(), trouble), steps, person, self.target),
            steps=steps,
            person=person,
            destination=trouble.around(destination, "keep") if here else None,
            profile="dev",
        )

    def enroll(self, spares: int = 0, trouble: Trouble | None = None) -> Enrolled:
        """Enrol a device and prove it."""
        trouble = trouble or Trouble()
        done = self.enroller(trouble).enroll(spares)
        if done.seed is not None:
            trouble.around(self.proof(done.target)).prove(done.seed)
        return done

    def proof(self, wanted: Target) -> Proof:
        """Return what proves a device."""
        config = Config.load(self.environ)
        plan = make_plan(config, self.index, "dev", Options(mfa_serial=wanted.serial), self.environ)

        def broker(device: MfaDevice) -> Broker:
            return Broker(
                sessions=None,
                ledger=self.ledger,
                index=self.index,
                access_key=lambda _: self.access_key,
                mfa_device=lambda _: device,
                sts=self._sts(),
                person=self.person,
                confirm_endpoint=lambda _: None,
                clock=self.clock,
            )

        return Proof(plan, broker, self.sessions, self.person)

    def _sts(self) -> Sts:
        return sts_at(self.aws.url, self.clock)

    # ---- what is there -------------------------------------------------------------------------------

    @property
    def config(self) -> str:
        """The text of the config file."""
        return self.config_path.read_text()

    def calls(self) -> list[str]:
        """Return the signed calls that AWS saw."""
        return [call.action for call in self.aws.calls]

    def has_session(self) -> bool:
        """Tell whether the next command finds an MFA session."""
        plan = make_plan(Config.load(self.environ), self.index, "dev", Options(), self.environ)
        return self.sessions.get(plan.question(1), 0) is not None

    def on_disk(self) -> bytes:
        """Return all that is in files."""
        return b"".join(path.read_bytes() for path in self.directory.rglob("*") if path.is_file())
