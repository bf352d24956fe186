"""The simulated IAM's users and roles come and go as AWS's do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.aws import assert_fits, client, refusal

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey, User

POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
CONFLICT = (409, "DeleteConflict")


def trust(**condition: dict[str, str]) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": ["sts:AssumeRole"],
        "Condition": condition,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def iam(aws: SimulatedAws, key: AccessKey) -> BaseClient:
    """Return alice's client, who administers."""
    return client(aws, key, "iam")


def test_a_user_is_made_and_goes_once_nothing_belongs_to_it(
    aws: SimulatedAws, alice: User, iam: BaseClient
) -> None:
    made = iam.create_user(UserName="bob")
    assert_fits(made, iam.meta.service_model.operation_model("CreateUser").output_shape)
    assert made["User"]["Arn"] == "arn:aws:iam::123456789012:user/bob"
    bob = alice.account.users["bob"]
    iam.put_user_policy(UserName="bob", PolicyName="may", PolicyDocument=POLICY)
    assert refusal(iam.delete_user, UserName="bob")[:2] == CONFLICT
    iam.delete_user_policy(UserName="bob", PolicyName="may")
    key = bob.access_key()
    assert refusal(iam.delete_user, UserName="bob")[:2] == CONFLICT
    iam.delete_access_key(UserName="bob", AccessKeyId=key.id)
    iam.delete_user(UserName="bob")
    assert refusal(iam.delete_user, UserName="bob")[1] == "NoSuchEntity"
    assert set(aws.account("123456789012").users) == {"alice"}


def test_what_a_policy_denies_is_denied_until_it_goes(
    aws: SimulatedAws, alice: User, iam: BaseClient
) -> None:
    bob = alice.account.user("bob")
    theirs, sts = client(aws, bob.access_key(), "iam"), client(aws, bob.access_key())
    denied = {"Effect": "Deny", "Action": ["iam:ListAccessKeys"], "Resource": "*"}
    without_mfa = denied | {"Action": ["sts:GetFederationToken"], "Condition": {"BoolIfExists": {}}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denied, without_mfa]})
    iam.put_user_policy(UserName="bob", PolicyName="not", PolicyDocument=document)
    assert refusal(theirs.list_access_keys)[1] == "AccessDenied"
    assert refusal(sts.get_federation_token, Name="bob")[1] == "AccessDenied"
    iam.delete_user_policy(UserName="bob", PolicyName="not")
    assert theirs.list_access_keys()["AccessKeyMetadata"]
    assert sts.get_federation_token(Name="bob")["Credentials"]
    assert refusal(iam.delete_user_policy, UserName="bob", PolicyName="not")[1] == "NoSuchEntity"


def test_a_role_is_made_with_the_conditions_of_its_trust_and_goes_without_policies(
    alice: User, iam: BaseClient
) -> None:
    made = iam.create_role(
        RoleName="dev",
        MaxSessionDuration=7200,
        AssumeRolePolicyDocument=trust(
            Bool={"aws:MultiFactorAuthPresent": "true"}, NumericLessThan={"aws:MultiFactorAuthAge": "60"}
        ),
    )
    role = alice.account.roles["dev"]
    assert made["Role"]["Arn"] == role.arn
    assert (role.requires_mfa, role.max_age, role.max_duration) == (True, 60.0, 7200)
    assert list(role.trusted_actions) == ["sts:AssumeRole"]
    iam.put_role_policy(RoleName="dev", PolicyName="may", PolicyDocument=POLICY)
    assert refusal(iam.delete_role, RoleName="dev")[:2] == CONFLICT
    iam.delete_role_policy(RoleName="dev", PolicyName="may")
    assert refusal(iam.delete_role_policy, RoleName="dev", PolicyName="may")[1] == "NoSuchEntity"
    iam.delete_role(RoleName="dev")
    assert refusal(iam.delete_role, RoleName="dev")[1] == "NoSuchEntity"


def test_a_policy_that_is_no_policy_is_refused(iam: BaseClient) -> None:
    for document in ("no JSON", "[]", "{}"):
        said = refusal(iam.put_user_policy, UserName="alice", PolicyName="may", PolicyDocument=document)
        assert said[1] == "MalformedPolicyDocument"
