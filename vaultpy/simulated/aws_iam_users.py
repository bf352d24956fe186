"""The simulated IAM's users and roles, made and deleted: each action as a function from a call to its result.

Policies are read for what the simulation knows: of a role's trust its actions and the conditions on MFA, of a
user's policies what they deny. What they allow is allowed in any case.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from vaultpy.simulated.aws_errors import malformed_policy
from vaultpy.simulated.aws_iam_caller import account_of, described_user, permit, user_meant
from vaultpy.simulated.aws_iam_errors import no_such_policy, no_such_role, not_empty
from vaultpy.simulated.aws_parameters import NAME
from vaultpy.simulated.aws_xml import Result, timestamp

if TYPE_CHECKING:
    from vaultpy.simulated.aws_accounts import Role, User
    from vaultpy.simulated.aws_invocation import Invocation

_LONGEST_NAME = 64
_LONGEST_POLICY = 131072
_HOURS = (3600, 43200)


def create_user(call: Invocation) -> Result:
    """Answer CreateUser, with neither path nor tags."""
    name = call.parameters.required("UserName", 1, _LONGEST_NAME, NAME)
    permit(call, "iam:CreateUser", account_of(call).arn(f"user/{name}"))
    return {"User": described_user(account_of(call).user(name))}


def delete_user(call: Invocation) -> Result:
    """Answer DeleteUser, which keys, MFA devices and policies have to leave first."""
    user = user_meant(call, "iam:DeleteUser", named=True)
    if user.access_keys or user.mfa_devices or user.policies:
        raise not_empty()
    del user.account.users[user.name]
    return {}


def put_user_policy(call: Invocation) -> Result:
    """Answer PutUserPolicy."""
    user = user_meant(call, "iam:PutUserPolicy", named=True)
    name = call.parameters.required("PolicyName", 1, 128, NAME)
    user.policies[name] = _statements(call, "PolicyDocument")
    _deny(user)
    return {}


def delete_user_policy(call: Invocation) -> Result:
    """Answer DeleteUserPolicy."""
    user = user_meant(call, "iam:DeleteUserPolicy", named=True)
    name = call.parameters.required("PolicyName", 1, 128, NAME)
    if user.policies.pop(name, None) is None:
        raise no_such_policy(name)
    _deny(user)
    return {}


def create_role(call: Invocation) -> Result:
    """Answer CreateRole, with neither path nor tags."""
    name = call.parameters.required("RoleName", 1, _LONGEST_NAME, NAME)
    permit(call, "iam:CreateRole", account_of(call).arn(f"role/{name}"))
    (trust,) = _statements(call, "AssumeRolePolicyDocument")
    condition = trust.get("Condition", {})
    age = condition.get("NumericLessThan", {}).get("aws:MultiFactorAuthAge")
    role = account_of(call).role(
        name,
        trusts=[trust["Principal"]["AWS"]],
        requires_mfa="aws:MultiFactorAuthPresent" in condition.get("Bool", {}),
        max_age=None if age is None else float(age),
        max_duration=call.parameters.integer("MaxSessionDuration", *_HOURS) or _HOURS[0],
        trusted_actions=trust["Action"],
    )
    described: dict[str, Result | None] = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": timestamp(call.now),
    }
    return {"Role": described}


def delete_role(call: Invocation) -> Result:
    """Answer DeleteRole, which its policies have to leave first."""
    role = _role(call, "iam:DeleteRole")
    if role.policies:
        raise not_empty()
    del role.account.roles[role.name]
    return {}


def put_role_policy(call: Invocation) -> Result:
    """Answer PutRolePolicy."""
    role = _role(call, "iam:PutRolePolicy")
    role.policies.add(call.parameters.required("PolicyName", 1, 128, NAME))
    _statements(call, "PolicyDocument")
    return {}


def delete_role_policy(call: Invocation) -> Result:
    """Answer DeleteRolePolicy."""
    role = _role(call, "iam:DeleteRolePolicy")
    name = call.parameters.required("PolicyName", 1, 128, NAME)
    if name not in role.policies:
        raise no_such_policy(name)
    role.policies.remove(name)
    return {}


def _role(call: Invocation, action: str) -> Role:
    name = call.parameters.required("RoleName", 1, _LONGEST_NAME, NAME)
    permit(call, action, account_of(call).arn(f"role/{name}"))
    role = account_of(call).roles.get(name)
    if role is None:
        raise no_such_role(name)
    return role


def _statements(call: Invocation, name: str) -> list[dict[str, Any]]:
    try:
        statements: list[dict[str, Any]] = json.loads(call.parameters.required(name, 1, _LONGEST_POLICY))[
            "Statement"
        ]
    except (ValueError, TypeError, KeyError):
        raise malformed_policy() from None
    return statements


def _deny(user: User) -> None:
    """Deny the user what its policies deny, with a condition or without."""
    user.denied, user.denied_without_mfa = set(), set()
    for statement in (each for policy in user.policies.values() for each in policy):
        if statement["Effect"] == "Deny":
            kind = user.denied_without_mfa if "Condition" in statement else user.denied
            kind.update(statement["Action"])


ACTIONS = {
    "CreateRole": create_role,
    "CreateUser": create_user,
    "DeleteRole": delete_role,
    "DeleteRolePolicy": delete_role_policy,
    "DeleteUser": delete_user,
    "DeleteUserPolicy": delete_user_policy,
    "PutRolePolicy": put_role_policy,
    "PutUserPolicy": put_user_policy,
}
