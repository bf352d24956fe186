"""CloudFormation's resources as templates use them, each with a logical id that follows from its name.

The id has to stay the same when other names come or go: under another id CloudFormation would make a second
resource of the name, which there may not be.
"""

from __future__ import annotations

from vaultpy.digests import digest
from vaultpy.template_policies import Json, arn

_LONGEST_ID = 252  # CloudFormation takes 255, and an output's has `Arn` more
_KEPT = 200

DESCRIPTIONS = {
    "organization": "users without rights of their own, groups that may assume roles, roles that want MFA",
    "cross-account-role": "in a child account: a role for people of a parent account, by ExternalId and MFA",
    "cross-account-group": "in the parent account: a group whose members may assume that role",
    "deny-without-mfa": "for users who work without roles: nothing without MFA but the way to it",
    "action-behind-mfa": "a group that may only read, and with MFA one action more",
    "self-management": "for users that exist: their own access keys and MFA devices, and nothing else",
}


def template(name: str, resources: list[Json]) -> Json:
    """Return the whole; it tells the ARNs of its roles when it is deployed."""
    named = {_logical_id(resource): resource for resource in resources}
    made: Json = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"vaultpy template {name}: {DESCRIPTIONS[name]}",
        "Resources": named,
    }
    roles = [key for key, resource in named.items() if resource["Type"] == "AWS::IAM::Role"]
    if roles:
        made["Outputs"] = {f"{role}Arn": {"Value": {"Fn::GetAtt": [role, "Arn"]}} for role in roles}
    return made


def user_of(name: str, groups: list[str]) -> Json:
    """Return a user who is in groups of the same template, and has no policy."""
    joined = [{"Ref": _named("Group", group)} for group in groups]
    return {"Type": "AWS::IAM::User", "Properties": {"UserName": name, "Groups": joined}}


def group_of(name: str, policy_name: str, allowed: Json, policies: list[str] | None = None) -> Json:
    """Return a group with a policy of its own, and others that exist."""
    own = [{"PolicyName": policy_name, "PolicyDocument": allowed}]
    properties: Json = {"GroupName": name, "Policies": own}
    if policies:
        properties["ManagedPolicyArns"] = [_policy_arn(policy) for policy in policies]
    return {"Type": "AWS::IAM::Group", "Properties": properties}


def role_of(name: str, trusted: Json, policies: list[str], max_session: int) -> Json:
    """Return a role with policies that exist; its sessions hold `max_session` seconds at most."""
    properties = {
        "RoleName": name,
        "MaxSessionDuration": max_session,
        "AssumeRolePolicyDocument": trusted,
        "ManagedPolicyArns": [_policy_arn(policy) for policy in policies],
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def managed_policy(name: str, allowed: Json, groups: list[str]) -> Json:
    """Return a policy of that name, attached to groups that exist already."""
    properties: Json = {"ManagedPolicyName": name, "PolicyDocument": allowed}
    if groups:
        properties["Groups"] = groups
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}


def _policy_arn(policy: str) -> Json | str:
    """Return the ARN of a policy of AWS's in the stack's partition, or the ARN that it is."""
    return policy if policy.startswith("arn:") else arn(f"policy/{policy}", "aws")


def _logical_id(resource: Json) -> str:
    kind = resource["Type"].rpartition("::")[2]
    return _named(kind, resource["Properties"][f"{kind}Name"])


def _named(kind: str, name: str) -> str:
    """Return letters and digits, no more than CloudFormation takes, that are the same for no other name."""
    written = kind + "".join(c if c.isalnum() and c != "X" else f"X{ord(c):02X}" for c in name)
    if len(written) <= _LONGEST_ID:
        return written
    return f"{written[:_KEPT]}XX{digest(name)}"  # one that fits never has two X in a row
