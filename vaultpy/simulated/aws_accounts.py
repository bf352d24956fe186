"""The simulated accounts: users, access keys and roles with their trust policies.

Identity policies are not evaluated: a user may do everything but what `denied` and `denied_without_mfa` list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from secrets import choice, token_bytes, token_hex, token_urlsafe
from typing import TYPE_CHECKING, Any

from vaultpy.simulated.aws_mfa import FidoDevice, MfaDevice

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

TRUSTED_ACTIONS = frozenset({"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"})
SEED_SIZE = 40  # bytes, as AWS's seeds are

_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def new_id(prefix: str, length: int) -> str:
    """Return a new id as AWS makes them: `prefix`, then capitals and digits up to `length`."""
    return prefix + "".join(choice(_ID_LETTERS) for _ in range(length - len(prefix)))


def new_secret() -> str:
    """Return a new secret access key: forty characters."""
    return token_urlsafe(30).replace("-", "+").replace("_", "/")


@dataclass(frozen=True)
class LastUse:
    """When and where a key last signed something; `at` is in epoch seconds."""

    at: float
    service: str
    region: str


@dataclass(eq=False)
class AccessKey:
    """A long-term access key. Times are epoch seconds; before `effective_from` AWS does not know it yet."""

    id: str
    secret: str = field(repr=False)
    user: User
    created: float
    effective_from: float
    active: bool = True
    last_use: LastUse | None = None


@dataclass(eq=False)
class User:
    """An IAM user, or an account's root user (whose name is empty)."""

    account: Account = field(repr=False)
    name: str
    path: str
    created: float
    id: str = field(default_factory=lambda: new_id("AIDA", 21))
    access_keys: dict[str, AccessKey] = field(default_factory=dict, repr=False)
    mfa_devices: dict[str, MfaDevice | FidoDevice] = field(default_factory=dict, repr=False)
    in_transition: bool = False
    """Whether the user was made anew a moment ago, so that MFA devices cannot be changed for now."""
    denied: set[str] = field(default_factory=set)
    denied_without_mfa: set[str] = field(default_factory=set)
    policies: dict[str, list[dict[str, Any]]] = field(default_factory=dict, repr=False)
    """The statements of PutUserPolicy's, by the policies' names."""

    @property
    def is_root(self) -> bool:
        """Whether this is the account's root user."""
        return not self.name

    @property
    def arn(self) -> str:
        """The user's ARN."""
        return self.account.root_arn if self.is_root else self.account.arn(f"user{self.path}{self.name}")

    @property
    def caller_id(self) -> str:
        """What GetCallerIdentity calls UserId."""
        return self.account.id if self.is_root else self.id

    @property
    def trusted_as(self) -> frozenset[str]:
        """The principals in a trust policy that mean this user."""
        return frozenset({"*", self.arn, self.account.id, self.account.root_arn})

    def access_key(self, *, propagation: float = 0) -> AccessKey:
        """Create an access key, which AWS knows only `propagation` seconds later."""
        now = self.account.clock()
        key = AccessKey(new_id("AKIA", 20), new_secret(), self, now, now + propagation)
        self.access_keys[key.id] = key
        return key

    def mfa_device(self, name: str = "", *, path: str = "/", serial: str = "") -> MfaDevice:
        """Create and enable a virtual MFA device, or with `serial` a hardware one (`GAHT12345678`)."""
        default = "root-account-mfa-device" if self.is_root else self.name
        if serial:
            device = MfaDevice(serial, token_bytes(SEED_SIZE))
        else:
            device = self.account.virtual_device(name or default, path=path)
        device.enabled_at = self.account.clock()
        self.mfa_devices[device.serial] = device
        return device

    def fido_device(self, name: str) -> FidoDevice:
        """Register a security key."""
        serial = self.account.arn(f"u2f/user/{self.name}/{name}-{token_hex(13).upper()}")
        device = FidoDevice(serial, self.account.clock())
        self.mfa_devices[serial] = device
        return device


@dataclass(eq=False)
class Role:
    """A role and its trust policy: who may assume it, under which conditions; times are in seconds."""

    account: Account = field(repr=False)
    name: str
    path: str
    trusts: Collection[str]
    requires_mfa: bool
    max_age: float | None
    external_id: str | None
    max_duration: int
    trusted_actions: Collection[str]
    id: str = field(default_factory=lambda: new_id("AROA", 21))
    policies: set[str] = field(default_factory=set, repr=False)

    @property
    def arn(self) -> str:
        """The role's ARN."""
        return self.account.arn(f"role{self.path}{self.name}")

    def lets_in(self, principals: frozenset[str], mfa_age: float | None, external_id: str | None) -> bool:
        """Tell whether the trust policy lets one of `principals` in; `mfa_age` is None without MFA."""
        if principals.isdisjoint(self.trusts):
            return False
        if self.requires_mfa and mfa_age is None:
            return False
        if self.max_age is not None and (mfa_age is None or mfa_age >= self.max_age):
            return False
        return self.external_id is None or external_id == self.external_id


@dataclass(eq=False)
class Account:
    """One AWS account in a partition (`aws`, `aws-cn`, `aws-us-gov`)."""

    id: str
    partition: str
    clock: Callable[[], float] = field(repr=False)
    users: dict[str, User] = field(default_factory=dict, repr=False)
    roles: dict[str, Role] = field(default_factory=dict, repr=False)
    virtual_devices: dict[str, MfaDevice] = field(default_factory=dict, repr=False)
    """All virtual MFA devices by their serials, enabled or nobody's."""
    disabled_regions: set[str] = field(default_factory=set)
    root: User = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.root = User(self, "", "/", self.clock())

    @property
    def root_arn(self) -> str:
        """The principal that means the whole account."""
        return self.arn("root")

    def arn(self, resource: str) -> str:
        """Return the ARN of an IAM resource of this account."""
        return f"arn:{self.partition}:iam::{self.id}:{resource}"

    def holder(self, serial: str) -> User | None:
        """Return the user for whom the MFA device is enabled."""
        return next((user for user in (self.root, *self.users.values()) if serial in user.mfa_devices), None)

    def virtual_device(self, name: str, *, path: str = "/") -> MfaDevice:
        """Create a virtual MFA device, which is nobody's yet."""
        device = MfaDevice(self.arn(f"mfa{path}{name}"), token_bytes(SEED_SIZE))
        self.virtual_devices[device.serial] = device
        return device

    def user(self, name: str, *, path: str = "/") -> User:
        """Create an IAM user."""
        if name in self.users:
            raise ValueError(f"account {self.id} has a user {name}")
        self.users[name] = User(self, name, path, self.clock())
        return self.users[name]

    def role(  # noqa: PLR0913  # one for each condition that a trust policy may name
        self,
        name: str,
        *,
        path: str = "/",
        trusts: Collection[str] = (),
        requires_mfa: bool = False,
        max_age: float | None = None,
        external_id: str | None = None,
        max_duration: int = 3600,
        trusted_actions: Collection[str] = TRUSTED_ACTIONS,
    ) -> Role:
        """Create a role; `trusts` are ARNs, account ids or `*`, and without any it trusts its own account."""
        if name in self.roles:
            raise ValueError(f"account {self.id} has a role {name}")
        self.roles[name] = Role(
            self,
            name,
            path,
            trusts or (self.root_arn,),
            requires_mfa,
            max_age,
            external_id,
            max_duration,
            trusted_actions,
        )
        return self.roles[name]
