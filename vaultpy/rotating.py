"""`rotate` from a profile's name on: whose key it is, who signs for the user, and one run at a time."""

from __future__ import annotations

import time

from vaultpy import errors
from vaultpy.durations import MFA_SESSION_SECONDS
from vaultpy.plan import Options, Plan, make_plan
from vaultpy.rotation import Rotator
from vaultpy.rotation_store import RotationStore
from vaultpy.sts_requests import GetSessionToken
from vaultpy.user_keys import UserKeys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.config import Config
    from vaultpy.credentials import AccessKey
    from vaultpy.index import Index
    from vaultpy.rotation import Rotated
    from vaultpy.wiring import Wiring


def rotate_profile(run: Wiring, name: str, *, keep_old: bool) -> Rotated | None:
    """Rotate the access key that is enrolled as `name`; raises what stands in the way.

    None if another run has given it another key while this one waited for it: then that is said, and all.
    """
    old_id = plan_of_user(run.config, run.index, name, run.environ).signer.key
    with run.ledger.key_changes(run.terminal.note):
        plan = plan_of_user(run.config, run.index, name, run.environ)
        new_id = plan.signer.key
        if new_id != old_id and not any(it.new_id == new_id for it in run.index.rotations()):
            run.terminal.note(
                f"{name} got {new_id} in the place of {old_id} meanwhile: nothing is left to do"
            )
            return None
        run.questions.confirm_endpoint(plan.endpoint_url)
        rotator = Rotator(
            RotationStore(run.index, run.sessions, run.keystore, run.ledger.time),
            lambda key: run.sts(plan).caller_arn(key),
            run.terminal,
            run.ledger.time,
            time.monotonic,
        )
        return rotator.rotate(name, lambda key: _user_keys(run, plan, key), keep_old=keep_old)


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


def _user_keys(run: Wiring, plan: Plan, key: AccessKey) -> UserKeys:
    """Return the keys of the user that `key` belongs to, asked for with its MFA session if it has a device.

    A user whose name AWS has not told yet is asked for first; raises NotAnIamUser.
    """
    arn = plan.signer.user_arn or run.sts(plan).caller_arn(key)
    if not arn.split(":", 5)[-1].startswith("user/"):
        raise errors.NotAnIamUser(arn=arn)
    iam = run.iam(plan)
    signer = run.broker(plan).credentials(plan) if plan.requests[0].mfa_serials else key
    return UserKeys(iam, arn.rpartition("/")[2], signer)
