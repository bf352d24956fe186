"""Who signs the first call of a plan: an enrolled access key, or a source of credentials that is not ours."""

from __future__ import annotations

import vaultpy
from vaultpy.profile import is_role_arn
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.config import Config
    from vaultpy.index import Index
    from vaultpy.profile import Profile
    from vaultpy.records import Enrolment
    from vaultpy.sources import ForeignSource

_SESSION_NAME_LENGTH = 64
_ARN_PARTS = 6


class Signer(Value):
    """Whose credentials begin a chain: `enrolment` is ours, or else `source` is what botocore resolves.

    `key` is what sessions are listed under, to be forgotten together.
    """

    __slots__ = ("enrolment", "source")
    enrolment: Enrolment | None
    source: ForeignSource | None

    def __init__(self, enrolment: Enrolment | None, source: ForeignSource | None = None) -> None:
        self._set(enrolment=enrolment, source=source)

    @property
    def name(self) -> str:
        """The profile's name."""
        return self.enrolment.name if self.enrolment else self.source.name if self.source else ""

    @property
    def key(self) -> str:
        """The access key id, or what stands for a source that has none of its own."""
        return self.enrolment.access_key_id if self.enrolment else f"source {self.name}"

    @property
    def user_arn(self) -> str:
        """The IAM user's ARN, empty where AWS was not asked."""
        return self.enrolment.user_arn if self.enrolment else ""

    @property
    def user_name(self) -> str:
        """The IAM user's name, or the profile's."""
        return self.enrolment.user_name if self.enrolment else self.name

    @property
    def user(self) -> str:
        """Who it is, for a person: the IAM user's ARN, or the profile's name where AWS was not asked."""
        return self.user_arn or self.name

    @property
    def mfa_serials(self) -> tuple[str, ...]:
        """The MFA devices that AWS told of when the key was enrolled."""
        return self.enrolment.mfa_serials if self.enrolment else ()

    @property
    def is_temporary(self) -> bool:
        """Whether its credentials are temporary: they carry no code, and roles from them last an hour."""
        return self.source is not None and self.source.is_temporary

    @property
    def has_role(self) -> bool:
        """Whether the role of its own profile is what its credentials are of already."""
        return self.source is not None and self.source.has_role

    @property
    def session_name(self) -> str:
        """The user's name as a role session name: two to 64 of the letters that AWS takes."""
        kept = "".join(c if c.isascii() and (c.isalnum() or c in "_+=,.@-") else "-" for c in self.user_name)
        return (kept if len(kept) > 1 else kept + "-vaultpy")[:_SESSION_NAME_LENGTH]

    def facts(self) -> dict[str, object]:
        """Return what the errors of a call that it signs may name."""
        return {"profile": self.name, "user": self.user}

    def question(self) -> str:
        """Return what tells its sessions from those of another."""
        return self.source.question() if self.source else f"access-key\t{self.key!r}"

    def role_arn(self, role: str) -> str:
        """Return the ARN of `role`, which may be just the name of one in the user's account.

        Raises RoleUnplaced where that account is unknown.
        """
        if role.startswith("arn:"):
            arn = role
        else:
            parts = self.user_arn.split(":")
            arn = f"arn:{parts[1]}:iam::{parts[4]}:role/{role}" if len(parts) == _ARN_PARTS else ""
        if not is_role_arn(arn):
            raise vaultpy.errors.RoleUnplaced(role=role)
        return arn


def signer_of(index: Index, profile: Profile, environ: Mapping[str, str]) -> Signer:
    """Return who signs for the last profile of a chain; raises NotEnrolled.

    An enrolled name is its access key and nothing else, also when the keystore is locked.
    """
    enrolment = index.enrolment(profile.name)
    if enrolment is not None:
        return Signer(enrolment)
    from vaultpy.sources import foreign_source

    source = foreign_source(profile, environ)
    if source is None:
        raise vaultpy.errors.NotEnrolled(profile=profile.name)
    return Signer(None, source)


def full_chain(config: Config, index: Index, name: str) -> list[Profile]:
    """Return the chain of a profile, with that of the profile which its end gets from vaultpy, once.

    That end says `credential_process = vaultpy credential-process NAME`: it is followed here instead of being
    run. Raises what `Config.chain` and `followed_profile` raise.
    """
    chain = config.chain(name)
    end = chain[-1]
    if not end.credential_process or index.enrolment(end.name):
        return chain
    from vaultpy.sources import followed_profile

    followed = followed_profile(end)
    if followed is None:
        return chain
    rest = config.chain(followed)
    names = [profile.name for profile in chain]
    last = rest[-1]
    again = None if index.enrolment(last.name) else followed_profile(last)
    if again is not None or any(profile.name in names for profile in rest):
        circle = [*names, *(profile.name for profile in rest), *([again] if again else [])]
        raise vaultpy.errors.ProfileCycle(
            key="credential_process", circle=" -> ".join(circle), path=config.path
        )
    if len(chain) == 1:
        chain = [end.on_keys_of(rest[0])]
    return chain + rest
