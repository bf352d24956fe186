"""The IAM set-ups that vaultpy's users need, as CloudFormation templates and as the policies in them; pure.

Each function makes one template out of values that are checked here. Names are given, not generated, so that
policies and profiles can name them.
"""

from __future__ import annotations

import json

from vaultpy.durations import HOUR
from vaultpy.errors import BadTemplateValue
from vaultpy.template_output import as_text, resolved
from vaultpy.template_policies import (
    Json,
    arn,
    behind_mfa,
    deny_without_mfa,
    document,
    manage_oneself,
    may_assume,
    oneself,
    trust,
    with_mfa,
)
from vaultpy.template_resources import group_of, managed_policy, role_of, template, user_of
from vaultpy.template_values import checked, distinct

ROLES = {
    "human": ("Human", "job-function/ViewOnlyAccess"),
    "engineering": ("Engineering", "PowerUserAccess"),
    "operations": ("Operations", "job-function/SystemAdministrator"),
    "administrator": ("Administrators", "AdministratorAccess"),
}
"""The roles of an organization, each with the group that may assume it and the policy that it has unasked."""

EVERYBODY = "Human"
READ_ONLY = "ReadOnlyAccess"
_GROUPS = tuple(group for group, _ in ROLES.values())
_LONGEST_TEMPLATE = 51200  # longer ones CloudFormation takes out of a bucket only
_LONGEST_TRUST = 2048


def organization(  # noqa: PLR0913  # what the template is told
    users: list[str],
    policies: list[str],
    *,
    prefix: str = "",
    max_mfa_age: int | None = None,
    max_session: int = HOUR,
    self_management: bool = True,
) -> Json:
    """Return users, groups and roles; `users` as NAME or NAME=GROUP,GROUP, `policies` as ROLE=POLICY.

    Raises BadTemplateValue.
    """
    if prefix:
        checked("--prefix", "prefix", prefix)
    role_policies = _role_policies(policies)
    condition = with_mfa(max_mfa_age)
    people = trust("PeopleWithMfa", arn("root"), condition)
    made: list[Json] = []
    for role, (group, policy) in ROLES.items():
        own = oneself(self_management=self_management) if group == EVERYBODY else []
        made.append(group_of(prefix + group, "vaultpy", document(may_assume(prefix + role), *own)))
        attached = role_policies.get(role, [policy])
        made.append(role_of(prefix + role, document(people), attached, max_session))
    for name, groups in _users(users).items():
        made.append(user_of(name, [prefix + group for group in (EVERYBODY, *groups)]))
    whole = template("organization", made)
    if len(as_text(whole)) > _LONGEST_TEMPLATE:
        raise BadTemplateValue(
            option="--user",
            value=f"said {len(users)} times",
            wanted=f"few enough for a template of {_LONGEST_TEMPLATE} characters",
            remedy="make the others with aws iam create-user and aws iam add-user-to-group",
        )
    return whole


def cross_account_role(  # noqa: PLR0913  # what the template is told
    parent: str,
    external_id: str,
    role: str,
    *,
    from_users: list[str],
    from_roles: list[str],
    policies: list[str],
    max_mfa_age: int | None = None,
    max_session: int = HOUR,
) -> Json:
    """Return a role that trusts an account, or only those of it who are named; raises BadTemplateValue.

    A role that assumes another one brings no MFA along, so those that are named are trusted without.
    """
    checked("--parent", "account", parent)
    knowing = {"StringEquals": {"sts:ExternalId": checked("--external-id", "external-id", external_id)}}
    users = [arn(f"user/{each}", parent) for each in distinct("--from-user", "principal", from_users)]
    roles = [arn(f"role/{each}", parent) for each in distinct("--from-role", "principal", from_roles)]
    people = users or ([] if roles else [arn("root", parent)])
    statements = []
    if people:
        statements.append(trust("PeopleWithMfa", people, {**knowing, **with_mfa(max_mfa_age)}))
    if roles:
        statements.append(trust("RolesOfTheirs", roles, knowing))
    trusted = document(*statements)
    _require_short(trusted, len(users) + len(roles))
    attached = distinct("--policy", "policy", policies) or [READ_ONLY]
    made = role_of(checked("--role", "role", role), trusted, attached, max_session)
    return template("cross-account-role", [made])


def cross_account_group(child: str, role: str, group: str) -> Json:
    """Return a group whose members may assume a role of another account; raises BadTemplateValue."""
    checked("--role", "role", role)
    checked("--group", "group", group)
    allowed = document(may_assume(role, checked("--child", "account", child)))
    return template("cross-account-group", [group_of(group, "vaultpy-cross-account", allowed)])


def no_work_without_mfa(
    groups: list[str], name: str, *, max_mfa_age: int | None = None, self_management: bool = True
) -> Json:
    """Return a policy for groups that exist, or to be attached by hand; raises BadTemplateValue."""
    denied = deny_without_mfa(max_mfa_age, self_management=self_management)
    allowed = document(*oneself(self_management=self_management), *denied)
    return template("deny-without-mfa", [_attached(name, allowed, groups)])


def action_behind_mfa(actions: list[str], group: str, *, max_mfa_age: int | None = None) -> Json:
    """Return a group that may read, and do `actions` with MFA; raises BadTemplateValue."""
    allowed = document(*behind_mfa(distinct("--action", "action", actions), max_mfa_age))
    checked("--group", "group", group)
    return template("action-behind-mfa", [group_of(group, "vaultpy-behind-mfa", allowed, [READ_ONLY])])


def self_management_alone(groups: list[str], name: str) -> Json:
    """Return a policy for groups that exist, or to be attached by hand; raises BadTemplateValue."""
    return template("self-management", [_attached(name, document(*manage_oneself()), groups)])


def _attached(name: str, allowed: Json, groups: list[str]) -> Json:
    return managed_policy(checked("--name", "group", name), allowed, distinct("--group", "group", groups))


# ---- what is said ------------------------------------------------------------------------------------


def _users(texts: list[str]) -> dict[str, list[str]]:
    """Return the groups of each user, without the one that all are in."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, divider, said = text.partition("=")
        groups = said.split(",") if divider else []
        for group in groups:
            if group not in _GROUPS:
                raise BadTemplateValue(
                    option="--user",
                    value=text,
                    wanted="NAME or NAME=GROUP,GROUP",
                    remedy=f"the groups are {', '.join(_GROUPS)}",
                )
        found[name] = [group for group in _GROUPS if group in groups and group != EVERYBODY]
    distinct("--user", "user", [text.partition("=")[0] for text in texts])
    return found


def _role_policies(texts: list[str]) -> dict[str, list[str]]:
    """Return the policies of the roles for which some are said."""
    found: dict[str, list[str]] = {}
    for text in texts:
        role, _, policy = text.partition("=")
        if role not in ROLES:
            raise BadTemplateValue(
                option="--policy",
                value=text,
                wanted="ROLE=POLICY",
                remedy=f"the roles are {', '.join(ROLES)}",
            )
        found.setdefault(role, []).append(policy)
    for policies in found.values():
        distinct("--policy", "policy", policies)
    return found


def _require_short(trusted: Json, count: int) -> None:
    """Raise BadTemplateValue for a trust policy that is longer than AWS takes it, in whatever partition."""
    compact = json.dumps(resolved(trusted, "1" * 12, "aws-us-gov"), separators=(",", ":"))
    if len(compact) > _LONGEST_TRUST:
        raise BadTemplateValue(
            option="--from-user and --from-role",
            value=f"with {count} names",
            wanted=f"short enough for a trust policy of {_LONGEST_TRUST} characters",
            remedy="leave them out, and choose who it is by cross-account-group",
        )
