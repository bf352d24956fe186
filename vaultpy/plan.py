"""Which STS calls lead to a profile's credentials, in which order: pure, decided before anything is asked.

The chain of source profiles ends at one whose access key is enrolled. Shared: one GetSessionToken with MFA
whose session serves every role of that user, then AssumeRole for each role of the chain. Direct: the MFA code
goes on the first AssumeRole itself, which is the only way to a role session of more than an hour, because AWS
caps a role assumed with temporary credentials at one hour. At most one MFA code a plan.
"""

from __future__ import annotations

from vaultpy.errors import BadVariable, DurationRefused, NotEnrolled, UnsupportedSource
from vaultpy.profile import MFA_SERIAL_WANTED, is_mfa_serial
from vaultpy.regions import sts_region
from vaultpy.sts_requests import AssumeRole, GetSessionToken
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.config import Config, Profile
    from vaultpy.index import Index
    from vaultpy.records import Enrolment
    from vaultpy.sts_requests import Request

HOUR = 3600
MFA_SESSION_SECONDS = 12 * HOUR
_SHORTEST = 900  # AWS's limits, for both calls and then for each
_LONGEST_MFA_SESSION = 36 * HOUR
_LONGEST_ROLE_SESSION = 12 * HOUR
_SESSION_NAME_LENGTH = 64


class Options(Value):
    """What the command line may ask of a plan; None and False where it asks nothing."""

    __slots__ = ("direct", "duration", "mfa_serial")
    direct: bool
    duration: int | None
    mfa_serial: str | None

    def __init__(
        self, *, direct: bool = False, duration: int | None = None, mfa_serial: str | None = None
    ) -> None:
        self._set(direct=direct, duration=duration, mfa_serial=mfa_serial)


class Plan(Value):
    """The calls to make for one profile, who signs the first, and where they go."""

    __slots__ = ("capped", "endpoint_url", "enrolment", "profile", "region", "requests")
    profile: Profile
    enrolment: Enrolment
    requests: tuple[Request, ...]
    region: str
    endpoint_url: str | None
    capped: bool

    def __init__(  # noqa: PLR0913  # a plan is these six facts
        self,
        profile: Profile,
        enrolment: Enrolment,
        requests: tuple[Request, ...],
        *,
        region: str,
        endpoint_url: str | None,
        capped: bool,
    ) -> None:
        self._set(
            profile=profile,
            enrolment=enrolment,
            requests=requests,
            region=region,
            endpoint_url=endpoint_url,
            capped=capped,
        )

    @property
    def account_id(self) -> str | None:
        """The account that the credentials belong to, as far as an ARN tells."""
        role = self.requests[-1]
        arn = role.role_arn if isinstance(role, AssumeRole) else self.enrolment.user_arn
        return arn.split(":")[4] if arn.count(":") > 4 else None  # noqa: PLR2004  # arn:partition:iam::account:...

    def child_region(self, environ: Mapping[str, str]) -> str | None:
        """Return the region that the command works in: the environment's before the profile's."""
        return environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or self.profile.region

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
        lines = [f"access-key\t{self.enrolment.access_key_id!r}"]
        if self.endpoint_url:
            lines.append(f"endpoint\t{self.endpoint_url!r}")
        return "\n".join([*lines, *(request.question() for request in asked)])


def make_plan(config: Config, index: Index, name: str, options: Options, environ: Mapping[str, str]) -> Plan:
    """Return the plan for profile `name`.

    Raises NotEnrolled, UnsupportedSource, DurationRefused, BadVariable, and what reading the config raises.
    """
    chain = config.chain(name)
    source = chain[-1]
    enrolment = _enrolment(index, chain)
    serials = _mfa_serials(chain, enrolment, options, environ)
    roles = [profile for profile in reversed(chain) if profile.role_arn]
    direct = _is_direct(chain[0], roles, options)
    mfa_session = GetSessionToken(serials, _mfa_session_seconds(source))
    requests, capped = _requests(roles, mfa_session, enrolment, options, direct=direct)
    return Plan(
        chain[0],
        enrolment,
        requests,
        region=sts_region(chain[0].role_arn or enrolment.user_arn, source.region, chain[0].region),
        endpoint_url=config.endpoint_url("sts", source),
        capped=capped,
    )


def _enrolment(index: Index, chain: list[Profile]) -> Enrolment:
    source = chain[-1]
    enrolment = index.enrolment(source.name)
    if enrolment is not None:
        return enrolment
    if source.foreign_source:
        raise UnsupportedSource(profile=source.name, source=source.foreign_source)
    raise NotEnrolled(profile=source.name)


def _mfa_serials(
    chain: list[Profile], enrolment: Enrolment, options: Options, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Return who may answer: the option, the variable, the profile, its source profiles, the index."""
    if options.mfa_serial:
        return (options.mfa_serial,)
    if variable := environ.get("AWS_MFA_SERIAL"):
        if not is_mfa_serial(variable):
            raise BadVariable(variable="AWS_MFA_SERIAL", value=variable, wanted=MFA_SERIAL_WANTED)
        return (variable,)
    for profile in chain:
        if profile.vaultpy_mfa_serials:
            return profile.vaultpy_mfa_serials
        if profile.mfa_serial:
            return (profile.mfa_serial,)
    return enrolment.mfa_serials


def _mfa_session_seconds(source: Profile) -> int:
    seconds = source.vaultpy_session_duration or MFA_SESSION_SECONDS
    if not _SHORTEST <= seconds <= _LONGEST_MFA_SESSION:
        raise source.bad_value("vaultpy_session_duration", "a duration from 15m to 36h")
    return seconds


def _wanted(options: Options, otherwise: int, longest: int) -> int:
    """Return the seconds that are asked for; raises DurationRefused, as AWS would after the touch."""
    seconds = options.duration or otherwise
    if not _SHORTEST <= seconds <= longest:
        limits = f"{_SHORTEST} s and {longest} s ({longest // HOUR}h)"
        raise DurationRefused(reason=f"{seconds} s is not between {limits}")
    return seconds


def _is_direct(target: Profile, roles: list[Profile], options: Options) -> bool:
    if options.direct or target.vaultpy_mfa == "direct":
        return True
    wanted = options.duration or target.duration_seconds or HOUR
    return target.vaultpy_mfa != "shared" and len(roles) == 1 and wanted > HOUR


def _requests(
    roles: list[Profile],
    mfa_session: GetSessionToken,
    enrolment: Enrolment,
    options: Options,
    *,
    direct: bool,
) -> tuple[tuple[Request, ...], bool]:
    """Return the calls in order, and whether AWS's limit of an hour cut a wanted duration short."""
    serials = mfa_session.mfa_serials
    if not roles:
        wanted = _wanted(options, mfa_session.duration, _LONGEST_MFA_SESSION)
        return (GetSessionToken(serials, wanted),), False
    requests: list[Request] = []
    if serials and not direct:
        requests.append(mfa_session)
    capped = False
    for profile in roles:
        wanted = profile.duration_seconds or HOUR
        if profile is roles[-1]:
            wanted = _wanted(options, wanted, _LONGEST_ROLE_SESSION)
        chained = bool(requests)
        capped = capped or (chained and wanted > HOUR)
        requests.append(
            AssumeRole(
                profile.role_arn or "",
                profile.role_session_name or _user_name(enrolment),
                external_id=profile.external_id,
                duration=min(wanted, HOUR) if chained else wanted,
                mfa_serials=() if chained else serials,
            )
        )
    return tuple(requests), capped


def _user_name(enrolment: Enrolment) -> str:
    """Return the IAM user's name as a role session name: at least two of the letters that AWS takes."""
    name = enrolment.user_name
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_+=,.@-") else "-" for c in name)
    return (kept if len(kept) > 1 else kept + "-vaultpy")[:_SESSION_NAME_LENGTH]
