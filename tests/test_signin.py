"""The sign-in endpoint: what is sent there, and what becomes of each answer."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from support.aws import client
from vaultpy import errors
from vaultpy.credentials import Credentials
from vaultpy.signin import LARGEST_ANSWER, Signin
from vaultpy.simulated.aws_server import AwsServer, Reply
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey, User
    from vaultpy.simulated.sigv4 import HttpRequest

pytest_plugins = ["support.aws_fixtures"]
CREDENTIALS = Credentials("ASIAX", Secret("the-secret"), Secret("the-token"), 0)


@contextmanager
def stranger(reply: Reply | None) -> Iterator[tuple[Signin, list[HttpRequest]]]:
    """Serve what gives the same answer to everybody."""
    heard: list[HttpRequest] = []

    def answer(request: HttpRequest) -> Reply | None:
        heard.append(request)
        return reply

    server = AwsServer(answer, time.time)
    server.start()
    try:
        yield Signin(server.url, {}, {}), heard
    finally:
        server.stop()


def test_a_roles_credentials_are_taken(aws: SimulatedAws, alice: User, key: AccessKey) -> None:
    role = alice.account.role("dev")
    found = client(aws, key).assume_role(RoleArn=role.arn, RoleSessionName="alice")["Credentials"]
    credentials = Credentials(
        found["AccessKeyId"], Secret(found["SecretAccessKey"]), Secret(found["SessionToken"]), 0
    )
    assert len(Signin(aws.url, {}, {}).token(credentials, 7200, "dev").reveal()) > 100
    assert aws.requests[-1].parameters == {"Session": "<hidden>", "SessionDuration": "7200"}


def test_the_secrets_are_in_the_body_and_nowhere_else() -> None:
    with stranger(Reply(200, b'{"SigninToken": "t"}')) as (signin, heard):
        assert signin.token(CREDENTIALS, None, "dev") == Secret("t")
    [request] = heard
    assert (request.method, request.target) == ("POST", "/federation")
    assert "the-" not in str(request.headers)
    form = parse_qs(request.body.decode())
    assert form["Session"] == [
        '{"sessionId": "ASIAX", "sessionKey": "the-secret", "sessionToken": "the-token"}'
    ]
    assert "SessionDuration" not in form


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (Reply(400, b"<html>"), errors.SigninRefused, "HTTP status 400"),
        (Reply(403), errors.SigninRefused, "HTTP status 403"),
        (Reply(503), errors.AwsBusy, "HTTP status 503"),
        (Reply(302, headers={"Location": "http://127.0.0.1:1/"}), errors.AnswerMalformed, "HTTP status 302"),
        (Reply(303, headers={"Location": "http://127.0.0.1:1/"}), errors.AnswerMalformed, "HTTP status 303"),
        (Reply(200, b""), errors.AnswerMalformed, "no SigninToken"),
        (Reply(200, b"[]"), errors.AnswerMalformed, "no SigninToken"),
        (Reply(200, b"[" * 50000), errors.AnswerMalformed, "no SigninToken"),
        (Reply(200, b'{"SigninToken": 1}'), errors.AnswerMalformed, "no SigninToken"),
        (Reply(200, b'{"SigninToken": ""}'), errors.AnswerMalformed, "no SigninToken"),
        (Reply(200, b'{"SigninToken": "\\u001b[2J"}'), errors.AnswerMalformed, "no SigninToken"),
        (
            Reply(200, b'{"SigninToken": "t"}' + b" " * LARGEST_ANSWER),
            errors.AnswerMalformed,
            "no SigninToken",
        ),
        (None, errors.Unreachable, "closed"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_each_other_answer_has_its_error(
    reply: Reply | None, error: type[errors.VaultpyError], said: str
) -> None:
    with stranger(reply) as (signin, heard), pytest.raises(error, match=said) as caught:
        signin.token(CREDENTIALS, None, "dev")
    assert len(heard) == 1
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_a_machine_without_a_network_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(errors.Unreachable, match=r"127\.0\.0\.1: connection refused"):
        Signin(f"http://127.0.0.1:{port}", {}, {}).token(CREDENTIALS, None, "dev")


def test_a_server_without_tls_is_not_trusted(aws: SimulatedAws) -> None:
    with pytest.raises(errors.TlsFailed):
        Signin(aws.url.replace("http:", "https:"), {}, {}).token(CREDENTIALS, None, "dev")


@contextmanager
def endless(piece: bytes, pause: float) -> Iterator[str]:
    """Serve an answer that goes on as long as somebody reads it; give the address."""
    ended = threading.Event()

    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            while not ended.wait(pause):
                connection.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def test_an_answer_that_trickles_is_not_waited_for() -> None:
    with endless(b" ", 0.05) as url, pytest.raises(errors.NoAnswer, match=r"no whole answer within 0\.5 s"):
        Signin(url, {}, {}, limit=0.5).token(CREDENTIALS, None, "dev")


def test_an_answer_that_never_ends_is_not_read_to_its_end() -> None:
    with endless(b" " * 4096, 0) as url, pytest.raises(errors.AnswerMalformed):
        Signin(url, {}, {}, limit=10).token(CREDENTIALS, None, "dev")


@pytest.mark.parametrize(
    ("environ", "settings", "verify"),
    [
        ({}, {}, True),
        ({"REQUESTS_CA_BUNDLE": "", "AWS_CA_BUNDLE": " "}, {"ca_bundle": ""}, True),
        ({"REQUESTS_CA_BUNDLE": "/r"}, {}, "/r"),
        ({"REQUESTS_CA_BUNDLE": "/r"}, {"ca_bundle": "/c"}, "/c"),
        ({"REQUESTS_CA_BUNDLE": "/r", "AWS_CA_BUNDLE": "/a"}, {"ca_bundle": "/c"}, "/a"),
    ],
)
def test_certificates_are_those_of_all_other_calls(
    environ: dict[str, str], settings: dict[str, str], verify: object
) -> None:
    assert Signin("https://signin.aws.amazon.com", settings, environ)._verify == verify
