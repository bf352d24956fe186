"""Temporary credentials of the simulated AWS and the principals that stand behind them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import TYPE_CHECKING

from vaultpy.simulated.aws_accounts import AccessKey, Account, Role, User, new_id, new_secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from vaultpy.simulated.aws_signin import SigninToken

REGIONS = (
    "us-east-1",
    "us-west-2",
    "eu-central-1",
    "eu-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-east-1",
    "us-gov-west-1",
)


def partition_of(region: str) -> str:
    """Return the partition that `region` belongs to."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


@dataclass(frozen=True, eq=False)
class AssumedRole:
    """A role that somebody has assumed under a session name."""

    role: Role
    session_name: str

    @property
    def account(self) -> Account:
        """The role's account."""
        return self.role.account

    @property
    def arn(self) -> str:
        """The session's ARN: it has the role's name without its path."""
        account = self.account
        return f"arn:{account.partition}:sts::{account.id}:assumed-role/{self.role.name}/{self.session_name}"

    @property
    def caller_id(self) -> str:
        """What GetCallerIdentity calls UserId."""
        return f"{self.role.id}:{self.session_name}"

    @property
    def trusted_as(self) -> frozenset[str]:
        """The principals in a trust policy that mean this session."""
        return frozenset({"*", self.arn, self.role.arn, self.account.id, self.account.root_arn})


@dataclass(frozen=True, eq=False)
class FederatedUser:
    """The name that GetFederationToken was given."""

    account: Account
    name: str

    @property
    def arn(self) -> str:
        """The federated user's ARN."""
        return f"arn:{self.account.partition}:sts::{self.account.id}:federated-user/{self.name}"

    @property
    def caller_id(self) -> str:
        """What GetCallerIdentity calls UserId."""
        return f"{self.account.id}:{self.name}"


@dataclass(eq=False)
class Session:
    """Temporary credentials; times are epoch seconds.

    `mfa_at` is when an MFA code was verified, for the sessions of GetSessionToken alone: a role's have none.
    """

    principal: User | AssumedRole | FederatedUser
    expiration: int
    token: str = field(repr=False)
    mfa_at: float | None = None
    made_with: AccessKey | None = None
    tags: dict[str, str] = field(default_factory=dict)
    transitive_tag_keys: frozenset[str] = frozenset()
    source_identity: str | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    chained: bool = False
    """Whether other temporary credentials assumed the role."""
    id: str = field(default_factory=lambda: new_id("ASIA", 20))
    secret: str = field(default_factory=new_secret, repr=False)


Caller: TypeAlias = "AccessKey | Session"


def principal_of(caller: Caller) -> User | AssumedRole | FederatedUser:
    """Return whose credentials these are."""
    return caller.user if isinstance(caller, AccessKey) else caller.principal


@dataclass
class Habits:
    """What AWS does not promise, so that tests may want it both ways; it can be changed at any time."""

    sessions_outlive_keys: bool = False
    """Whether GetSessionToken's sessions outlive an access key that is made inactive or deleted.

    Nobody has published it; that they do not is the harder case (unproven A7).
    """
    key_propagation: float = 0
    """How many seconds AWS takes to know a key of CreateAccessKey's; 8 to 15 were observed (unproven A12)."""


@dataclass
class Cloud:
    """All accounts with the sessions that STS has issued; `token_size` is the length of a session token."""

    clock: Callable[[], float]
    regions: tuple[str, ...]
    token_size: int
    habits: Habits = field(default_factory=Habits)
    accounts: dict[str, Account] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict, repr=False)
    signin_tokens: dict[str, SigninToken] = field(default_factory=dict, repr=False)

    def new_token(self) -> str:
        """Return a new session token of `token_size` characters."""
        return ("IQoJb3JpZ2luX2Vj" + b64encode(token_bytes(self.token_size)).decode())[: self.token_size]

    def add(self, session: Session) -> Session:
        """Make the credentials of `session` valid."""
        self.sessions[session.id] = session
        return session

    def caller(self, access_key_id: str) -> Caller | None:
        """Return whose access key id this is, of any account."""
        for account in self.accounts.values():
            for user in (account.root, *account.users.values()):
                if access_key_id in user.access_keys:
                    return user.access_keys[access_key_id]
        return self.sessions.get(access_key_id)

    def role(self, arn: str) -> Role | None:
        """Return the role with this ARN, of any account."""
        roles = (role for account in self.accounts.values() for role in account.roles.values())
        return next((role for role in roles if role.arn == arn), None)
