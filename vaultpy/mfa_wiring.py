"""Whose MFA devices the `mfa` verbs mean, and what AWS and the YubiKeys at hand tell of them."""

from __future__ import annotations

from shlex import quote

from vaultpy import errors
from vaultpy.mfa_codes import code_wanted, learn_clock, resync
from vaultpy.mfa_listing import HeldKey, UserDevices
from vaultpy.mfa_removal import Removal
from vaultpy.mfa_removal_in_iam import Devices
from vaultpy.plan import Options, make_plan
from vaultpy.rotation_records import is_in_use
from vaultpy.sessions import MARGIN_SECONDS
from vaultpy.sts_requests import GetSessionToken
from vaultpy.user_plan import plan_of_user

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from vaultpy.credentials import Credentials, Signs
    from vaultpy.held_account import HeldAccount
    from vaultpy.iam_records import EnabledDevice
    from vaultpy.mfa_codes import Codes
    from vaultpy.plan import Plan
    from vaultpy.wiring import Wiring

    class Key(Protocol):
        """A YubiKey that is plugged in."""

        @property
        def where(self) -> str: ...  # noqa: D102
        def accounts(self) -> list[HeldAccount]: ...  # noqa: D102


def user_plan(run: Wiring, name: str) -> Plan:
    """Return the plan for the MFA session of the user that profile `name` begins with; raises NotEnrolled."""
    plan = make_plan(run.config, run.index, name, Options(), run.environ)
    return plan_of_user(run.config, run.index, plan.signer.name, run.environ)


def user_name(run: Wiring, plan: Plan, key: Signs) -> str:
    """Return the name of the IAM user that `key` belongs to; asks AWS if it has not told yet."""
    arn = plan.signer.user_arn
    return (arn or run.sts(plan).caller_arn(key)).rpartition("/")[2]


def usual_profile(run: Wiring, verb: str) -> str:
    """Return the one name under which a key is enrolled; raises UsageError where it is not the only one."""
    names = enrolled_names(run)
    if len(names) == 1:
        return names[0]
    known = f"one of {', '.join(names)}" if names else "an access key is enrolled first: vaultpy add NAME"
    raise errors.UsageError(problem=f"PROFILE is missing: {known}", command=verb)


def enrolled_names(run: Wiring) -> list[str]:
    """Return the names under which keys are in use."""
    return [enrolment.name for enrolment in run.index.enrolments() if is_in_use(enrolment)]


def devices_of(run: Wiring, name: str, tell: Callable[[str], None]) -> UserDevices:
    """Return what is known of a user's MFA devices, without a touch; `tell` hears why AWS does not tell.

    Raises what making a plan raises.
    """
    plan = user_plan(run, name)
    in_iam = None
    try:
        in_iam = _in_iam(run, plan, tell)
    except errors.VaultpyError as why:
        tell(f"AWS does not tell the MFA devices of {plan.signer.name}: {why.message}")
    return UserDevices(
        plan.signer.name,
        plan.signer.user_arn,
        plan.signer.user_name,
        in_iam=in_iam,
        known=tuple(dict.fromkeys([*plan.requests[0].mfa_serials, *plan.signer.mfa_serials])),
        account=plan.profile.vaultpy_account,
    )


def _in_iam(run: Wiring, plan: Plan, tell: Callable[[str], None]) -> tuple[EnabledDevice, ...] | None:
    """Ask with the MFA session at hand, for some policies want that even to look; else with the key.

    None where the key lives on a YubiKey: nothing is touched for a list.
    """
    run.confirm_endpoint(plan)
    iam = run.iam(plan)
    session = run.sessions.get(plan.mfa_session_question(), MARGIN_SECONDS)
    if session is not None and plan.signer.user_arn:
        try:
            return iam.mfa_devices(session, plan.signer.user_name)
        except (errors.AwsRefused, errors.SessionRefused):
            pass
    if plan.signer.enrolment is not None and plan.signer.enrolment.on_yubikey:
        tell(f"AWS was not asked: access key {plan.signer.key} lives on a YubiKey, which wants a touch")
        return None
    key = run.access_key(plan)
    return iam.mfa_devices(key, user_name(run, plan, key))


def held_keys(
    keys: Callable[[], Sequence[tuple[str, Key | errors.VaultpyError]]], tell: Callable[[str], None]
) -> list[HeldKey]:
    """Return what the YubiKeys that are plugged in hold; `tell` hears why some of it, or all, is missing."""
    try:
        here = keys()
    except errors.VaultpyError as why:
        tell(f"no YubiKey was looked at: {why.message}")
        return []
    if not here:
        tell("no YubiKey is plugged in")
    found = []
    for where, key in here:
        if isinstance(key, errors.VaultpyError):
            tell(f"{where} was not looked at: {key.message}")
            continue
        try:
            found.append(HeldKey(key.where, tuple(key.accounts())))
        except errors.VaultpyError as why:
            tell(f"{where} was not looked at: {why.message}")
    return found


# ---- changing ----------------------------------------------------------------------------------------


def resync_device(run: Wiring, plan: Plan, codes: Codes, mfa_serial: str | None) -> str:
    """Let AWS set itself by two codes of a device of the plan's user; return the device's serial.

    Raises what `resync` raises.
    """
    wanted = code_wanted(plan, "resync the MFA device of", mfa_serial)
    run.confirm_endpoint(plan)
    iam, key = run.iam(plan), run.access_key(plan)
    name = user_name(run, plan, key)
    learn_clock(run.ledger, run.sts(plan).clock_offset())
    return resync(iam, key, codes, wanted, profile=plan.signer.name, user_name=name)


def removal_of(run: Wiring, profile: str, mfa_serial: str | None, user: str) -> tuple[Removal, Devices]:
    """Return what is to be removed, and the user's devices in IAM.

    `user` is another user than the profile's, or empty; only a role that is to remove another's device may
    cost a touch here. Raises SeveralMfaDevices, NoMfaDevice, NotEnrolled.
    """
    plan = make_plan(run.config, run.index, profile, Options(), run.environ)
    by_role = bool(user) and not (plan.requests and isinstance(plan.requests[-1], GetSessionToken))
    if not by_role:
        plan = user_plan(run, profile)
    run.confirm_endpoint(plan)
    key = run.broker(plan).credentials(plan) if by_role else run.access_key(plan)
    name = user or user_name(run, plan, key)
    session = None if by_role else _session(run, plan, name)
    devices = Devices(run.iam(plan), name, key, session, profile=profile, own=not user)
    serial = mfa_serial or devices.only_serial(() if user else plan.requests[0].mfa_serials)
    if user:
        return Removal(profile, name, serial, user=user), devices
    return Removal(plan.signer.name, name, serial, account=plan.profile.vaultpy_account or ""), devices


def _session(run: Wiring, plan: Plan, user: str) -> Callable[[], Credentials] | None:
    """Return what gets the MFA session of the plan's user; None where no device is known."""
    if not plan.requests[0].mfa_serials:
        return None

    def get() -> Credentials:
        try:
            return run.broker(plan).credentials(plan)
        except (errors.NoYubiKey, errors.SigningKeyAbsent):
            who = f"vaultpy mfa remove ADMIN --user {quote(user)}"
            remedy = f"plug in one that has an account of this user; without one, an administrator: {who}"
            raise errors.NoYubiKeyForCode(remedy=remedy) from None

    return get
