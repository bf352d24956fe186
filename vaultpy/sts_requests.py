"""The two calls that a plan is made of, and the question that each one's session answers."""

from __future__ import annotations

from vaultpy.values import Value

TYPE_CHECKING = False


class Carried(Value):
    """What one AssumeRole says of its session; empty where there is nothing to say."""

    __slots__ = ("source_identity", "tags", "transitive_tags")
    tags: tuple[tuple[str, str], ...]
    transitive_tags: tuple[str, ...]
    source_identity: str | None

    def __init__(
        self,
        tags: tuple[tuple[str, str], ...] = (),
        transitive_tags: tuple[str, ...] = (),
        source_identity: str | None = None,
    ) -> None:
        self._set(tags=tags, transitive_tags=transitive_tags, source_identity=source_identity)

    def question(self) -> str:
        """Return what of it tells one session from another; nothing where there is nothing."""
        if not (self.tags or self.source_identity):
            return ""
        return f"\t{sorted(self.tags)!r}\t{sorted(self.transitive_tags)!r}\t{self.source_identity!r}"


NOTHING_CARRIED = Carried()


class GetSessionToken(Value):
    """One GetSessionToken; `duration` in seconds (900..129600), the MFA serials the user may answer with."""

    __slots__ = ("duration", "mfa_serials")
    mfa_serials: tuple[str, ...]
    duration: int
    label = "mfa"

    def __init__(self, mfa_serials: tuple[str, ...], duration: int) -> None:
        self._set(mfa_serials=mfa_serials, duration=duration)

    def question(self) -> str:
        """Return what makes two sessions the same: that there was MFA, and nothing else."""
        return "get-session-token\tmfa" if self.mfa_serials else "get-session-token"


class AssumeRole(Value):
    """One AssumeRole; `duration` in seconds (900..43200); MFA serials only where the code goes on it."""

    __slots__ = ("carried", "duration", "external_id", "mfa_serials", "role_arn", "session_name")
    role_arn: str
    session_name: str
    external_id: str | None
    duration: int
    mfa_serials: tuple[str, ...]
    carried: Carried

    def __init__(  # noqa: PLR0913  # a request has its parameters
        self,
        role_arn: str,
        session_name: str,
        *,
        external_id: str | None,
        duration: int,
        mfa_serials: tuple[str, ...] = (),
        carried: Carried = NOTHING_CARRIED,
    ) -> None:
        self._set(
            role_arn=role_arn,
            session_name=session_name,
            external_id=external_id,
            duration=duration,
            mfa_serials=mfa_serials,
            carried=carried,
        )

    def with_code(self, mfa_serials: tuple[str, ...]) -> AssumeRole:
        """Return the same request with an MFA code on it."""
        return AssumeRole(
            self.role_arn,
            self.session_name,
            external_id=self.external_id,
            duration=self.duration,
            mfa_serials=mfa_serials,
            carried=self.carried,
        )

    @property
    def label(self) -> str:
        """What a listing of sessions calls this one."""
        return self.role_arn

    def question(self) -> str:
        """Return every parameter that changes what the credentials may do; not how MFA was shown."""
        asked = f"{self.role_arn!r}\t{self.session_name!r}\t{self.external_id!r}"
        return f"assume-role\t{asked}{self.carried.question()}"


if TYPE_CHECKING:
    Request = GetSessionToken | AssumeRole
