"""What AWS, a network and a stranger's server answer, as errors that say what to do."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support import aws_call
from support.aws import ACCOUNT, Clock
from vaultpy import errors
from vaultpy.aws_api import AwsClient
from vaultpy.aws_body import LARGEST_ANSWER
from vaultpy.aws_failures import not_answered
from vaultpy.credentials import AccessKey, Credentials
from vaultpy.simulated import aws_errors
from vaultpy.simulated.aws import SimulatedAws
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.aws_server import AwsServer, Reply
from vaultpy.simulated.aws_xml import error_xml
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from botocore.awsrequest import AWSRequest

    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.sigv4 import HttpRequest

pytest_plugins = ["support.aws_fixtures"]
KEY = AccessKey("AKIAEXAMPLE123456789", Secret("the-long-term-secret"))
SESSION = Credentials(
    "ASIAEXAMPLE123456789", Secret("session-secret"), Secret("session-token"), 2_000_000_000
)
SERIAL = "arn:aws:iam::123456789012:mfa/alice"
ROLE = "arn:aws:iam::123456789012:role/dev"
USER = "arn:aws:iam::123456789012:user/alice"
FACTS: dict[str, object] = {"profile": "dev", "user": USER, "role": ROLE, "mfa_serial": SERIAL}


@contextmanager
def server(reply: Reply | None) -> Iterator[tuple[str, list[HttpRequest]]]:
    """Serve `reply` to everybody; yield the URL and the requests that arrived."""
    seen: list[HttpRequest] = []

    def answer(request: HttpRequest) -> Reply | None:
        seen.append(request)
        return reply

    serving = AwsServer(answer, Clock())
    serving.start()
    try:
        yield serving.url, seen
    finally:
        serving.stop()


def ask(url: str | None, *, signer: AccessKey | Credentials = KEY) -> errors.VaultpyError:
    """Return the error that a call ends with."""
    client = AwsClient("sts", "eu-central-1", url, {})
    with pytest.raises(errors.VaultpyError) as caught:
        client.call("get_caller_identity", signer, {}, FACTS)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    return caught.value


# ---- AWS's refusals ----------------------------------------------------------------------------------

DENIED = aws_errors.not_authorized(USER, "sts:AssumeRole", ROLE)
REFUSALS: list[tuple[aws_errors.AwsError, type[errors.VaultpyError], str, str]] = [
    (aws_errors.mfa_code_wrong(), errors.CodeRefused, SERIAL, "another MFA device, or is out of step"),
    (aws_errors.mfa_device_wrong(), errors.MfaDeviceRefused, SERIAL, "aws iam list-mfa-devices"),
    (aws_errors.mfa_half_given(), errors.AwsRefused, "must provide both MFA serial", "--debug"),
    (DENIED, errors.RoleDenied, ROLE, "trust policy (principal, MFA, external_id)"),
    (aws_errors.session_credentials_refused("GetSessionToken"), errors.AwsRefused, "Cannot call", "--debug"),
    (aws_errors.invalid_client_token_id(), errors.AccessKeyRefused, KEY.id, "vaultpy add --force dev"),
    (aws_errors.signature_does_not_match(), errors.SecretWrong, KEY.id, "vaultpy add --force dev"),
    (aws_errors.duration_over_role_maximum(), errors.DurationRefused, "MaxSessionDuration", "--duration 1h"),
    (aws_errors.duration_over_chaining_limit(), errors.DurationRefused, "1 hour session", "--duration 1h"),
    (aws_errors.throttling(), errors.AwsBusy, "Rate exceeded", "wait a minute"),
    (aws_errors.internal_failure(), errors.AwsBusy, "InternalFailure", "wait a minute"),
    (aws_errors.region_disabled("eu-central-1", ACCOUNT), errors.RegionOff, "eu-central-1", "activate it"),
    (
        aws_errors.AwsError("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409),
        errors.AwsRefused,
        "AccessKeysPerUser: 2",
        "--debug",
    ),
    (
        aws_errors.AwsError("InvalidAuthenticationCode", "Authentication code is not valid", 403),
        errors.AwsRefused,
        "InvalidAuthenticationCode",
        "--debug",
    ),
    (
        aws_errors.signature_does_not_match("Credential should be scoped to a valid region. "),
        errors.AwsRefused,
        "valid region",
        "--debug",
    ),
    (
        aws_errors.not_authorized(USER, "iam:ListMFADevices", USER),
        errors.AwsRefused,
        "iam:ListMFADevices",
        "--debug",
    ),
]


@pytest.mark.parametrize(
    ("refusal", "error", "fact", "remedy"), REFUSALS, ids=lambda it: getattr(it, "__name__", None)
)
def test_each_refusal_of_aws_says_what_to_do(
    refusal: aws_errors.AwsError, error: type[errors.VaultpyError], fact: str, remedy: str
) -> None:
    with server(Reply(refusal.status, error_xml("sts", refusal, "id"))) as (url, seen):
        found = ask(url)
    assert type(found) is error
    assert fact in found.message
    assert remedy in found.hint
    assert len(seen) == 1, "a refusal is never tried again"


@pytest.mark.parametrize(
    "refusal",
    [aws_errors.expired_token(), aws_errors.invalid_client_token_id(), aws_errors.signature_does_not_match()],
    ids=lambda it: it.code,
)
def test_a_session_that_aws_no_longer_takes_is_not_blamed_on_the_access_key(
    refusal: aws_errors.AwsError,
) -> None:
    with server(Reply(refusal.status, error_xml("sts", refusal, "id"))) as (url, _):
        found = ask(url, signer=SESSION)
    assert type(found) is errors.SessionRefused
    assert SESSION.access_key_id in found.message
    assert found.hint.endswith("vaultpy clear")


@pytest.mark.parametrize(
    ("text", "seconds", "said"),
    [
        ("Signature expired: A is now earlier than B (C - 15 min.)", 3600, "1h 00m behind AWS's"),
        ("Signature not yet current: A is still later than B (C + 15 min.)", -3600, "ahead of AWS's"),
    ],
)
def test_a_signature_of_another_time_is_the_clock_s_fault(text: str, seconds: int, said: str) -> None:
    clock = Clock()
    clock.advance(seconds)
    with SimulatedAws(clock) as aws:
        key = aws.account(ACCOUNT).user("alice").access_key()
        key.effective_from = 0
        found = ask(aws.url, signer=AccessKey(key.id, Secret(key.secret)))
        assert aws.calls[0].verdict == "SignatureDoesNotMatch"
    assert text.startswith("Signature ")
    assert type(found) is errors.ClockWrong
    assert said in found.message or said.removeprefix("1h 00m ") in found.message
    assert "timedatectl" in found.hint


@pytest.mark.parametrize(("code", "text"), [("Strange", "x" * 100_000), ("x" * 100_000, "strange")])
def test_a_very_long_refusal_is_cut(code: str, text: str) -> None:
    refusal = aws_errors.AwsError(code, text, 400)
    with server(Reply(400, error_xml("sts", refusal, "id"))) as (url, _):
        assert len(ask(url).message) < 400


# ---- strangers and the network -----------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("body", [b"", b"<html>moved</html>", b"<ErrorResponse/>"])
def test_a_signed_call_is_never_sent_on_to_another_host(status: int, body: bytes) -> None:
    with server(Reply(200)) as (elsewhere, stolen):
        reply = Reply(status, body, {"Location": elsewhere + "/", "x-amz-bucket-region": "us-west-2"})
        with server(reply) as (url, seen):
            assert type(ask(url)) in {errors.AnswerMalformed, errors.AwsRefused}
    assert len(seen) == 1
    assert stolen == []


@pytest.mark.parametrize("operation", ["call", "date"])
def test_the_request_for_the_time_follows_no_redirect_and_takes_its_date(operation: str) -> None:
    with (
        server(Reply(200)) as (elsewhere, stolen),
        server(Reply(302, b"", {"Location": elsewhere})) as (url, seen),
    ):
        client = AwsClient("sts", "eu-central-1", url, {})
        if operation == "date":
            assert client.date() > 1_000_000_000
        else:
            with pytest.raises(errors.AnswerMalformed):
                client.call("get_caller_identity", KEY, {}, {})
    assert len(seen) == 1
    assert (seen[0].header("Authorization") is None) == (operation == "date")
    assert stolen == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<html><body>please log in</body></html>",
        b"\xff\xfe\x00",
        b"{}",
        b"<a>" * 100_000,
        b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>",
        b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>',
    ],
    ids=range(8),
)
@pytest.mark.parametrize("status", [200, 403])
def test_an_answer_that_is_not_aws_s_is_said_to_be_so(status: int, body: bytes) -> None:
    with server(Reply(status, body)) as (url, _):
        try:
            answer = AwsClient("sts", "eu-central-1", url, {}).call("get_caller_identity", KEY, {}, {})
        except errors.VaultpyError as error:
            assert type(error) in {errors.AnswerMalformed, errors.AwsRefused}  # noqa: PT017  # either may come
        else:
            assert "Arn" not in answer


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    with server(Reply(200, b"<a>" + b" " * (LARGEST_ANSWER + 1))) as (url, _):
        found = ask(url)
    assert type(found) is errors.AnswerMalformed
    assert "over 1024 kB" in found.message


def test_an_answer_that_breaks_off_is_not_aws_s(aws: SimulatedAws, key: AwsAccessKey) -> None:
    aws.fail_next("GetCallerIdentity", Fault.MALFORMED)
    found = ask(aws.url, signer=AccessKey(key.id, Secret(key.secret)))
    assert type(found) is errors.AnswerMalformed
    assert "HTTP status 200" in found.message
    assert "endpoint_url and the proxy variables" in found.hint


@pytest.mark.parametrize("fault", [Fault.CLOSE_AFTER, Fault.SERVER_ERROR, Fault.THROTTLING])
def test_nothing_is_tried_again_by_boto3(aws: SimulatedAws, key: AwsAccessKey, fault: Fault) -> None:
    aws.fail_next("GetCallerIdentity", fault)
    found = ask(aws.url, signer=AccessKey(key.id, Secret(key.secret)))
    assert type(found) is (errors.NoAnswer if fault is Fault.CLOSE_AFTER else errors.AwsBusy)
    assert found.hint.endswith("run this again; a code that was sent is not used again")
    assert len(aws.requests) == 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_refused_connection_left_nothing() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    found = ask(url)
    assert type(found) is errors.Unreachable
    assert found.message == "cannot reach 127.0.0.1: connection refused"
    with pytest.raises(errors.Unreachable):
        AwsClient("sts", "eu-central-1", url, {}).date()


def test_a_host_without_an_address_left_nothing() -> None:
    failure = EndpointConnectionError(
        endpoint_url="https://sts.example/", error=socket.gaierror(-2, "Name or service not known")
    )
    found = not_answered(failure, "sts.example", under_way=False)
    assert type(found) is errors.Unreachable
    assert found.message == "cannot reach sts.example: name or service not known"


def test_a_time_request_without_an_answer_speaks_of_no_code() -> None:
    with server(None) as (url, _), pytest.raises(errors.Unreachable, match="cannot reach"):
        AwsClient("sts", "eu-central-1", url, {}).date()


def test_a_server_without_tls_is_not_trusted() -> None:
    with server(Reply(200)) as (url, seen):
        found = ask(url.replace("http:", "https:"))
    assert type(found) is errors.TlsFailed
    assert "wrong version number" in found.message
    assert seen == []


def self_signed_context(directory: Path) -> ssl.SSLContext:
    """Return a server's context with a certificate that nobody vouches for; makes `directory`/server.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = directory / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@contextmanager
def self_signed(directory: Path) -> Iterator[str]:
    """Serve TLS with a certificate that nobody vouches for, which lies in `directory`/server.pem."""
    context = self_signed_context(directory)
    serving = AwsServer(lambda _: Reply(200), Clock())
    serving.socket = context.wrap_socket(serving.socket, server_side=True)
    serving.start()
    try:
        yield serving.url.replace("http://", "https://")
    finally:
        serving.stop()


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    with self_signed(tmp_path) as url:
        found = ask(url)
    assert type(found) is errors.TlsFailed
    assert found.message == "the connection to 127.0.0.1 is not trusted: self-signed certificate"
    assert "AWS_CA_BUNDLE" in found.hint


@contextmanager
def one_connection(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """Let `handle` have the first connection that comes; yield the address to connect to over TLS."""

    def accept() -> None:
        connection, _ = listener.accept()
        with connection:
            handle(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.join()


def read_request(stream: ssl.SSLSocket) -> bytes:
    """Return a whole request."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += stream.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = int(re.findall(rb"(?i)content-length: (\d+)", head)[0])
    while len(body) < length:
        body += stream.recv(65536)
    return body


@pytest.mark.parametrize("answer", [b"\x17\x03\x03\x00\x20" + bytes(32), b""], ids=["bad record", "end"])
def test_once_a_request_was_sent_a_failure_of_tls_tells_nothing_of_its_fate(
    tmp_path: Path, key: AwsAccessKey, answer: bytes
) -> None:
    context = self_signed_context(tmp_path)
    seen: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        stream = context.wrap_socket(connection, server_side=True)
        read_request(stream)
        date = formatdate(usegmt=True).encode()
        stream.sendall(b"HTTP/1.1 200 OK\r\nDate: " + date + b"\r\nContent-Length: 0\r\n\r\n")
        seen.append(read_request(stream))
        raw = stream.detach()
        os.write(raw, answer)
        os.close(raw)

    with one_connection(handle) as url:
        environ = {"AWS_CA_BUNDLE": f"{tmp_path}/server.pem", "HOME": str(tmp_path)}
        done = aws_call.call(url, key, environ)
    assert seen[0].startswith(b"Action=GetCallerIdentity")
    assert done.stdout.startswith("NoAnswer: ")


@pytest.mark.parametrize("linger", [(0, 0), (1, 0)], ids=["end", "reset"])
def test_a_connection_that_ends_within_the_handshake_left_nothing(linger: tuple[int, int]) -> None:
    def handle(connection: socket.socket) -> None:
        assert connection.recv(65536)[:1] == b"\x16", "a ClientHello"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", *linger))

    with one_connection(handle) as url:
        found = ask(url)
    assert type(found) is errors.Unreachable


def test_a_profile_lends_its_ca_bundle(tmp_path: Path, key: AwsAccessKey) -> None:
    (tmp_path / "config").write_text(f"[profile dev]\nca_bundle = {tmp_path}/server.pem\n")
    environ = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "HOME": str(tmp_path)}
    with self_signed(tmp_path) as url:
        done = aws_call.call(url, key, environ, "dev")
        without = aws_call.call(url, key, environ)
    assert done.stdout.startswith("AnswerMalformed: ")
    assert without.stdout.startswith("TlsFailed: ")


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("name", ["", " "])
def test_no_name_of_certificates_means_the_usual_ones(
    tmp_path: Path, key: AwsAccessKey, variable: str, name: str
) -> None:
    with self_signed(tmp_path) as url:
        done = aws_call.call(url, key, {variable: name, "HOME": str(tmp_path)})
    assert done.stdout.startswith("TlsFailed: ")


# ---- where a request goes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "sts.us-east-1.amazonaws.com"),
        ("eu-central-1", "sts.eu-central-1.amazonaws.com"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
    ],
)
def test_sts_is_asked_in_its_region(region: str, host: str) -> None:
    assert AwsClient("sts", region, None, {}).host == host


@pytest.mark.parametrize("region", ["eu central 1", "eu-central-1/../", "a@b", "x" * 100, "s3", "s3-1"])
def test_what_is_no_region_is_said_to_be_none(region: str) -> None:
    with pytest.raises(errors.RegionUnknown):
        AwsClient("sts", region, None, {})


def test_an_endpoint_that_boto3_refuses_is_told() -> None:
    with pytest.raises(errors.EndpointMalformed):
        AwsClient("sts", "eu-central-1", "no endpoint", {})


# ---- what other people's settings cannot do ----------------------------------------------------------


def poisoned(directory: Path, url: str) -> dict[str, str]:
    """Return an environment full of credentials, endpoints and files that are nobody's business."""
    (directory / "credentials").write_text(
        "[default]\naws_access_key_id = AKIAFOREIGN\naws_secret_access_key = foreign\n"
        "[dev]\naws_access_key_id = AKIAFOREIGN\naws_secret_access_key = foreign\n"
    )
    (directory / "config").write_text(
        f"[default]\nendpoint_url = {url}/default\ndefaults_mode = auto\n[profile broken]\nno setting\n"
        f"[profile dev]\nendpoint_url = {url}/dev\ncredential_process = touch {directory}/ran\n"
        "use_fips_endpoint = true\nmax_attempts = 7\n"
    )
    return {
        "HOME": str(directory),
        "AWS_CONFIG_FILE": str(directory / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(directory / "credentials"),
        "AWS_CREDENTIAL_FILE": str(directory / "credentials"),
        "AWS_ACCESS_KEY_ID": "AKIAFOREIGN",
        "AWS_SECRET_ACCESS_KEY": "foreign",
        "AWS_SESSION_TOKEN": "foreign",
        "AWS_PROFILE": "missing",
        "AWS_DEFAULT_PROFILE": "missing",
        "AWS_ENDPOINT_URL": f"{url}/poison",
        "AWS_ENDPOINT_URL_STS": f"{url}/poison",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{url}/imds",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/container",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(directory / "config"),
        "AWS_ROLE_ARN": ROLE,
        "AWS_DEFAULTS_MODE": "auto",
        "AWS_MAX_ATTEMPTS": "9",
        "AWS_RETRY_MODE": "adaptive",
        "AWS_STS_REGIONAL_ENDPOINTS": "legacy",
        "HTTP_PROXY": f"{url}/proxy",
        "http_proxy": f"{url}/proxy",
    }


@pytest.mark.parametrize("profile", [None, "dev"])
def test_no_credentials_or_settings_come_from_elsewhere(
    tmp_path: Path, aws: SimulatedAws, key: AwsAccessKey, profile: str | None
) -> None:
    with server(Reply(500)) as (poison, seen):
        done = aws_call.call(aws.url, key, poisoned(tmp_path, poison), profile)
    assert done.stdout == f"arn:aws:iam::{ACCOUNT}:user/alice\n", done.stderr
    assert [call.access_key_id for call in aws.calls] == [key.id]
    assert seen == []
    assert not (tmp_path / "ran").exists()


def test_a_failing_call_is_sent_once_whatever_the_environment_says(
    tmp_path: Path, aws: SimulatedAws, key: AwsAccessKey
) -> None:
    aws.fail_next("GetCallerIdentity", Fault.THROTTLING, times=9)
    with server(Reply(500)) as (poison, _):
        done = aws_call.call(aws.url, key, poisoned(tmp_path, poison))
    assert done.stdout.startswith("AwsBusy: ")
    assert len(aws.calls) == 1


@pytest.mark.parametrize("variable", ["HOME", "AWS_DATA_PATH"])
def test_no_file_leads_sts_to_another_host(tmp_path: Path, key: AwsAccessKey, variable: str) -> None:
    directory = tmp_path / (".aws/models" if variable == "HOME" else "") / "sts" / "2011-06-15"
    directory.mkdir(parents=True)
    with server(Reply(500)) as (elsewhere, stolen):
        rules = {
            "version": "1.0",
            "parameters": {},
            "rules": [{"conditions": [], "type": "endpoint", "endpoint": {"url": elsewhere}}],
        }
        (directory / "endpoint-rule-set-1.json").write_text(json.dumps(rules))
        proxy = f"http://127.0.0.1:{free_port()}"
        environ = {"HTTPS_PROXY": proxy, variable: str(tmp_path)}
        done = aws_call.call(None, key, {"HOME": "/nonexistent", **environ})
    assert stolen == []
    assert done.stdout == "Unreachable: cannot reach sts.eu-central-1.amazonaws.com: connection refused\n"


@pytest.mark.parametrize("endpoint_url", [None, "http://127.0.0.1:1"])
def test_only_the_confirmed_host_or_aws_s_is_sent_to(endpoint_url: str | None) -> None:
    client = AwsClient("sts", "eu-central-1", endpoint_url, {})

    def lead_astray(request: AWSRequest, **_: object) -> None:
        request.url = "https://sts.s3.amazonaws.com/"

    client._client.meta.events.register("request-created", lead_astray)
    with pytest.raises(
        errors.EndpointUnconfirmed, match=r"https://sts\.s3\.amazonaws\.com, which is not AWS's"
    ):
        client.call("get_caller_identity", KEY, {}, {})
    with pytest.raises(errors.EndpointUnconfirmed):
        client.date()


def test_nothing_of_a_proxy_s_password_is_told(key: AwsAccessKey, tmp_path: Path) -> None:
    proxies = (
        "http://user:hunt/er2@host",
        "http://user:hunter2@ho st:99999",
        "http://user:hunt#er2@host",
        "http://user:hunt?er2@host",
        "http://user:hunt\\er2@host",
        "http://user:hunt[er2@host",
        "http://user:hunt\u2100er2@host",
        "http://user:hunt\xe9r@127.0.0.1:1",
        "http://user:hunter2@127.0.0.1:1",
        "http://user:hunter2@",
        "socks5://user:hunter2@host",
        "user:hunt/er2@host",
    )
    done = aws_call.call(None, key, {"HOME": str(tmp_path), "PYTHONUTF8": "1"}, proxies=proxies)
    for proxy, said in zip(proxies, done.stdout.splitlines(), strict=True):
        assert said.startswith("Unreachable: cannot reach sts.eu-central-1.amazonaws.com: "), proxy
        assert not re.search("hunt|er2|\xe9", said.partition("amazonaws.com: ")[2]), proxy


def test_a_proxy_s_address_that_cannot_be_is_told(key: AwsAccessKey, tmp_path: Path) -> None:
    environ = {"HTTPS_PROXY": "http://user:hunt/er2@host", "HOME": str(tmp_path)}
    done = aws_call.call(None, key, environ)
    assert done.stdout.endswith(": its address or the proxy's is malformed\n")


def test_a_proxy_that_is_down_left_nothing(key: AwsAccessKey, tmp_path: Path) -> None:
    proxy = f"http://127.0.0.1:{free_port()}"
    configured = {"AWS_ENDPOINT_URL": f"{proxy}/configured", "AWS_ENDPOINT_URL_STS": f"{proxy}/configured"}
    done = aws_call.call(None, key, {"HTTPS_PROXY": proxy, "HOME": str(tmp_path), **configured})
    assert done.stdout == "Unreachable: cannot reach sts.eu-central-1.amazonaws.com: connection refused\n"


def test_a_proxy_that_refuses_left_nothing(key: AwsAccessKey, tmp_path: Path) -> None:
    with server(Reply(407)) as (proxy, _):
        done = aws_call.call(None, key, {"HTTPS_PROXY": proxy, "HOME": str(tmp_path)})
    assert done.stdout.startswith("Unreachable: cannot reach sts.eu-central-1.amazonaws.com: ")


def test_other_people_s_loggers_say_nothing(tmp_path: Path, aws: SimulatedAws, key: AwsAccessKey) -> None:
    done = aws_call.call(aws.url, key, {"HOME": str(tmp_path)})
    assert done.stdout == f"arn:aws:iam::{ACCOUNT}:user/alice\n"
    assert done.stderr == ""


# ---- what a client keeps -----------------------------------------------------------------------------


def test_after_a_call_the_client_holds_no_key(aws: SimulatedAws, key: AwsAccessKey) -> None:
    client = AwsClient("sts", "eu-central-1", aws.url, {})
    client.call("get_caller_identity", AccessKey(key.id, Secret(key.secret)), {}, {})
    assert client._call.keys.secret_key == "unset"
    assert client._call.keys.token is None


def test_threads_share_a_client_and_each_signs_as_its_own(aws: SimulatedAws) -> None:
    client = AwsClient("sts", "eu-central-1", aws.url, {})
    users = [aws.account(ACCOUNT).user(f"user{number}") for number in range(4)]
    keys = [user.access_key() for user in users]
    for key in keys:
        key.effective_from = 0

    def names(number: int) -> set[str]:
        signer = AccessKey(keys[number].id, Secret(keys[number].secret))
        return {client.call("get_caller_identity", signer, {}, {})["Arn"] for _ in range(20)}

    with ThreadPoolExecutor(len(users)) as threads:
        assert list(threads.map(names, range(len(users)))) == [{user.arn} for user in users]


def test_all_calls_share_one_connection() -> None:
    connections: list[object] = []
    clock = Clock()

    class Counting(AwsServer):
        def get_request(self) -> tuple[socket.socket, object]:
            connection = super().get_request()
            connections.append(connection)
            return connection

    with SimulatedAws(clock) as aws:
        key = aws.account(ACCOUNT).user("alice").access_key()
        counting = Counting(aws._answer, clock)
        counting.start()
        try:
            client = AwsClient("sts", "eu-central-1", counting.url, {})
            client.date()
            for _ in range(3):
                client.call("get_caller_identity", AccessKey(key.id, Secret(key.secret)), {}, {})
        finally:
            counting.stop()
    assert len(connections) == 1
