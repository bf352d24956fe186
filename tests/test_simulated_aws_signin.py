"""The simulated sign-in: whose credentials it takes, for how long, and what it shows."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest

from support.aws import client

if TYPE_CHECKING:
    from support.aws import Clock
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey, User

pytest_plugins = ["support.aws_fixtures"]
HOME = "https://console.aws.amazon.com/console/home"


def ask(aws: SimulatedAws, method: str, **form: str) -> tuple[int, str]:
    """Send a form to the endpoint; return status and text."""
    connection = http.client.HTTPConnection(urlsplit(aws.url).netloc, timeout=10)
    if method == "GET":
        connection.request("GET", f"/federation?{urlencode(form)}")
    else:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/federation", urlencode(form), headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def session_of(credentials: Any, **changed: str) -> str:  # noqa: ANN401  # a reply of boto3
    names = {"sessionId": "AccessKeyId", "sessionKey": "SecretAccessKey", "sessionToken": "SessionToken"}
    return json.dumps({name: credentials[theirs] for name, theirs in names.items()} | changed)


def token(aws: SimulatedAws, credentials: Any, **form: str) -> tuple[int, str]:  # noqa: ANN401  # a reply of boto3
    return ask(aws, "POST", Action="getSigninToken", Session=session_of(credentials), **form)


@pytest.fixture
def role_credentials(aws: SimulatedAws, alice: User, key: AccessKey) -> Any:  # noqa: ANN401  # a reply of boto3
    role = alice.account.role("dev", max_duration=43200)
    return client(aws, key).assume_role(RoleArn=role.arn, RoleSessionName="alice")["Credentials"]


def login(aws: SimulatedAws, body: str, destination: str = HOME) -> tuple[int, str]:
    signin_token = json.loads(body)["SigninToken"]
    return ask(aws, "GET", Action="login", Issuer="x", Destination=destination, SigninToken=signin_token)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_role_signs_in(aws: SimulatedAws, role_credentials: Any, method: str) -> None:  # noqa: ANN401  # a reply of boto3
    status, body = ask(aws, method, Action="getSigninToken", Session=session_of(role_credentials))
    assert status == 200
    status, page = login(aws, body)
    assert status == 200
    assert "assumed-role/dev/alice for 3600 s at https://console.aws.amazon.com/console/home" in page
    assert [call.parameters.get("Session", "<hidden>") for call in aws.requests if not call.signed] == [
        "<hidden>",
        "<hidden>",
    ]


def test_a_session_may_be_longer_than_the_credentials_of_a_role(
    aws: SimulatedAws,
    role_credentials: Any,  # noqa: ANN401  # a reply of boto3
) -> None:
    _, body = token(aws, role_credentials, SessionDuration="43200")
    assert "for 43200 s" in login(aws, body)[1]


@pytest.mark.parametrize("seconds", ["899", "43201", "1h", "-1", ""])
def test_a_duration_has_its_limits(aws: SimulatedAws, role_credentials: Any, seconds: str) -> None:  # noqa: ANN401  # a reply of boto3
    assert token(aws, role_credentials, SessionDuration=seconds)[0] == 400


def test_a_duration_is_refused_for_chained_roles_and_federated_users(
    aws: SimulatedAws, alice: User, key: AccessKey
) -> None:
    role = alice.account.role("dev")
    first = client(aws, key).get_session_token()["Credentials"]
    chained = client(aws, first).assume_role(RoleArn=role.arn, RoleSessionName="alice")["Credentials"]
    federated = client(aws, key).get_federation_token(Name="bob")["Credentials"]
    for credentials in (chained, federated):
        assert token(aws, credentials, SessionDuration="3600")[0] == 400
        assert token(aws, credentials)[0] == 200


def test_neither_keys_nor_a_users_own_session_sign_in(aws: SimulatedAws, key: AccessKey) -> None:
    own = client(aws, key).get_session_token()["Credentials"]
    assert token(aws, own)[0] == 400
    assert token(aws, {"AccessKeyId": key.id, "SecretAccessKey": key.secret, "SessionToken": ""})[0] == 400


@pytest.mark.parametrize("changed", ["sessionId", "sessionKey", "sessionToken"])
def test_every_part_of_the_credentials_counts(
    aws: SimulatedAws,
    role_credentials: Any,  # noqa: ANN401  # a reply of boto3
    changed: str,
) -> None:
    wrong = session_of(role_credentials, **{changed: "wrong"})
    assert ask(aws, "POST", Action="getSigninToken", Session=wrong)[0] == 400


@pytest.mark.parametrize("session", ["", "[]", "{}", "null", '{"sessionId": 1}'])
def test_what_is_no_session_is_refused(aws: SimulatedAws, session: str) -> None:
    assert ask(aws, "POST", Action="getSigninToken", Session=session)[0] == 400


def test_credentials_and_tokens_end(
    aws: SimulatedAws,
    aws_clock: Clock,
    role_credentials: Any,  # noqa: ANN401  # a reply of boto3
) -> None:
    _, body = token(aws, role_credentials)
    aws_clock.advance(899)
    assert login(aws, body)[0] == 200
    aws_clock.advance(1)
    assert login(aws, body)[0] == 400
    aws_clock.advance(3600)
    assert token(aws, role_credentials)[0] == 400


@pytest.mark.parametrize(
    "destination",
    [
        "",
        "https://example.com/",
        "http://console.aws.amazon.com/",
        "https://console.amazonaws.cn/",
        "https://console.aws.amazon.com@example.com/",
    ],
)
def test_the_way_leads_to_the_console_of_the_partition_alone(
    aws: SimulatedAws,
    role_credentials: Any,  # noqa: ANN401  # a reply of boto3
    destination: str,
) -> None:
    _, body = token(aws, role_credentials)
    assert login(aws, body, destination)[0] == 400


def test_an_unknown_action_and_token_are_refused(aws: SimulatedAws) -> None:
    assert ask(aws, "GET", Action="logout")[0] == 400
    assert ask(aws, "GET", Action="login", SigninToken="guess", Destination=HOME)[0] == 400
