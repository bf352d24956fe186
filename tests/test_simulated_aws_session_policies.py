"""The simulated STS and what is packed into a session: tags and a source identity, through every role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.aws import client, refusal

if TYPE_CHECKING:
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey, User

pytest_plugins = ["support.aws_fixtures"]

TEAM = {"Key": "team", "Value": "blue"}
COST = {"Key": "cost", "Value": "1"}


def assume(sts: Any, role: str, **parameters: object) -> Any:  # noqa: ANN401  # a reply of boto3
    return sts.assume_role(RoleArn=role, RoleSessionName="alice", **parameters)


def chained(aws: SimulatedAws, key: AccessKey, role: str, **parameters: object) -> Any:  # noqa: ANN401
    """Return a client that signs with the role's credentials."""
    return client(aws, assume(client(aws, key), role, **parameters)["Credentials"])


def test_transitive_tags_go_through_every_further_role(
    aws: SimulatedAws, alice: User, key: AccessKey
) -> None:
    role = alice.account.role("dev").arn
    second = chained(aws, key, role, Tags=[TEAM, COST], TransitiveTagKeys=["TEAM"])
    reply = assume(second, role, Tags=[{"Key": "cost", "Value": "2"}], TransitiveTagKeys=["cost"])
    third = client(aws, reply["Credentials"])
    last = assume(third, role)["Credentials"]["AccessKeyId"]
    assert aws.session(last).tags == {"team": "blue", "cost": "2"}


@pytest.mark.parametrize("tag", [TEAM, {"Key": "Team", "Value": "red"}])
def test_a_transitive_tag_is_not_given_again(
    aws: SimulatedAws, alice: User, key: AccessKey, tag: dict[str, str]
) -> None:
    role = alice.account.role("dev").arn
    second = chained(aws, key, role, Tags=[TEAM], TransitiveTagKeys=["team"])
    assert refusal(assume, sts=second, role=role, Tags=[tag]) == (
        400,
        "InvalidParameterValue",
        (
            "One of the specified transitive tag keys can't be set because it conflicts with a "
            "transitive tag key from the calling session."
        ),
    )


def test_inherited_tags_need_the_consent_of_the_next_role(
    aws: SimulatedAws, alice: User, key: AccessKey
) -> None:
    first = alice.account.role("first").arn
    wary = alice.account.role("wary", trusted_actions=["sts:AssumeRole"]).arn
    assume(chained(aws, key, first, Tags=[COST]), wary)
    tagged = chained(aws, key, first, Tags=[TEAM], TransitiveTagKeys=["team"])
    _, code, text = refusal(assume, sts=tagged, role=wary)
    assert code == "AccessDenied"
    assert text.endswith(f"is not authorized to perform: sts:TagSession on resource: {wary}")


def test_a_source_identity_stays_and_cannot_be_changed(
    aws: SimulatedAws, alice: User, key: AccessKey
) -> None:
    role = alice.account.role("dev").arn
    second = chained(aws, key, role, SourceIdentity="alice")
    assert assume(second, role)["SourceIdentity"] == "alice"
    assert assume(second, role, SourceIdentity="alice")["SourceIdentity"] == "alice"
    text = "The source identity is already set for this assume role session"
    assert refusal(assume, sts=second, role=role, SourceIdentity="bob") == (400, "ValidationError", text)


def test_an_inherited_source_identity_needs_the_consent_of_the_next_role(
    aws: SimulatedAws, alice: User, key: AccessKey
) -> None:
    first = alice.account.role("first").arn
    wary = alice.account.role("wary", trusted_actions=["sts:AssumeRole"]).arn
    _, code, text = refusal(assume, sts=chained(aws, key, first, SourceIdentity="alice"), role=wary)
    assert code == "AccessDenied"
    assert "perform: sts:SetSourceIdentity on" in text


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (
            {"TransitiveTagKeys": ["team"]},
            ("InvalidParameterValue", "must be included in the requested tags."),
        ),
        (
            {"Tags": [TEAM, {"Key": "TEAM", "Value": ""}]},
            ("InvalidParameterValue", "Duplicate tag keys found"),
        ),
        ({"Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]}, ("ValidationError", "limit of 50")),
        ({"Tags": [{"Key": "", "Value": ""}]}, ("ValidationError", "greater than or equal to 1")),
        ({"Tags": [{"Key": "k" * 129, "Value": ""}]}, ("ValidationError", "less than or equal to 128")),
        ({"Tags": [{"Key": "k", "Value": "v" * 257}]}, ("ValidationError", "less than or equal to 256")),
        ({"Tags": [{"Key": "k", "Value": "<v>"}]}, ("ValidationError", "regular expression pattern")),
        ({"Tags": [{"Key": "k\n", "Value": "v"}]}, ("ValidationError", "regular expression pattern")),
    ],
)
def test_tags_have_limits(
    aws: SimulatedAws, alice: User, key: AccessKey, parameters: dict[str, object], expected: tuple[str, str]
) -> None:
    role = alice.account.role("dev").arn
    status, code, text = refusal(assume, sts=client(aws, key), role=role, **parameters)
    assert (status, code) == (400, expected[0])
    assert expected[1] in text
