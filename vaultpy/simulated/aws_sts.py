"""STS, version 2011-06-15: each action as a function from a call to its result; all raise AwsError."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.simulated import aws_errors as errors
from vaultpy.simulated.aws_accounts import AccessKey, Role, User
from vaultpy.simulated.aws_mfa import MfaDevice
from vaultpy.simulated.aws_parameters import EXTERNAL_ID, NAME, SERIAL_NUMBER, TOKEN_CODE
from vaultpy.simulated.aws_session_policies import session_policies
from vaultpy.simulated.aws_sessions import AssumedRole, FederatedUser, Session, principal_of
from vaultpy.simulated.aws_xml import Result, timestamp

if TYPE_CHECKING:
    from vaultpy.simulated.aws_invocation import Invocation
    from vaultpy.simulated.aws_parameters import Parameters

HOUR = 3600
SHORTEST = 900
LONGEST_ROLE_SESSION = 43200
LONGEST_USER_SESSION = 129600
DEFAULT_USER_SESSION = 43200


def get_caller_identity(call: Invocation) -> Result:
    """Answer GetCallerIdentity, which everybody may call (unproven A28)."""
    principal = principal_of(call.caller)
    return {"UserId": principal.caller_id, "Account": principal.account.id, "Arn": principal.arn}


def get_session_token(call: Invocation) -> Result:
    """Answer GetSessionToken: a session of the same user, with or without MFA."""
    if not isinstance(call.caller, AccessKey):
        raise errors.session_credentials_refused("GetSessionToken")
    duration = _user_session_duration(call.parameters, call.caller.user)
    session = Session(
        call.caller.user,
        int(call.now) + duration,
        call.cloud.new_token(),
        mfa_at=call.now if _verify_mfa(call) else None,
        made_with=call.caller,
    )
    return {"Credentials": _credentials(call.cloud.add(session))}


def get_federation_token(call: Invocation) -> Result:
    """Answer GetFederationToken: a session of a named federated user, without MFA (unproven A16)."""
    if not isinstance(call.caller, AccessKey):
        raise errors.session_credentials_refused("GetFederationToken")
    user = call.caller.user
    name = call.parameters.required("Name", 2, 32, NAME)
    duration = _user_session_duration(call.parameters, user)
    policies = session_policies(call.parameters)
    federated = FederatedUser(user.account, name)
    if "sts:GetFederationToken" in user.denied | user.denied_without_mfa:
        raise errors.not_authorized(user.arn, "sts:GetFederationToken", federated.arn)
    session = Session(
        federated,
        int(call.now) + duration,
        call.cloud.new_token(),
        made_with=call.caller,
        tags=policies.tags,
        policy=policies.policy,
        policy_arns=policies.policy_arns,
    )
    return {
        "Credentials": _credentials(call.cloud.add(session)),
        "FederatedUser": {"FederatedUserId": federated.caller_id, "Arn": federated.arn},
        "PackedPolicySize": policies.packed_percent,
    }


def assume_role(call: Invocation) -> Result:
    """Answer AssumeRole.

    Whether an AssumeRole that is refused spends its code is unknown; here the code is verified, and so spent,
    first (unproven A9).
    """
    parameters = call.parameters
    role_arn = parameters.required("RoleArn", 20, 2048)
    session_name = parameters.required("RoleSessionName", 2, 64, NAME)
    duration = parameters.integer("DurationSeconds", SHORTEST, LONGEST_ROLE_SESSION) or HOUR
    wanted_identity = parameters.text("SourceIdentity", 2, 64, NAME)
    inherited = call.caller if isinstance(call.caller, Session) else None
    policies = session_policies(parameters, inherited)
    role = _assumable_role(call, role_arn, 0 if _verify_mfa(call) else _mfa_age(call))
    source_identity = _permitted_source_identity(call, role, wanted_identity)
    if policies.tags:  # inherited ones too: AWS was seen to want consent to them (unproven A27)
        _require_trusted_action(call, role, "sts:TagSession")
    _check_role_duration(call, role, duration)
    assumed = AssumedRole(role, session_name)
    session = Session(
        assumed,
        int(call.now) + duration,
        call.cloud.new_token(),
        tags=policies.tags,
        transitive_tag_keys=policies.transitive_tag_keys,
        source_identity=source_identity,
        policy=policies.policy,
        policy_arns=policies.policy_arns,
        chained=inherited is not None,
    )
    return {
        "Credentials": _credentials(call.cloud.add(session)),
        "AssumedRoleUser": {"AssumedRoleId": assumed.caller_id, "Arn": assumed.arn},
        "PackedPolicySize": policies.packed_percent,
        "SourceIdentity": source_identity,
    }


def _assumable_role(call: Invocation, role_arn: str, mfa_age: float | None) -> Role:
    """Return the role; one that does not exist is refused as one that does not trust the caller is."""
    caller, role = principal_of(call.caller), call.cloud.role(role_arn)
    denied = errors.not_authorized(caller.arn, "sts:AssumeRole", role_arn)
    if isinstance(caller, FederatedUser):
        raise denied
    if isinstance(caller, User):
        if caller.is_root:
            raise errors.root_assumes_roles()
        if "sts:AssumeRole" in caller.denied | (caller.denied_without_mfa if mfa_age is None else set()):
            raise denied
    external_id = call.parameters.text("ExternalId", 2, 1224, EXTERNAL_ID)
    if role is None or not role.lets_in(caller.trusted_as, mfa_age, external_id):
        raise denied
    if "sts:AssumeRole" not in role.trusted_actions:
        raise denied
    return role


def _check_role_duration(call: Invocation, role: Role, duration: int) -> None:
    """Refuse what is over the role's limit, or over that of every temporary signer (unproven A13)."""
    if isinstance(call.caller, Session) and duration > HOUR:
        raise errors.duration_over_chaining_limit()
    if duration > role.max_duration:
        raise errors.duration_over_role_maximum()


def _permitted_source_identity(call: Invocation, role: Role, wanted: str | None) -> str | None:
    """Return the new session's source identity; once set it stays through every further role."""
    carried = call.caller.source_identity if isinstance(call.caller, Session) else None
    if carried is not None and wanted not in {None, carried}:
        raise errors.source_identity_set()
    if carried or wanted:
        _require_trusted_action(call, role, "sts:SetSourceIdentity")
    return carried or wanted


def _require_trusted_action(call: Invocation, role: Role, action: str) -> None:
    if action not in role.trusted_actions:
        raise errors.not_authorized(principal_of(call.caller).arn, action, role.arn)


def _user_session_duration(parameters: Parameters, user: User) -> int:
    """Return the seconds that a user's session lasts; root's is cut to an hour at most (unproven A29)."""
    asked = parameters.integer("DurationSeconds", SHORTEST, LONGEST_USER_SESSION) or DEFAULT_USER_SESSION
    return min(asked, HOUR) if user.is_root else asked


def _mfa_age(call: Invocation) -> float | None:
    """Return how many seconds ago the session was made with MFA, None if it was not (unproven A11)."""
    if isinstance(call.caller, Session) and call.caller.mfa_at is not None:
        return call.now - call.caller.mfa_at
    return None


def _verify_mfa(call: Invocation) -> bool:
    """Spend the code that came with the call, False if none came.

    Whether AWS takes a code from a session of GetSessionToken is unknown; here it does (unproven A10). A role
    has no MFA devices.
    """
    serial = call.parameters.text("SerialNumber", 9, 256, SERIAL_NUMBER)
    code = call.parameters.text("TokenCode", 6, 6, TOKEN_CODE)
    if serial is None and code is None:
        return False
    if serial is None or code is None:
        raise errors.mfa_half_given()
    principal = principal_of(call.caller)
    device = principal.mfa_devices.get(serial) if isinstance(principal, User) else None
    if not isinstance(device, MfaDevice) or device.out_of_sync:
        raise errors.mfa_device_wrong()
    if not device.spend(code, call.now):
        raise errors.mfa_code_wrong()
    return True


def _credentials(session: Session) -> Result:
    return {
        "AccessKeyId": session.id,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": timestamp(session.expiration),
    }


ACTIONS = {
    "AssumeRole": assume_role,
    "GetCallerIdentity": get_caller_identity,
    "GetFederationToken": get_federation_token,
    "GetSessionToken": get_session_token,
}
