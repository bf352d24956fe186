"""The policies that templates are made of: who trusts whom, and what users may do to themselves.

Places in ARNs that only the account knows are `Fn::Sub` of CloudFormation. In an Allow, a condition on MFA is
false where the request says nothing of MFA, as with an access key alone; in a Deny that has to be asked for
with IfExists.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
WITHOUT_MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}

ACCOUNT = "${AWS::AccountId}"
OWN_NAME = "${!aws:username}"
_BEFORE_MFA = ("iam:ListMFADevices", "iam:EnableMFADevice", "iam:ResyncMFADevice")
_MAKE_DEVICE = ("iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice")
_KEYS = (
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:GetAccessKeyLastUsed",
    "iam:ListAccessKeys",
    "iam:UpdateAccessKey",
)


def document(*statements: Json) -> Json:
    """Return a policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def arn(resource: str, account: str = ACCOUNT) -> Json:
    """Return the ARN of something in IAM, in the stack's partition."""
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::{account}:{resource}"}


def own_user() -> Json:
    """Return the ARN of whoever asks, a user without a path."""
    return arn(f"user/{OWN_NAME}")


def statement(sid: str, effect: str, **elements: object) -> Json:
    """Return a statement; elements are named as AWS names them."""
    return {"Sid": sid, "Effect": effect, **elements}


# ---- roles -------------------------------------------------------------------------------------------


def with_mfa(max_age: int | None) -> Json:
    """Return the condition of an Allow: MFA, of less than `max_age` seconds ago if that is said."""
    if max_age is None:
        return dict(WITH_MFA)
    return {**WITH_MFA, "NumericLessThan": {"aws:MultiFactorAuthAge": str(max_age)}}


def trust(sid: str, principals: Json | list[Json], condition: Json) -> Json:
    """Return the statement of a trust policy that lets `principals` assume the role."""
    return statement(
        sid, "Allow", Principal={"AWS": principals}, Action="sts:AssumeRole", Condition=condition
    )


def may_assume(role: str, account: str = ACCOUNT) -> Json:
    """Return the statement for those who may assume it; what MFA it takes the role says, in its trust."""
    return statement("AssumeRole", "Allow", Action="sts:AssumeRole", Resource=arn(f"role/{role}", account))


# ---- users -------------------------------------------------------------------------------------------


def see_own_devices() -> list[Json]:
    """Return what a user needs for `add` to find its MFA device: all, where an administrator enrols."""
    return [statement("SeeOwnMfaDevices", "Allow", Action=["iam:ListMFADevices"], Resource=own_user())]


def manage_oneself() -> list[Json]:
    """Return what vaultpy's commands about a user's own access keys and MFA devices ask of IAM.

    Without MFA only what leads to a first device: a virtual one under the user's own name, which cannot be
    made again while it is there. So an access key alone adds no device to a user who has that one.
    """
    first, further = arn(f"mfa/{OWN_NAME}"), arn(f"mfa/{OWN_NAME}=*")
    return [
        statement("EnableOwnMfaDevices", "Allow", Action=list(_BEFORE_MFA), Resource=own_user()),
        # IAM lists all or none: it knows no resource for this.
        statement("SeeVirtualMfaDevices", "Allow", Action=["iam:ListVirtualMFADevices"], Resource="*"),
        statement("MakeFirstMfaDevice", "Allow", Action=list(_MAKE_DEVICE), Resource=first),
        statement(
            "MakeFurtherMfaDevices", "Allow", Action=list(_MAKE_DEVICE), Resource=further, Condition=WITH_MFA
        ),
        statement(
            "ManageOwnKeysAndDevices",
            "Allow",
            Action=["iam:DeactivateMFADevice", *_KEYS],
            Resource=own_user(),
            Condition=WITH_MFA,
        ),
    ]


def oneself(*, self_management: bool) -> list[Json]:
    """Return what users may do about themselves."""
    return manage_oneself() if self_management else see_own_devices()


def deny_without_mfa(max_age: int | None, *, self_management: bool) -> list[Json]:
    """Return the statements that deny everything but the way to MFA, to whoever has none or an old one.

    What is left open is left open for oneself alone: a user who may manage others may do so with MFA only.
    """
    actions = [*_BEFORE_MFA, *_MAKE_DEVICE] if self_management else ["iam:ListMFADevices"]
    listing = ["iam:ListVirtualMFADevices"] if self_management else []
    own = [own_user(), arn(f"mfa/{OWN_NAME}")] if self_management else own_user()
    denied = []
    for name, condition in _no_mfa(max_age).items():
        denied += [
            statement(
                f"DenyMost{name}",
                "Deny",
                NotAction=[*actions, *listing, "sts:GetSessionToken"],
                Resource="*",
                Condition=condition,
            ),
            statement(f"DenyOthers{name}", "Deny", Action=actions, NotResource=own, Condition=condition),
        ]
    return denied


def behind_mfa(actions: list[str], max_age: int | None) -> list[Json]:
    """Return the statements that allow `actions` with MFA, and without it deny what anything else allows."""
    allowed = statement("AllowWithMfa", "Allow", Action=actions, Resource="*", Condition=with_mfa(max_age))
    denied = [
        statement(f"Deny{name}", "Deny", Action=actions, Resource="*", Condition=condition)
        for name, condition in _no_mfa(max_age).items()
    ]
    return [allowed, *denied]


def _no_mfa(max_age: int | None) -> dict[str, Json]:
    """Return the conditions of a Deny, by what they are called; one for each way of having no good MFA."""
    if max_age is None:
        return {"WithoutMfa": WITHOUT_MFA}
    old = {"NumericGreaterThanEquals": {"aws:MultiFactorAuthAge": str(max_age)}}
    return {"WithoutMfa": WITHOUT_MFA, "WithOldMfa": old}
