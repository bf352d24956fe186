"""The plan for the MFA session of an IAM user, whose own access key or devices a command is about."""

from __future__ import annotations

from vaultpy import errors
from vaultpy.durations import MFA_SESSION_SECONDS
from vaultpy.plan import Options, Plan, make_plan
from vaultpy.sts_requests import GetSessionToken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.config import Config
    from vaultpy.index import Index


def plan_of_user(config: Config, index: Index, name: str, environ: Mapping[str, str]) -> Plan:
    """Return the plan for the MFA session of the user whose access key is enrolled as `name`.

    Its one request names no MFA device where none is known. Raises KeyOfAnother for a profile that gets its
    credentials from another, NotEnrolled, and what `make_plan` raises.
    """
    plan = make_plan(config, index, name, Options(), environ)
    if plan.signer.enrolment is None:
        raise errors.NotEnrolled(profile=plan.signer.name)
    if plan.signer.name != name:
        raise errors.KeyOfAnother(profile=name, source=plan.signer.name)
    session = plan.requests[0]
    if not isinstance(session, GetSessionToken):  # the profile is a role's too
        session = GetSessionToken(session.mfa_serials, MFA_SESSION_SECONDS)
    return Plan(
        plan.profile,
        plan.signer,
        (session,),
        region=plan.region,
        endpoint_url=plan.endpoint_url,
        capped=False,
    )
