"""The judge of the templates' policies, judged itself: cases that AWS's documentation decides.

Those of the IAM User Guide: evaluation logic, condition operators, variables, principals, MFA-protected API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cloudformation import Stack
from support.policy_evaluator import Caller, allowed, may_assume

if TYPE_CHECKING:
    from support.policy_evaluator import Json

ALICE = "arn:aws:iam::111122223333:user/alice"
ROLE = "arn:aws:iam::111122223333:role/work"
THEIRS = "arn:aws:iam::444455556666:role/work"
MFA = {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "60"}
OLD = {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "3600"}
NO_MFA = {"aws:MultiFactorAuthPresent": "false"}
LONG_TERM: dict[str, str] = {}


def policy(**elements: object) -> Json:
    usual: Json = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [{**usual, **elements}]}


def without_action(**elements: object) -> Json:
    made = policy(**elements)
    del made["Statement"][0]["Action"]
    return made


def trust(*principals: str, effect: str = "Allow", **elements: object) -> Json:
    statement = {"Effect": effect, "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [{**statement, **elements}]}


def says(
    policies: list[Json], action: str, resource: str = "*", context: dict[str, str] | None = None
) -> bool:
    return allowed(Caller(ALICE, tuple(policies), context or {}), action, resource)


# ---- allow and deny ----------------------------------------------------------------------------------


def test_what_nothing_allows_is_denied() -> None:
    assert not says([], "ec2:StartInstances")
    assert not says([policy()], "s3:GetObject")


def test_a_deny_wins_over_every_allow() -> None:
    assert says([policy()], "ec2:StopInstances")
    assert not says([policy(), policy(Effect="Deny", Action="ec2:Stop*")], "ec2:StopInstances")
    assert says([policy(), policy(Effect="Deny", Action="ec2:Stop*")], "ec2:StartInstances")


def test_the_case_of_an_action_does_not_matter_and_that_of_a_resource_does() -> None:
    mine = [policy(Action="IAM:listAccessKeys", Resource=ALICE)]
    assert says(mine, "iam:ListAccessKeys", ALICE)
    assert not says(mine, "iam:ListAccessKeys", ALICE.replace("alice", "Alice"))


def test_not_action_is_about_all_other_actions_and_allows_nothing_by_itself() -> None:
    deny = without_action(Effect="Deny", NotAction="iam:*")
    assert not says([policy(), deny], "ec2:StartInstances")
    assert not says([deny], "iam:ListUsers")
    assert says([policy(Action="*"), deny], "iam:ListUsers")


def test_not_resource_is_about_all_other_resources() -> None:
    deny = policy(Effect="Deny", Action="*", NotResource=ALICE)
    del deny["Statement"][0]["Resource"]
    assert says([policy(Action="*"), deny], "iam:GetUser", ALICE)
    assert not says([policy(Action="*"), deny], "iam:GetUser", ALICE + "2")


def test_nobody_needs_permission_to_ask_who_it_is_or_for_a_session_but_a_deny_takes_the_latter() -> None:
    deny = policy(Effect="Deny", Action="sts:*")
    assert says([], "sts:GetCallerIdentity")
    assert says([deny], "sts:GetCallerIdentity")
    assert says([], "sts:GetSessionToken")
    assert not says([deny], "sts:GetSessionToken")


# ---- resources ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "resource", "fits"),
    [
        ("*", ALICE, True),
        ("arn:aws:iam::*:user/*", ALICE, True),
        ("arn:aws:iam::111122223333:user/al?ce", ALICE, True),
        ("arn:aws:iam::111122223333:user/al", ALICE, False),
        ("arn:aws:iam::111122223333:user/${aws:username}", ALICE, True),
        ("arn:aws:iam::111122223333:user/${aws:UserName}", ALICE, True),
        ("arn:aws:iam::111122223333:user/${aws:username}", ALICE + "2", False),
        ("arn:aws:iam::111122223333:user/${aws:username}*", ALICE + "2", True),
        ("arn:aws:iam::111122223333:user/${aws:PrincipalTag/team}", ALICE, False),
        ("arn:aws:iam::111122223333:user/${*}", ALICE, False),
        ("arn:aws:iam::111122223333:user/${*}", "arn:aws:iam::111122223333:user/*", True),
        ("arn:*/alice", ALICE, False),
        ("arn:aws:iam::444455556666:user/alice", ALICE, False),
    ],
)
def test_resources_fit_with_wildcards_and_variables(pattern: str, resource: str, *, fits: bool) -> None:
    assert says([policy(Action="iam:*", Resource=[pattern])], "iam:GetUser", resource) is fits


def test_what_a_variable_stands_for_is_no_wildcard() -> None:
    tagged = Caller(
        ALICE, (policy(Resource="arn:aws:ec2:::${aws:PrincipalTag/x}"),), {"aws:PrincipalTag/x": "*"}
    )
    assert not allowed(tagged, "ec2:Start", "arn:aws:ec2:::thing")
    assert allowed(tagged, "ec2:Start", "arn:aws:ec2:::*")


def test_a_role_has_no_user_name_so_a_statement_with_it_is_void_for_a_role() -> None:
    mine = policy(Action="iam:*", Resource="arn:aws:iam::111122223333:user/${aws:username}")
    assert not allowed(Caller(ROLE, (mine,)), "iam:GetUser", "arn:aws:iam::111122223333:user/work")


# ---- conditions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "passing"),
    [
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, "mfa old"),
        ({"Bool": {"AWS:multifactorauthpresent": "TRUE"}}, "mfa old"),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, "mfa old long-term"),
        ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, "none"),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, "none long-term"),
        ({"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}, "mfa"),
        ({"NumericLessThanEquals": {"aws:MultiFactorAuthAge": "3600"}}, "mfa old"),
        ({"NumericLessThanIfExists": {"aws:MultiFactorAuthAge": "3600"}}, "mfa none long-term"),
        ({"NumericGreaterThanEquals": {"aws:MultiFactorAuthAge": "3600"}}, "old"),
        ({"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "59"}}, "mfa old none long-term"),
        ({"NumericNotEquals": {"aws:MultiFactorAuthAge": "60"}}, "old none long-term"),
        ({"Null": {"aws:MultiFactorAuthAge": "true"}}, "none long-term"),
        ({"Null": {"aws:MultiFactorAuthAge": "false"}}, "mfa old"),
        ({"StringEquals": {"aws:username": "${aws:username}"}}, "mfa old none long-term"),
        ({"StringEquals": {"aws:username": "al*"}}, ""),
        ({"StringLike": {"aws:username": ["bob", "al*"]}}, "mfa old none long-term"),
        ({"StringNotLike": {"aws:username": ["bob", "al*"]}}, ""),
        ({"StringNotEquals": {"sts:ExternalId": "x"}}, "mfa old none long-term"),
        ({"StringEquals": {"sts:ExternalId": "x"}}, ""),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}, "mfa old none long-term"),
        ({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}, ""),
        (
            {
                "Bool": {"aws:MultiFactorAuthPresent": "true"},
                "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"},
            },
            "mfa",
        ),
    ],
    ids=str,
)
def test_a_condition_passes_for_whom_the_documentation_says(condition: Json, passing: str) -> None:
    contexts = {"mfa": MFA, "old": OLD, "none": NO_MFA, "long-term": LONG_TERM}
    found = [
        name
        for name, context in contexts.items()
        if says([policy(Condition=condition)], "ec2:Start", context=context)
    ]
    assert found == passing.split()


def test_a_wildcard_of_an_arn_condition_reaches_over_no_colon_and_that_of_a_string_does() -> None:
    source = {"aws:SourceArn": "arn:aws:some:us-east-2:999999999999:store/abc:111122223333:finance/document"}
    pattern = {"aws:SourceArn": "arn:aws:some:*:111122223333:finance/*"}
    assert says([policy(Condition={"StringLike": pattern})], "ec2:Start", context=source)
    assert not says([policy(Condition={"ArnLike": pattern})], "ec2:Start", context=source)


def test_what_is_not_known_is_an_error() -> None:
    for condition in ({"ForAnyValue:StringLike": {"a": "b"}}, {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}):
        with pytest.raises(AssertionError):
            says([policy(Action="s3:*", Condition=condition)], "ec2:Start")
    with pytest.raises(AssertionError):
        says([policy(NotPrincipal="*")], "ec2:Start")
    with pytest.raises(AssertionError):
        says([{**policy(), "Version": "2008-10-17"}], "ec2:Start")


# ---- trust -------------------------------------------------------------------------------------------

MAY = policy(Action="sts:AssumeRole", Resource=[ROLE, THEIRS])


@pytest.mark.parametrize(
    ("own", "principal", "role", "verdict"),
    [
        # In the same account.
        ([], ALICE, ROLE, True),
        ([MAY], ALICE, ROLE, True),
        ([], "arn:aws:iam::111122223333:root", ROLE, False),
        ([MAY], "arn:aws:iam::111122223333:root", ROLE, True),
        ([MAY], "111122223333", ROLE, True),
        ([MAY], "arn:aws:iam::111122223333:user/bob", ROLE, False),
        ([policy(Effect="Deny", Action="sts:*")], ALICE, ROLE, False),
        # In another one.
        ([], ALICE, THEIRS, False),
        ([MAY], ALICE, THEIRS, True),
        ([MAY], "arn:aws:iam::111122223333:root", THEIRS, True),
        ([], "arn:aws:iam::111122223333:root", THEIRS, False),
        ([MAY], "arn:aws:iam::777788889999:root", THEIRS, False),
        ([MAY], "arn:aws-cn:iam::111122223333:root", THEIRS, False),
    ],
)
def test_a_role_is_assumed_by_whom_it_trusts(
    own: list[Json], principal: str, role: str, *, verdict: bool
) -> None:
    assert may_assume(Caller(ALICE, tuple(own)), role, trust(principal)) is verdict


def test_a_trust_policy_may_deny_and_may_set_conditions() -> None:
    caller = Caller(ALICE, (MAY,), MFA)
    with_mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    assert may_assume(caller, ROLE, trust(ALICE, Condition=with_mfa))
    assert not may_assume(Caller(ALICE, (MAY,)), ROLE, trust(ALICE, Condition=with_mfa))
    known = trust(ALICE, Condition={"StringEquals": {"sts:ExternalId": "x"}})
    assert may_assume(caller, ROLE, known, sts__ExternalId="x")
    assert not may_assume(caller, ROLE, known, sts__ExternalId="y")
    assert not may_assume(caller, ROLE, known)
    both = trust(ALICE)
    both["Statement"] += trust("111122223333", effect="Deny")["Statement"]
    assert not may_assume(caller, ROLE, both)
    assert not may_assume(caller, ROLE, trust(ALICE), action="sts:TagSession")


# ---- templates ---------------------------------------------------------------------------------------


def test_a_stack_has_what_its_template_says() -> None:
    sub = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:user/${!aws:username}"}
    template = {
        "Resources": {
            "G": {
                "Type": "AWS::IAM::Group",
                "Properties": {
                    "GroupName": "Team",
                    "Policies": [{"PolicyName": "p", "PolicyDocument": policy(Resource=sub)}],
                    "ManagedPolicyArns": [{"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/Known"}],
                },
            },
            "U": {"Type": "AWS::IAM::User", "Properties": {"UserName": "alice", "Groups": [{"Ref": "G"}]}},
            "P": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"ManagedPolicyName": "m", "PolicyDocument": policy(), "Groups": ["Team"]},
            },
        },
        "Outputs": {"A": {"Value": {"Fn::GetAtt": ["U", "Arn"]}}},
    }
    stack = Stack(template, "111122223333", "aws-cn", {"Known": policy(Action="s3:*")})
    own, known, managed = stack.user("alice").policies
    assert own["Statement"][0]["Resource"] == "arn:aws-cn:iam::111122223333:user/${aws:username}"
    assert known["Statement"][0]["Action"] == "s3:*"
    assert managed == policy()
    assert stack.user("bob").policies == ()
    assert stack.user("bob", ["Team"], aws__x="y") == Caller(
        "arn:aws-cn:iam::111122223333:user/bob", (own, known, managed), {"aws:x": "y"}
    )
    assert stack.outputs(template) == {"arn:aws-cn:iam::111122223333:user/alice"}
