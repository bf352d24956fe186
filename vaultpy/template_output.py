"""A template as text: CloudFormation's JSON, or the plain policies in it for whoever deploys otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaultpy.template_policies import Json


def as_text(document: Json) -> str:
    """Return the JSON that is printed."""
    return json.dumps(document, indent=2)


def names_its_account(template: Json) -> bool:
    """Tell whether the policies have ARNs of the account that they are in."""
    return "${AWS::AccountId}" in json.dumps(template)


def policies(template: Json, account: str, partition: str) -> Json:
    """Return the template's policies by name, with the ARNs of that account.

    `ROLE.trust` is whom a role trusts, `GROUP.POLICY` is a group's; a managed policy has its own name.
    """
    found: Json = {}
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        if "AssumeRolePolicyDocument" in properties:
            found[f"{properties['RoleName']}.trust"] = properties["AssumeRolePolicyDocument"]
        if "ManagedPolicyName" in properties:
            found[properties["ManagedPolicyName"]] = properties["PolicyDocument"]
        for policy in properties.get("Policies", []):
            found[f"{properties['GroupName']}.{policy['PolicyName']}"] = policy["PolicyDocument"]
    return {name: resolved(policy, account, partition) for name, policy in found.items()}


def resolved(part: Any, account: str, partition: str) -> Any:  # noqa: ANN401  # any part of a JSON document
    """Return `part` with each `Fn::Sub` put into words, as CloudFormation would in that account."""
    if isinstance(part, list):
        return [resolved(each, account, partition) for each in part]
    if not isinstance(part, dict):
        return part
    if set(part) == {"Fn::Sub"}:
        text = part["Fn::Sub"].replace("${AWS::Partition}", partition)
        return text.replace("${AWS::AccountId}", account).replace("${!", "${")
    return {name: resolved(each, account, partition) for name, each in part.items()}
