"""A throw-away IAM user with MFA devices and roles, and clients that sign as it; all of it goes in the end.

Only what this run has made is ever changed, and each thing's removal is noted before it is made, so that a
lost answer leaves nothing behind. Every name begins with `vaultpy-live-`.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from vaultpy.simulated.aws_mfa import STEP, totp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import boto3
    from botocore.awsrequest import AWSRequest
    from typing_extensions import Self

PREFIX = "vaultpy-live-"
SETTLING = 15
"""How many seconds new users, policies and roles are given to be known everywhere."""
AGE = 60
"""The age in seconds up to which the role `aged` takes MFA."""
_TRIES = 5
_FOR_A_MOMENT = {"DeleteConflict", "EntityTemporarilyUnmodifiable"}
_ONCE = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1})
_PATIENT = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 5})
_HAS_MFA: dict[str, Any] = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}

Keys = dict[str, str]
"""What AWS calls AccessKey or Credentials."""


class _SigV4At(SigV4Auth):  # type: ignore[misc]  # botocore ships no types
    """Signature Version 4 by a clock of its own."""

    def __init__(self, credentials: Credentials, service: str, region: str, now: float) -> None:
        super().__init__(credentials, service, region)
        self._now = now

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now))
        super()._modify_request_before_signing(request)


class Clients:
    """boto3's clients of one region, which sign by `clock` (epoch seconds)."""

    def __init__(
        self,
        session: boto3.Session,
        clock: Callable[[], float],
        endpoint: str | None = None,
        signin: str | None = None,
    ) -> None:
        """`session` has the administrator's credentials; `endpoint` and `signin` are AWS's own if None."""
        self.signin = signin
        self._session = session
        self._clock = clock
        self._endpoint = endpoint

    def administrator(self, service: str) -> Any:  # noqa: ANN401  # boto3 makes its clients' methods at run time
        """Return a client that signs as the administrator, and tries again."""
        return self._sign(self._make(service, _PATIENT), self._session.get_credentials(), 0)

    def signed(self, service: str, keys: Mapping[str, str], shift: float = 0) -> Any:  # noqa: ANN401  # the same
        """Return one that signs with `keys`, once, by a clock that is `shift` seconds ahead."""
        signer = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys.get("SessionToken"))
        return self._sign(self._make(service, _ONCE), signer, shift)

    def unsigned(self, service: str) -> Any:  # noqa: ANN401  # the same
        """Return one that does not sign."""
        return self._make(service, _ONCE.merge(Config(signature_version=UNSIGNED)))

    def _make(self, service: str, config: Config) -> Any:  # noqa: ANN401  # the same
        return self._session.client(service, endpoint_url=self._endpoint, config=config)

    def _sign(self, client: Any, signer: Credentials, shift: float) -> Any:  # noqa: ANN401  # the same
        def sign(request: AWSRequest, signing_name: str, region_name: str, **_: object) -> None:
            _SigV4At(signer, signing_name, region_name, self._clock() + shift).add_auth(request)

        client.meta.events.register("choose-signer", lambda **_: UNSIGNED)
        client.meta.events.register("before-sign", sign)
        return client


@dataclass
class Device:
    """A virtual MFA device of the user's; `last` is the newest step that was sent of it."""

    serial: str
    seed: bytes = field(repr=False)
    last: int = -1

    def code(self, step: int) -> str:
        """Return the code of a step."""
        return totp(self.seed, step)


class Live:
    """The user `name`, while the context lasts; `sts` and `key` are those of its access key."""

    def __init__(self, clients: Clients, clock: Callable[[], float], wait: Callable[[float], None]) -> None:
        """Make nothing yet. `wait` lets so many seconds pass."""
        self.clients = clients
        self.clock = clock
        self.wait = wait
        self.name = PREFIX + secrets.token_hex(4)
        self.iam = clients.administrator("iam")
        self.roles: dict[str, str] = {}
        self.left: list[str] = []
        """What could not be removed, and why."""
        self._undo = ExitStack()
        self._sessions: dict[bool, Keys] = {}

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _make(self) -> None:
        arn = self.clients.administrator("sts").get_caller_identity()["Arn"]
        _, self.partition, _, _, self.account, _ = arn.split(":", 5)
        self.removing("user", self.iam.delete_user, UserName=self.name)
        self.iam.create_user(UserName=self.name)
        self.removing("access keys", self._delete_keys)
        self.policy("may", {"Effect": "Allow", "Action": ["sts:*", "iam:ListAccessKeys"], "Resource": "*"})
        self._role("dev", ["sts:AssumeRole", "sts:TagSession"], _HAS_MFA)
        self._role("aged", ["sts:AssumeRole"], {"NumericLessThan": {"aws:MultiFactorAuthAge": str(AGE)}})
        self._role("plain", ["sts:AssumeRole"], {})
        self.key = self.access_key()
        self.sts = self.clients.signed("sts", self.key)
        self.wait(SETTLING)
        self.device = self.mfa_device()

    def removing(self, what: str, remove: Callable[..., object], **parameters: str) -> None:
        """Note how something goes that is about to be made; it goes before what was made earlier."""

        def undo() -> None:
            try:
                self._remove(remove, parameters)
            except Exception as error:  # noqa: BLE001  # the rest is to go all the same
                self.left.append(f"{what}: {error}")

        self._undo.callback(undo)

    def _remove(self, remove: Callable[..., object], parameters: Mapping[str, str]) -> None:
        """Remove what may be gone already, and what AWS may take for in use a moment longer."""
        for last in (False,) * _TRIES + (True,):
            try:
                remove(**parameters)
            except ClientError as error:  # noqa: PERF203  # there are five at the most
                code = error.response["Error"]["Code"]
                if code == "NoSuchEntity":
                    return
                if last or code not in _FOR_A_MOMENT:
                    raise
                self.wait(2)
            else:
                return

    def policy(self, name: str, statement: Mapping[str, object]) -> None:
        """Give the user a policy of one statement."""
        about = {"UserName": self.name, "PolicyName": name}
        self.removing(f"policy {name}", self.iam.delete_user_policy, **about)
        self.iam.put_user_policy(**about, PolicyDocument=_document(statement))

    def _role(self, name: str, actions: list[str], condition: Mapping[str, object]) -> None:
        role = f"{self.name}-{name}"
        everybody = {"AWS": f"arn:{self.partition}:iam::{self.account}:root"}
        trust = {"Effect": "Allow", "Principal": everybody, "Action": actions, "Condition": condition}
        may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
        self.removing(f"role {role}", self.iam.delete_role, RoleName=role)
        made = self.iam.create_role(
            RoleName=role, AssumeRolePolicyDocument=_document(trust), MaxSessionDuration=7200
        )
        self.roles[name] = made["Role"]["Arn"]
        self.removing(f"policy of {role}", self.iam.delete_role_policy, RoleName=role, PolicyName="may")
        self.iam.put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=_document(may))

    def access_key(self) -> Keys:
        """Make an access key of the user's."""
        made: Keys = self.iam.create_access_key(UserName=self.name)["AccessKey"]
        return made

    def _delete_keys(self) -> None:
        for key in self.iam.list_access_keys(UserName=self.name)["AccessKeyMetadata"]:
            self.iam.delete_access_key(UserName=self.name, AccessKeyId=key["AccessKeyId"])

    def virtual_device(self, suffix: str = "") -> Device:
        """Make a virtual MFA device, which is nobody's yet."""
        name = f"{self.name}-{suffix or secrets.token_hex(3)}"
        serial = f"arn:{self.partition}:iam::{self.account}:mfa/{name}"
        self.removing(f"MFA device {serial}", self.iam.delete_virtual_mfa_device, SerialNumber=serial)
        about = {"UserName": self.name, "SerialNumber": serial}
        self.removing(f"enabled MFA device {serial}", self.iam.deactivate_mfa_device, **about)
        made = self.iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        return Device(made["SerialNumber"], base64.b32decode(made["Base32StringSeed"]))

    def mfa_device(self) -> Device:
        """Make and enable one; the code of the present step counts as used."""
        device = self.virtual_device()
        self.enable(device, self.step() - 1)
        device.last = self.step()
        return device

    def enable(self, device: Device, first: int) -> None:
        """Enable it with the codes of the step `first` and the one after."""
        self.iam.enable_mfa_device(
            UserName=self.name,
            SerialNumber=device.serial,
            AuthenticationCode1=device.code(first),
            AuthenticationCode2=device.code(first + 1),
        )

    def step(self) -> int:
        """Return the present step."""
        return int(self.clock()) // STEP

    def wait_for(self, step: int) -> None:
        """Wait until the step has just begun."""
        self.wait(max(0, step * STEP + 1 - self.clock()))

    def mfa(self, device: Device) -> dict[str, str]:
        """Return the parameters with a code that was never sent, once its step has begun."""
        step = max(self.step(), device.last + 1)
        self.wait_for(step)
        device.last = step
        return with_code(device, step)

    def session(self, *, mfa: bool = True) -> Keys:
        """Return a session of the user's, made once."""
        if mfa not in self._sessions:
            parameters = self.mfa(self.device) if mfa else {}
            self._sessions[mfa] = self.sts.get_session_token(**parameters)["Credentials"]
        return self._sessions[mfa]


def with_code(device: Device, step: int) -> dict[str, str]:
    """Return the parameters that carry the code of `step`."""
    return {"SerialNumber": device.serial, "TokenCode": device.code(step)}


def _document(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
