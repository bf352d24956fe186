"""`rotate` from a profile's name on: whose key it is, who signs for the user, and one run at a time."""

from __future__ import annotations

import time

from vaultpy import errors
from vaultpy.credentials import DayKey
from vaultpy.durations import MFA_SESSION_SECONDS
from vaultpy.key_on_yubikey import key_ids
from vaultpy.plan import Options, Plan, make_plan
from vaultpy.rotation import Rotator
from vaultpy.rotation_store import RotationStore
from vaultpy.signers import Signer
from vaultpy.sts_requests import GetSessionToken
from vaultpy.undoing import Undoing
from vaultpy.user_keys import UserKeys
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from vaultpy.config import Config
    from vaultpy.credentials import AccessKey, Signs
    from vaultpy.index import Index
    from vaultpy.key_on_yubikey import YubiKeyStore
    from vaultpy.profile import Profile
    from vaultpy.records import Enrolment
    from vaultpy.rotation import Rotated
    from vaultpy.wiring import Wiring

    OpenYubiKeys: TypeAlias = Callable[
        [Wiring, "Profile | None", int, "str | None", tuple[str, ...]], YubiKeyStore
    ]


class Onto(Value):
    """On how many YubiKeys a new key is to be, and the serial number of the one to begin with.

    With `count` 0 it goes where the old one is.
    """

    __slots__ = ("count", "yubikey")
    count: int
    yubikey: str | None

    def __init__(self, count: int = 0, yubikey: str | None = None) -> None:
        self._set(count=count, yubikey=yubikey)


AS_BEFORE = Onto()


def rotate_profile(
    run: Wiring, name: str, yubikeys: OpenYubiKeys, *, keep_old: bool, onto: Onto = AS_BEFORE
) -> Rotated | None:
    """Rotate the access key that is enrolled as `name`; raises what stands in the way.

    `yubikeys` opens those that a new key goes onto. None if another run has given it another key while this
    one waited for it: then that is said, and all.
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
        store = RotationStore(
            run.index,
            run.sessions,
            run.keystore,
            run.ledger.time,
            day_key=lambda enrolment: _day_key(run, plan, enrolment),
            into=_yubikeys(run, plan, yubikeys, onto),
        )
        rotator = Rotator(
            store,
            lambda key: run.sts(plan).caller_arn(key),
            run.terminal,
            run.ledger.time,
            time.monotonic,
        )
        with Undoing(run.terminal):  # nothing by itself: other ends than Ctrl-C are to count as that
            return rotator.rotate(name, lambda key: _user_keys(run, plan, key, onto), keep_old=keep_old)


def _yubikeys(run: Wiring, plan: Plan, yubikeys: OpenYubiKeys, onto: Onto) -> YubiKeyStore | None:
    """Return the YubiKeys that a new key goes onto: those asked for, or as many as had the old one."""
    enrolment = plan.signer.enrolment
    if enrolment is None or not (onto.count or enrolment.on_yubikey):
        return None
    before = key_ids(enrolment.keystore_file) if enrolment.on_yubikey else []
    return yubikeys(run, plan.profile, onto.count or len(before) or 1, onto.yubikey, tuple(before))


def _day_key(run: Wiring, plan: Plan, enrolment: Enrolment) -> DayKey:
    """Return today's key for the access key of `enrolment`, which is on a YubiKey."""
    its = Plan(
        plan.profile,
        Signer(enrolment),
        plan.requests,
        region=plan.region,
        endpoint_url=plan.endpoint_url,
        capped=False,
    )
    found = run.access_key(its)
    if not isinstance(found, DayKey):
        raise AssertionError("what is on a YubiKey signs by the day")  # noqa: TRY004  # no type that was given
    return found


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


def _user_keys(run: Wiring, plan: Plan, key: AccessKey | None, onto: Onto) -> UserKeys:
    """Return the keys of the user that `key` belongs to, asked for with its MFA session if it has a device.

    Without `key` a YubiKey signs where one is needed. A user whose name AWS has not told yet is asked for
    first; raises NotAnIamUser.
    """

    def access_key() -> Signs:
        return run.access_key(plan) if key is None else key

    arn = plan.signer.user_arn or run.sts(plan).caller_arn(access_key())
    if not arn.split(":", 5)[-1].startswith("user/"):
        raise errors.NotAnIamUser(arn=arn)
    iam = run.iam(plan)
    if plan.requests[0].mfa_serials:
        signer: Signs = run.broker(plan, yubikey=onto.yubikey).credentials(plan)
    else:
        signer = access_key()
    return UserKeys(iam, arn.rpartition("/")[2], signer)
