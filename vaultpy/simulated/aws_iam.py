"""IAM, version 2010-05-08: each action as a function from a call to its result; all raise AwsError."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.simulated import aws_errors as errors
from vaultpy.simulated.aws_accounts import User
from vaultpy.simulated.aws_parameters import NAME
from vaultpy.simulated.aws_sessions import Session, principal_of
from vaultpy.simulated.aws_xml import Result, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vaultpy.simulated.aws_sts import Invocation

DEFAULT_PAGE = 100


def get_user(call: Invocation) -> Result:
    """Answer GetUser; the root user has no name and no path."""
    user = _user(call, "iam:GetUser")
    described = {"UserId": user.caller_id, "Arn": user.arn, "CreateDate": timestamp(user.created)}
    return {"User": described if user.is_root else {"Path": user.path, "UserName": user.name, **described}}


def list_access_keys(call: Invocation) -> Result:
    """Answer ListAccessKeys, which wants UserName from temporary credentials of every kind."""
    if isinstance(call.caller, Session) and "UserName" not in call.parameters.values:
        raise _user_name_missing()
    user = _user(call, "iam:ListAccessKeys")
    described = [
        {
            "UserName": user.name,
            "AccessKeyId": key.id,
            "Status": "Active" if key.active else "Inactive",
            "CreateDate": timestamp(key.created),
        }
        for key in user.access_keys.values()
    ]
    return _page(call, "AccessKeyMetadata", described)


def list_mfa_devices(call: Invocation) -> Result:
    """Answer ListMFADevices, FIDO entries included."""
    user = _user(call, "iam:ListMFADevices")
    described = [
        {"UserName": user.name, "SerialNumber": device.serial, "EnableDate": timestamp(device.enabled_at)}
        for device in user.mfa_devices.values()
    ]
    return _page(call, "MFADevices", described)


def _user(call: Invocation, action: str) -> User:
    """Return the user that the call names, else the one who signed it, if the caller may do `action`."""
    caller = principal_of(call.caller)
    name = call.parameters.text("UserName", 1, 128, NAME)
    if name is None and not isinstance(caller, User):
        raise _user_name_missing()
    if isinstance(caller, User):
        with_mfa = isinstance(call.caller, Session)
        resource = caller.account.arn(f"user/{name}") if name else caller.arn
        if action in caller.denied:
            why = f" because no identity-based policy allows the {action} action"
            raise errors.not_authorized(caller.arn, action, resource, why)
        if action in caller.denied_without_mfa and not with_mfa:
            why = " with an explicit deny in an identity-based policy"
            raise errors.not_authorized(caller.arn, action, resource, why)
        if name is None:
            return caller
    user = caller.account.users.get(name or "")
    if user is None:
        raise errors.no_such_user(name or "")
    return user


def _user_name_missing() -> errors.AwsError:
    return errors.validation_error("Must specify userName when calling with non-User credentials")


def _page(call: Invocation, name: str, items: Sequence[Result]) -> Result:
    """Return the page of `items` that Marker and MaxItems ask for."""
    start = int(call.parameters.text("Marker", 1, 320, r"\d{1,9}") or 0)
    end = start + (call.parameters.integer("MaxItems", 1, 1000) or DEFAULT_PAGE)
    more = end < len(items)
    return {"IsTruncated": more, "Marker": str(end) if more else None, name: items[start:end]}


ACTIONS = {
    "GetUser": get_user,
    "ListAccessKeys": list_access_keys,
    "ListMFADevices": list_mfa_devices,
}
