"""A CloudFormation template with IAM's resources, as what would be there once it is deployed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from support.policy_evaluator import Caller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.policy_evaluator import Json

KINDS = {
    "AWS::IAM::Group": "group",
    "AWS::IAM::ManagedPolicy": "policy",
    "AWS::IAM::Role": "role",
    "AWS::IAM::User": "user",
}
NAMES = {"group": "GroupName", "policy": "ManagedPolicyName", "role": "RoleName", "user": "UserName"}


class Stack:
    """A template deployed in an account; AWS's own policies are those of `library`, by their names."""

    def __init__(
        self,
        template: Json,
        account: str,
        partition: str = "aws",
        library: Mapping[str, Json] | None = None,
    ) -> None:
        self.account = account
        self.partition = partition
        self._library = library or {}
        self._raw = template["Resources"]
        self._made = {
            key: (KINDS[made["Type"]], self._resolved(made["Properties"])) for key, made in self._raw.items()
        }

    def arn(self, resource: str) -> str:
        """Return an ARN of IAM in the stack's account."""
        return f"arn:{self.partition}:iam::{self.account}:{resource}"

    def outputs(self, template: Json) -> set[str]:
        """Return the values of the template's outputs."""
        return {self._resolved(output["Value"]) for output in template.get("Outputs", {}).values()}

    def names(self, kind: str) -> list[str]:
        """Return the names of the groups, roles, users or policies that were made."""
        return [made[NAMES[kind]] for found, made in self._made.values() if found == kind]

    def trust(self, role: str) -> Json:
        """Return whom a role trusts."""
        document: Json = self._named("role", role)["AssumeRolePolicyDocument"]
        return document

    def session_limit(self, role: str) -> int:
        """Return how many seconds a role's session may hold."""
        return int(self._named("role", role)["MaxSessionDuration"])

    def own(self, kind: str, name: str) -> list[Json]:
        """Return the policies that stand in a group or are a managed policy."""
        made = self._named(kind, name)
        if kind == "policy":
            return [made["PolicyDocument"]]
        return [each["PolicyDocument"] for each in made.get("Policies", [])]

    def policies_of(self, kind: str, name: str) -> tuple[Json, ...]:
        """Return the policies of a group, a role or a user: their own, those attached, those of groups."""
        made = self._named(kind, name) if name in self.names(kind) else {}
        own = [each["PolicyDocument"] for each in made.get("Policies", [])]
        attached = [self._library[arn.partition(":policy/")[2]] for arn in made.get("ManagedPolicyArns", [])]
        here = [
            each["PolicyDocument"]
            for found, each in self._made.values()
            if found == "policy" and name in each.get("Groups", []) and kind == "group"
        ]
        joined = [policy for group in made.get("Groups", []) for policy in self.policies_of("group", group)]
        return (*own, *attached, *here, *joined)

    def attached(self, kind: str, name: str) -> list[str]:
        """Return the ARNs of policies that exist elsewhere."""
        arns: list[str] = self._named(kind, name).get("ManagedPolicyArns", [])
        return arns

    def user(self, name: str, groups: list[str] | None = None, **context: str) -> Caller:
        """Return a user of the stack, or one of those `groups`; `context` has `__` for a key's colon."""
        policies = self.policies_of("user", name)
        for group in groups or []:
            policies += self.policies_of("group", group)
        keys = {key.replace("__", ":", 1): value for key, value in context.items()}
        return Caller(self.arn(f"user/{name}"), policies, keys)

    def _named(self, kind: str, name: str) -> Json:
        mine = [made for found, made in self._made.values() if found == kind]
        return next(made for made in mine if made[NAMES[kind]] == name)

    # ---- intrinsic functions -------------------------------------------------------------------------

    def _resolved(self, part: Any) -> Any:  # noqa: ANN401  # any part of a JSON document
        if isinstance(part, list):
            return [self._resolved(each) for each in part]
        if not isinstance(part, dict):
            return part
        if set(part) == {"Ref"}:
            return self._ref(part["Ref"])
        if set(part) == {"Fn::Sub"}:
            return self._sub(part["Fn::Sub"])
        if set(part) == {"Fn::GetAtt"}:
            return self._attribute(part["Fn::GetAtt"])
        assert not any(name.startswith("Fn::") for name in part), part
        return {name: self._resolved(each) for name, each in part.items()}

    def _ref(self, name: str) -> str:
        pseudo = {"AWS::AccountId": self.account, "AWS::Partition": self.partition}
        if name in pseudo:
            return pseudo[name]
        made = self._raw[name]
        named: str = made["Properties"][NAMES[KINDS[made["Type"]]]]
        return named

    def _sub(self, text: str) -> str:
        return re.sub(r"\$\{(!?)([^}]*)\}", lambda it: f"${{{it[2]}}}" if it[1] else self._ref(it[2]), text)

    def _attribute(self, path: list[str]) -> str:
        name, attribute = path
        assert attribute == "Arn"
        return self.arn(f"{KINDS[self._raw[name]['Type']]}/{self._ref(name)}")
