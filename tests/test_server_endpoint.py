"""The endpoint and those who may have the credentials: what they get, in the form that the SDKs read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.credentials import ContainerProvider
from botocore.exceptions import CredentialRetrievalError
from botocore.utils import ContainerMetadataFetcher
from hypothesis import given
from hypothesis import strategies as st

from support.aws import client
from support.fuzzing import examples
from support.visiting import ACCOUNT, CREDENTIALS, GOOD, Served, Shelf, rest, serving, status
from vaultpy import errors
from vaultpy.credentials import Credentials
from vaultpy.server.endpoint import Endpoint, new_token
from vaultpy.server.source import NoSuchPathError
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey, User

pytest_plugins = ["support.aws_fixtures"]
BIN = Path(sys.executable).parent
DOCUMENT = {
    "AccessKeyId": "ASIAX",
    "SecretAccessKey": "the-secret",
    "Token": "the-session",
    "Expiration": "2096-10-02T07:06:40Z",
    "AccountId": ACCOUNT,
}


@pytest.fixture
def served() -> Iterator[Served]:
    """Return an endpoint that has answered nobody yet."""
    with serving() as served:
        yield served


def get(path: bytes) -> bytes:
    return b"GET %s HTTP/1.1\r\nHOSTAuthorization: TOKEN\r\n\r\n" % path


def document(reply: bytes) -> object:
    return json.loads(reply.partition(b"\r\n\r\n")[2])


def variables(served: Served, path: str = "/") -> dict[str, str]:
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": served.endpoint.url(path),
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": served.token.reveal(),
    }


def test_who_has_the_token_gets_the_credentials(served: Served) -> None:
    reply = served.send(GOOD)
    head, _, body = reply.partition(b"\r\n\r\n")
    assert status(reply) == "200"
    assert document(reply) == DOCUMENT
    assert sorted(head.split(b"\r\n")[1:]) == [
        b"Allow: GET",
        b"Cache-Control: no-store",
        b"Connection: close",
        b"Content-Length: %d" % len(body),
        b"Content-Type: application/json",
    ]


def test_an_account_that_is_not_known_is_left_out(served: Served) -> None:
    served.shelf.account = None
    found = document(served.send(GOOD))
    assert found == {name: value for name, value in DOCUMENT.items() if name != "AccountId"}


@pytest.mark.parametrize("path", ["/", "/profile/dev", "/role-arn/arn:aws:iam::123456789012:role/dev"])
def test_the_source_is_asked_for_the_path(served: Served, path: str) -> None:
    assert status(served.send(get(path.encode()))) == "200"
    assert served.shelf.asked == [path]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map("/{}".format))
@examples(60)
def test_a_path_reaches_the_source_as_it_was_when_its_url_was_made(path: str) -> None:
    with serving() as served:
        served.shelf.paths.add(path)
        url = served.endpoint.url(path)
        assert status(served.send(get(url.removeprefix(f"http://127.0.0.1:{served.port}").encode()))) == "200"
        assert served.shelf.asked == [path]


@pytest.mark.parametrize(
    "path", ["/profile/other", "//", "/profile/dev/", "/profile/../", "/?", "/#", "//evil.example/", "/%00"]
)
def test_a_path_that_the_source_does_not_know_is_not_found(served: Served, path: str) -> None:
    reply = served.send(get(path.encode()))
    assert status(reply) == "404"
    assert b"the-" not in reply


def test_a_path_that_is_no_text_is_not_found_and_nobody_asked(served: Served) -> None:
    assert status(served.send(get(b"/%ff"))) == "404"
    assert served.shelf.asked == []


def test_an_error_is_told_with_what_to_do(served: Served) -> None:
    served.shelf.error = errors.CommandNotFound(command="frobnicate")
    reply = served.send(GOOD)
    message = "frobnicate is not found; check its spelling and PATH; nothing was asked of the YubiKey or AWS"
    assert status(reply) == "503"
    assert document(reply) == {
        "code": "CommandNotFound",
        "Code": "CommandNotFound",
        "message": message,
        "Message": message,
    }


def test_a_bug_of_the_source_is_told_without_its_words_and_written_nowhere(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    served.shelf.error = RuntimeError("it was the-secret")
    reply = served.send(GOOD)
    assert status(reply) == "500"
    assert b"the-secret" not in reply
    served.shelf.error = None
    assert served.is_served()
    assert capfd.readouterr() == ("", "")


def test_what_the_endpoint_holds_is_not_shown(served: Served) -> None:
    shown = " ".join(repr(each) for each in (served.endpoint, vars(served.endpoint)))
    for secret in (served.token, *served.shelf.secrets):
        assert secret.reveal() not in shown


def test_tokens_are_long_different_and_fit_a_header() -> None:
    tokens = {new_token().reveal() for _ in range(50)}
    assert len(tokens) == 50
    for token in tokens:
        assert len(token) == 43
        assert token.replace("-", "").replace("_", "").isalnum()
        assert token.isascii()


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "localhost", "192.0.2.1", "127.0.0.2"])  # noqa: S104
def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Endpoint(Shelf(), new_token(), host=host)


def test_it_listens_on_the_other_loopback_too() -> None:
    try:
        served = Served(Shelf(), host="::1")
    except OSError as error:
        pytest.skip(f"this system has no ::1: {error.strerror}")
    served.endpoint.start()
    try:
        assert served.endpoint.url() == f"http://[::1]:{served.port}/"
        assert served.send(GOOD).startswith(b"HTTP/1.1 200")
    finally:
        served.endpoint.close()


def test_a_port_can_be_asked_for_and_is_free_again_afterwards() -> None:
    with serving() as served:
        assert served.is_served()
        port = served.port
        with pytest.raises(OSError, match="in use"):
            Endpoint(Shelf(), new_token(), port=port)
    again = Endpoint(Shelf(), new_token(), port=port)
    assert again.port == port
    again.close()


def test_nobody_is_answered_before_the_start_and_those_who_waited_are_after_it() -> None:
    served = Served(Shelf())
    with served.connect() as connection:
        connection.sendall(served.filled(GOOD))
        assert served.shelf.asked == []
        served.endpoint.start()
        assert status(rest(connection)) == "200"
    served.endpoint.close()


def test_the_end_drops_who_is_still_there() -> None:
    with serving() as served:
        connection = served.connect()
        assert served.is_served()  # so that the one before has been let in
    with connection:
        assert rest(connection) == b""
    with pytest.raises(ConnectionRefusedError):
        served.connect()
    served.endpoint.close()


@pytest.mark.parametrize("kind", ["TOKEN", "TOKEN_FILE"])
def test_botocore_takes_the_credentials(served: Served, tmp_path: Path, kind: str) -> None:
    environment = variables(served, "/profile/dev")
    if kind == "TOKEN_FILE":
        file = tmp_path / "token"
        file.write_text(environment.pop("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
        environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(file)
    found = ContainerProvider(environment).load()
    assert (found.access_key, found._secret_key, found._token) == ("ASIAX", "the-secret", "the-session")
    assert found.account_id == ACCOUNT
    assert found._expiry_time == datetime.fromtimestamp(CREDENTIALS.expiration, timezone.utc)


@pytest.mark.parametrize(
    ("error", "token", "said"),
    [
        (None, "a-wrong-one", "not this server's; take the address and the token from the variables"),
        (errors.CommandNotFound(command="x"), None, "x is not found; check its spelling"),
        (NoSuchPathError(), None, "there are no credentials at this path"),
    ],
)
def test_botocore_shows_why_there_are_none(
    served: Served, error: Exception | None, token: str | None, said: str
) -> None:
    served.shelf.error = error
    environment = variables(served)
    environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = token or served.token.reveal()
    fetcher = ContainerMetadataFetcher(sleep=lambda _seconds: None)
    with pytest.raises(CredentialRetrievalError) as raised:
        ContainerProvider(environment, fetcher).load()
    assert said in str(raised.value)
    assert served.token.reveal() not in str(raised.value)


@pytest.fixture
def with_role(aws: SimulatedAws, alice: User, key: AccessKey) -> Iterator[Served]:
    """Return an endpoint with credentials that the simulated AWS accepts."""
    role = alice.account.role("dev")
    found = client(aws, key).assume_role(RoleArn=role.arn, RoleSessionName="alice")["Credentials"]
    credentials = Credentials(
        found["AccessKeyId"],
        Secret(found["SecretAccessKey"]),
        Secret(found["SessionToken"]),
        int(time.time()) + 3600,
    )
    with serving(Shelf(credentials)) as served:
        yield served


WHO_BY_BOTO3 = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-c", WHO_BY_BOTO3],
        [str(BIN / "aws"), "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
    ],
    ids=["boto3", "the AWS CLI"],
)
def test_programs_act_as_the_role(aws: SimulatedAws, with_role: Served, command: list[str]) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **variables(with_role, "/profile/dev"),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip().endswith(":assumed-role/dev/alice")
    assert with_role.shelf.asked == ["/profile/dev"]
