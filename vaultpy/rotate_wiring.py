"""Which real objects stand behind a rotation, from a profile's name on: who signs, and one run at a time."""

from __future__ import annotations

import time

from vaultpy import errors
from vaultpy.access_key_on_yubikey import yubikey_ids
from vaultpy.credentials import DayKey
from vaultpy.plan import Plan
from vaultpy.rotation import Rotator
from vaultpy.rotation_store import RotationStore
from vaultpy.signers import Signer
from vaultpy.undoing import SignalsInterrupt
from vaultpy.user_access_keys import UserKeys
from vaultpy.user_plan import plan_of_user
from vaultpy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy.access_key_on_yubikey import YubiKeyStore
    from vaultpy.credentials import AccessKey, Signs
    from vaultpy.records import Enrolment
    from vaultpy.rotation import Rotated
    from vaultpy.wiring import Wiring


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


def rotate_profile(run: Wiring, name: str, *, keep_old: bool, onto: Onto = AS_BEFORE) -> Rotated | None:
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
        run.confirm_endpoint(plan)
        store = RotationStore(
            run.index,
            run.sessions,
            run.keystore,
            run.ledger.time,
            day_key=lambda enrolment: _day_key(run, plan, enrolment),
            into=_yubikeys(run, plan, onto),
        )
        rotator = Rotator(
            store,
            lambda key: run.sts(plan).caller_arn(key),
            run.terminal,
            run.ledger.time,
            time.monotonic,
        )
        with SignalsInterrupt():
            return rotator.rotate(name, lambda key: _user_keys(run, plan, key, onto), keep_old=keep_old)


def _yubikeys(run: Wiring, plan: Plan, onto: Onto) -> YubiKeyStore | None:
    """Return the YubiKeys that a new key goes onto: those asked for, or as many as had the old one."""
    enrolment = plan.signer.enrolment
    if enrolment is None or not (onto.count or enrolment.on_yubikey):
        return None
    before = yubikey_ids(enrolment.keystore_file) if enrolment.on_yubikey else []
    from vaultpy.yubikey_wiring import onto_yubikeys

    return onto_yubikeys(run, plan.profile, onto.count or len(before) or 1, onto.yubikey, tuple(before))


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
