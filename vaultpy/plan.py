"""Which STS calls lead to a profile's credentials, in which order: pure, decided before anything is asked.

The chain of source profiles ends at one whose access key is enrolled, or whose credentials come from
elsewhere. Shared: one GetSessionToken with MFA whose session serves every role of that user, then AssumeRole
for each role of the chain. Direct: the MFA code goes on the first AssumeRole itself, which is the only way to
a role session of more than an hour, because AWS caps a role assumed with temporary credentials at one hour.
At most one MFA code a plan.
"""

from __future__ import annotations

import vaultpy
from vaultpy.durations import HOUR, MFA_SESSION_SECONDS, WantedDuration, mfa_session_seconds
from vaultpy.profile import MFA_SERIAL_WANTED, is_mfa_serial
from vaultpy.regions import sts_region
from vaultpy.signers import full_chain, signer_of
from vaultpy.sts_requests import NOTHING_CARRIED, AssumeRole, GetSessionToken
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.config import Config
    from vaultpy.index import Index
    from vaultpy.profile import Profile
    from vaultpy.signers import Signer
    from vaultpy.sts_requests import Carried, Request

_CARRIED_SETTINGS = frozenset({"session_tags", "transitive_session_tags", "source_identity"})
_CARRIED_VARIABLES = frozenset({"AWS_SESSION_TAGS", "AWS_TRANSITIVE_TAGS", "AWS_SOURCE_IDENTITY"})


class Options(Value):
    """What the command line may ask of a plan; None and False where it asks nothing.

    `role` is an ARN or a name, `min_ttl` what must be left of the credentials at the start; in seconds.
    `shared` is for whoever comes back for more: no code goes on a role itself, whatever the profile says.
    """

    __slots__ = ("direct", "duration", "mfa_serial", "min_ttl", "role", "session_duration", "shared")
    direct: bool
    duration: int | None
    mfa_serial: str | None
    min_ttl: int | None
    role: str | None
    session_duration: int | None
    shared: bool

    def __init__(  # noqa: PLR0913  # each an option
        self,
        *,
        direct: bool = False,
        duration: int | None = None,
        mfa_serial: str | None = None,
        min_ttl: int | None = None,
        role: str | None = None,
        session_duration: int | None = None,
        shared: bool = False,
    ) -> None:
        self._set(direct=direct, duration=duration, mfa_serial=mfa_serial, min_ttl=min_ttl)
        self._set(role=role, session_duration=session_duration, shared=shared)


class Plan(Value):
    """The calls to make for one profile, who signs the first, and where they go.

    `requests` is empty where a source's temporary credentials are handed out as they are. `capped` tells that
    AWS's limit of an hour cuts the last role's wanted duration short; `min_ttl` seconds must be left at the
    start.
    """

    __slots__ = ("capped", "endpoint_url", "min_ttl", "profile", "region", "requests", "signer")
    profile: Profile
    signer: Signer
    requests: tuple[Request, ...]
    region: str
    endpoint_url: str | None
    capped: bool
    min_ttl: int

    def __init__(  # noqa: PLR0913  # a plan is these facts
        self,
        profile: Profile,
        signer: Signer,
        requests: tuple[Request, ...],
        *,
        region: str,
        endpoint_url: str | None,
        capped: bool,
        min_ttl: int = 0,
    ) -> None:
        self._set(profile=profile, signer=signer, requests=requests, region=region)
        self._set(endpoint_url=endpoint_url, capped=capped, min_ttl=min_ttl)

    @property
    def account_id(self) -> str | None:
        """The account that the credentials belong to, as far as an ARN tells."""
        role = self.requests[-1] if self.requests else None
        arn = role.role_arn if isinstance(role, AssumeRole) else self.signer.user_arn
        return arn.split(":")[4] if arn.count(":") > 4 else None  # noqa: PLR2004  # arn:partition:iam::account:...

    def child_region(self, environ: Mapping[str, str]) -> str | None:
        """Return the region that the command works in: the environment's before the profile's."""
        return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or self.profile.region

    def beginning(self) -> Plan:
        """Return the plan as far as its first call; all of one that has none."""
        first = self.requests[:1]
        return Plan(
            self.profile, self.signer, first, region=self.region, endpoint_url=self.endpoint_url, capped=False
        )

    def question(self, made: int) -> str:
        """Return what the session after the first `made` requests answers: who signs, where, and what.

        A plan's last role never depends on a GetSessionToken before it, so that shared and direct sessions
        of one role serve each other.
        """
        asked = self.requests[:made]
        if made > 1 and isinstance(asked[0], GetSessionToken):
            asked = asked[1:]
        return self._question(asked)

    def mfa_session_question(self) -> str:
        """Return what an MFA session of the same user answers, be it part of this plan or not."""
        return self._question((GetSessionToken(("any",), MFA_SESSION_SECONDS),))

    def _question(self, asked: tuple[Request, ...]) -> str:
        lines = [self.signer.question()]
        if self.endpoint_url:
            lines.append(f"endpoint\t{self.endpoint_url!r}")
        return "\n".join([*lines, *(request.question() for request in asked)])


def make_plan(config: Config, index: Index, name: str, options: Options, environ: Mapping[str, str]) -> Plan:
    """Return the plan for profile `name`.

    Raises NotEnrolled, DurationRefused, MinTtlUnreachable, RoleTwice, RoleUnplaced, BadVariable, and what
    reading the config raises.
    """
    chain = full_chain(config, index, name)
    source = chain[-1]
    signer = signer_of(index, source, environ)
    if options.role:
        if chain[0].role_arn and not (signer.has_role and chain[0] is source):
            raise vaultpy.errors.RoleTwice(
                profile=name, role=chain[0].role_arn, source=source.name, wanted=options.role
            )
        chain = [chain[0].assuming(signer.role_arn(options.role)), *chain]
    requests, capped = _Calls(chain, signer, options, environ).in_order()
    target = next((profile.role_arn for profile in chain if profile.role_arn), None)
    return Plan(
        chain[0],
        signer,
        requests,
        region=sts_region(target or signer.user_arn, source.region, chain[0].region),
        endpoint_url=config.endpoint_url("sts", source),
        capped=capped,
        min_ttl=options.min_ttl or 0,
    )


def _carried(profile: Profile, environ: Mapping[str, str]) -> Carried:
    if _CARRIED_SETTINGS.isdisjoint(profile.settings) and _CARRIED_VARIABLES.isdisjoint(environ):
        return NOTHING_CARRIED
    from vaultpy.session_tags import carried

    return carried(profile, environ)


class _Calls:
    """The calls of one plan, on their way to being decided."""

    def __init__(
        self, chain: list[Profile], signer: Signer, options: Options, environ: Mapping[str, str]
    ) -> None:
        self._chain = chain
        self._signer = signer
        self._options = options
        self._environ = environ
        self._wish = WantedDuration(options.duration, options.min_ttl)
        assumed = chain[:-1] if signer.has_role else chain
        self._roles = [profile for profile in reversed(assumed) if profile.role_arn]
        self._serials = () if signer.is_temporary else self._mfa_serials()

    def in_order(self) -> tuple[tuple[Request, ...], bool]:
        """Return them, and whether AWS's limit of an hour cut a wanted duration short."""
        usual = mfa_session_seconds(self._chain[-1], self._options.session_duration)
        if not self._roles:
            if self._signer.is_temporary:
                return self._nothing_to_ask()
            return (GetSessionToken(self._serials, self._wish.mfa_seconds(usual)),), False
        calls: list[Request] = []
        if self._serials and not self._is_direct():
            calls.append(GetSessionToken(self._serials, usual))
        capped = False
        for profile in self._roles:
            by_session = bool(calls) or self._signer.is_temporary
            wanted = profile.duration_seconds or HOUR
            if profile is self._roles[-1]:
                wanted = self._wish.role_seconds(profile)
                self._wish.check_reachable(profile, by_session=by_session)
            capped = by_session and wanted > HOUR
            calls.append(self._role(profile, min(wanted, HOUR) if by_session else wanted, by_session))
        return tuple(calls), capped

    def _nothing_to_ask(self) -> tuple[tuple[Request, ...], bool]:
        """Return no call: what the source gives lasts as long as it does, whatever is asked."""
        if self._options.duration or self._options.session_duration:
            raise vaultpy.errors.SourceDecides(profile=self._chain[0].name)
        return (), False

    def _role(self, profile: Profile, seconds: int, by_session: bool) -> AssumeRole:  # noqa: FBT001  # private
        asked_for = profile is self._roles[-1]
        return AssumeRole(
            profile.role_arn or "",
            profile.role_session_name or self._signer.session_name,
            external_id=profile.external_id,
            duration=seconds,
            mfa_serials=() if by_session else self._serials,
            carried=_carried(profile, self._environ if asked_for else {}),
        )

    def _is_direct(self) -> bool:
        target = self._roles[-1]
        if self._options.shared:
            return False
        if self._options.direct or target.vaultpy_mfa == "direct":
            return True
        return target.vaultpy_mfa != "shared" and len(self._roles) == 1 and self._wish.of_role(target) > HOUR

    def _mfa_serials(self) -> tuple[str, ...]:
        """Return who may answer: the option, the variable, the profile, its source profiles, the index."""
        if self._options.mfa_serial:
            return (self._options.mfa_serial,)
        if variable := self._environ.get("AWS_MFA_SERIAL"):
            if not is_mfa_serial(variable):
                raise vaultpy.errors.BadVariable(
                    variable="AWS_MFA_SERIAL", value=variable, wanted=MFA_SERIAL_WANTED
                )
            return (variable,)
        for profile in self._chain:
            if profile.vaultpy_mfa_serials:
                return profile.vaultpy_mfa_serials
            if profile.mfa_serial:
                return (profile.mfa_serial,)
        return self._signer.mfa_serials
