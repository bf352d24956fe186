"""What the actions of the simulated IAM have in common: whom a call means, if it may, and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.simulated.aws_accounts import User
from vaultpy.simulated.aws_errors import not_authorized
from vaultpy.simulated.aws_iam_errors import no_such_user, user_name_missing
from vaultpy.simulated.aws_parameters import NAME
from vaultpy.simulated.aws_sessions import Session, principal_of
from vaultpy.simulated.aws_xml import Result, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vaultpy.simulated.aws_accounts import Account
    from vaultpy.simulated.aws_invocation import Invocation

DEFAULT_PAGE = 100
_LONGEST_NAME = 128


def account_of(call: Invocation) -> Account:
    """Return the account that the call is about: the caller's."""
    return principal_of(call.caller).account


def permit(call: Invocation, action: str, resource: str) -> None:
    """Refuse a user to whom `action` is denied, or denied without MFA."""
    caller = principal_of(call.caller)
    if not isinstance(caller, User):
        return
    with_mfa = isinstance(call.caller, Session)  # IAM answers no other session of a user
    if action in caller.denied:
        why = f" because no identity-based policy allows the {action} action"
        raise not_authorized(caller.arn, action, resource, why)
    if action in caller.denied_without_mfa and not with_mfa:
        why = " with an explicit deny in an identity-based policy"
        raise not_authorized(caller.arn, action, resource, why)


def user_meant(call: Invocation, action: str, *, named: bool = False) -> User:
    """Return the user that the call names, else the one who signed it, if the caller may do `action`.

    A role has to name one; with `named` so has everybody.
    """
    caller = principal_of(call.caller)
    if named:
        call.parameters.required("UserName", 1, _LONGEST_NAME, NAME)
    name = call.parameters.text("UserName", 1, _LONGEST_NAME, NAME)
    if name is None:
        if not isinstance(caller, User):
            raise user_name_missing()
        permit(call, action, caller.arn)
        return caller
    permit(call, action, caller.account.arn(f"user/{name}"))
    user = caller.account.users.get(name)
    if user is None:
        raise no_such_user(name)
    return user


def user_of_keys(call: Invocation, action: str) -> User:
    """Return the user as `user_meant` does; temporary credentials have to name one (unproven A31)."""
    if isinstance(call.caller, Session) and "UserName" not in call.parameters.values:
        raise user_name_missing()
    return user_meant(call, action)


def described_user(user: User) -> dict[str, Result | None]:
    """Return a User of AWS's API; the root user has no name and no path."""
    described: dict[str, Result | None] = {
        "UserId": user.caller_id,
        "Arn": user.arn,
        "CreateDate": timestamp(user.created),
    }
    return described if user.is_root else {"Path": user.path, "UserName": user.name, **described}


def page(call: Invocation, name: str, items: Sequence[Result]) -> Result:
    """Return the page of `items` that Marker and MaxItems ask for."""
    start = int(call.parameters.text("Marker", 1, 320, r"\d{1,9}") or 0)
    end = start + (call.parameters.integer("MaxItems", 1, 1000) or DEFAULT_PAGE)
    more = end < len(items)
    return {"IsTruncated": more, "Marker": str(end) if more else None, name: items[start:end]}
