"""botocore's providers, each on its own: real files, a real process, and loopback for what is a service."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from vaultpy import errors
from vaultpy.aws_sources import UNKNOWN_END_SECONDS, resolve, trusted_alone
from vaultpy.config import Config
from vaultpy.credentials import AccessKey, Credentials
from vaultpy.simulated.aws_server import AwsServer, Reply
from vaultpy.sources import foreign_source
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from vaultpy.simulated.sigv4 import HttpRequest

ROLE = "arn:aws:iam::123456789012:role/dev"
SECRET = "hidden-secret"
TOKEN = "hidden-token"
KEYS = f"aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = {SECRET}"
SOURCE = f"role_arn = {ROLE}\ncredential_source"
SSO = "sso_session = company\nsso_account_id = 123456789012\nsso_role_name = ReadOnly"
COMPANY = "[sso-session company]\nsso_start_url = https://company.example\nsso_region = eu-west-1\n"
END = 4102444800  # 2100-01-01
ISO_END = "2100-01-01T00:00:00Z"
PRINTED = {"Version": 1, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": SECRET, "SessionToken": TOKEN}
FROM_CONTAINER = {
    "AccessKeyId": "ASIAEXAMPLE",
    "SecretAccessKey": SECRET,
    "Token": TOKEN,
    "Expiration": ISO_END,
}
TEMPORARY = Credentials("ASIAEXAMPLE", Secret(SECRET), Secret(TOKEN), END)

ON_ITS_OWN = """
import os, sys
from vaultpy import aws_sources, config, errors, sources

source = sources.foreign_source(config.Config.load(os.environ).profile("x"), os.environ)
try:
    print(aws_sources.resolve(source, os.environ))
except errors.VaultpyError as error:
    print(f"{type(error).__name__}: {error}")
print(sys.stdin.read())
"""


class Computer:
    """A home with AWS's files, and an environment; `confirmed` are the endpoints that were asked about."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {"HOME": str(home), "PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}
        self.confirmed: list[str | None] = []
        self.confirm: Callable[[str | None, Mapping[str, str]], None] = lambda url, _: self.confirmed.append(
            url
        )
        (home / ".aws").mkdir()

    def write(self, config: str = "", *, credentials: str = "", more: str = "") -> None:
        """Write the files, in which profile `x` has these lines."""
        (self.home / ".aws/config").write_text(f"[profile x]\n{config}\n{more}\n")
        (self.home / ".aws/credentials").write_text(f"[x]\n{credentials}\n" if credentials else "")

    def resolve(self, config: str = "", *, credentials: str = "", more: str = "") -> AccessKey | Credentials:
        """Resolve profile `x`, which has these lines."""
        self.write(config, credentials=credentials, more=more)
        source = foreign_source(Config.load(self.environ).profile("x"), self.environ)
        assert source is not None
        return resolve(source, self.environ, self.confirm)

    def in_a_process(self, stdin: str = "") -> list[str]:
        """Resolve profile `x` in a process of its own: what came of it, and the input that is left."""
        done = subprocess.run(
            [sys.executable, "-c", ON_ITS_OWN],
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **self.environ},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert SECRET not in done.stdout + done.stderr
        return done.stdout.splitlines()

    def script(self, body: str) -> str:
        """Return the command that runs a new Python script."""
        path = self.home / "get-keys"
        path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{body}\n")
        path.chmod(0o700)
        return shlex.quote(str(path))

    def log_in(self, expires: str = ISO_END, **more: object) -> None:
        """Leave the token that `aws sso login` leaves for the session `company`."""
        cache = self.home / ".aws/sso/cache"
        cache.mkdir(parents=True)
        token = {"startUrl": "https://company.example", "region": "eu-west-1"}
        token |= {"accessToken": "access-hidden", "expiresAt": expires, **more}  # type: ignore[dict-item]
        (cache / f"{hashlib.sha1(b'company').hexdigest()}.json").write_text(json.dumps(token))  # noqa: S324  # the AWS CLI's name for it


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    """Return somebody's computer."""
    return Computer(tmp_path)


class Service:
    """A server on loopback that gives these replies and keeps what it was asked."""

    def __init__(self) -> None:
        self.server = AwsServer(self.answer, time.time)
        self.requests: list[HttpRequest] = []
        self.replies: list[Reply | None] = []

    def answer(self, request: HttpRequest) -> Reply | None:
        """Give the next of `replies`; the last one again and again."""
        self.requests.append(request)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.fixture
def service() -> Iterator[Service]:
    """Serve `replies`."""
    made = Service()
    made.server.start()
    yield made
    made.server.stop()


def as_json(content: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


def failure(of: Callable[[], object], kind: type[errors.VaultpyError]) -> str:
    """Return the message of the error, which tells nothing else of what led to it."""
    with pytest.raises(kind) as told:
        of()
    error = told.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "hidden" not in f"{error!r} {error.message} {error.hint}"
    return error.message


# ---- keys in the files and in the environment ------------------------------------------------------------


@pytest.mark.parametrize(("config", "credentials"), [(KEYS, ""), ("", KEYS)])
def test_plain_keys_are_an_access_key(computer: Computer, config: str, credentials: str) -> None:
    assert computer.resolve(config, credentials=credentials) == AccessKey("AKIAEXAMPLE", Secret(SECRET))


def test_plain_keys_with_a_token_count_as_ending_soon_since_nobody_says_when(computer: Computer) -> None:
    before = int(time.time())
    found = computer.resolve(f"{KEYS}\naws_session_token = {TOKEN}")
    assert isinstance(found, Credentials)
    assert (found.access_key_id, found.secret_access_key, found.session_token) == (
        "AKIAEXAMPLE",
        Secret(SECRET),
        Secret(TOKEN),
    )
    assert before + UNKNOWN_END_SECONDS <= found.expiration <= time.time() + UNKNOWN_END_SECONDS


def test_a_plain_key_without_its_secret_is_told(computer: Computer) -> None:
    told = failure(lambda: computer.resolve("aws_access_key_id = AKIAEXAMPLE"), errors.SourceFailed)
    assert told == "profile x gets no credentials from plain keys: aws_secret_access_key is missing"


def test_what_no_environment_can_hold_is_no_secret(computer: Computer) -> None:
    told = failure(lambda: computer.resolve(f"{KEYS}\n  \u00e9"), errors.SourceFailed)
    assert "nothing that an environment can hold" in told


def test_the_environment_gives_what_it_holds(computer: Computer) -> None:
    computer.environ |= {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}
    assert computer.resolve(f"{SOURCE} = Environment") == AccessKey("AKIAEXAMPLE", Secret(SECRET))
    computer.environ |= {"AWS_SESSION_TOKEN": TOKEN, "AWS_CREDENTIAL_EXPIRATION": ISO_END}
    found = computer.resolve(f"{SOURCE} = Environment")
    assert found == Credentials("AKIAEXAMPLE", Secret(SECRET), Secret(TOKEN), END)


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({}, "AWS_ACCESS_KEY_ID is not set"),
        ({"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE"}, "AWS_SECRET_ACCESS_KEY is missing"),
    ],
)
def test_an_environment_without_keys_is_told(
    computer: Computer, environ: dict[str, str], reason: str
) -> None:
    computer.environ |= environ
    told = failure(lambda: computer.resolve(f"{SOURCE} = Environment"), errors.SourceFailed)
    assert told == f"profile x gets no credentials from the environment: {reason}"


def test_credentials_that_have_ended_are_told(computer: Computer) -> None:
    computer.environ |= {"AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}
    computer.environ |= {"AWS_SESSION_TOKEN": TOKEN, "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"}
    told = failure(lambda: computer.resolve(f"{SOURCE} = Environment"), errors.SourceFailed)
    assert told.endswith("those that it gives have ended")


# ---- credential_process ----------------------------------------------------------------------------------


def test_a_process_prints_temporary_credentials(computer: Computer) -> None:
    command = computer.script(f"print(json.dumps({PRINTED | {'Expiration': ISO_END}}))")
    assert computer.resolve(f"credential_process = {command}") == TEMPORARY


def test_a_process_that_prints_a_long_term_key_gives_an_access_key(computer: Computer) -> None:
    printed = {"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": SECRET}
    command = computer.script(f"print(json.dumps({printed}))")
    found = computer.resolve(f"credential_process = {command}")
    assert found == AccessKey("AKIAEXAMPLE", Secret(SECRET))


def test_a_process_is_run_once_even_for_credentials_that_end_soon(computer: Computer) -> None:
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 300))
    command = computer.script(
        f"""print('run', file=open('{computer.home}/runs', 'a'))
print(json.dumps({PRINTED | {"Expiration": end}}))"""
    )
    computer.resolve(f"credential_process = {command}")
    assert (computer.home / "runs").read_text() == "run\n"


def test_a_process_gets_its_words_and_the_environment_without_the_passphrase(computer: Computer) -> None:
    computer.environ |= {
        "VAULTPY_KEYSTORE_PASSPHRASE": "hidden",
        "VAULTPY_KEYSTORE_PASSPHRASE_FILE": "/hidden",
    }
    computer.environ["MINE"] = "kept"
    command = computer.script(
        f"""json.dump([sys.argv[1:], dict(os.environ)], open('{computer.home}/seen', 'w'))
print(json.dumps({PRINTED}))"""
    )
    computer.resolve(f"credential_process = {command} 'a b' c")
    words, environ = json.loads((computer.home / "seen").read_text())
    assert words == ["a b", "c"]
    assert environ["MINE"] == "kept"
    assert not [value for value in environ.values() if "hidden" in value]


def test_a_process_leaves_the_input_of_the_command_alone(computer: Computer) -> None:
    command = computer.script(f"sys.stdin.read()\nprint(json.dumps({PRINTED | {'Expiration': ISO_END}}))")
    computer.write(f"credential_process = {command}")
    assert computer.in_a_process(stdin="for the command") == [repr(TEMPORARY), "for the command"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("print('hidden', file=sys.stderr)\nsys.exit(3)", "it ended with status 3"),
        ("print('hidden')", "what it printed is not what AWS's SDKs want"),
        ('print(\'{"Version": 2, "AccessKeyId": "hidden"}\')', "what it printed is not what AWS's SDKs want"),
        ("print('{\"Version\": 1}')", "what it printed is not what AWS's SDKs want"),
        ("print('[]')", "what it printed is not what AWS's SDKs want"),
        ("os.write(1, b'\\xff')", "what it printed is not what AWS's SDKs want"),
    ],
)
def test_a_process_that_fails_is_told_by_its_first_word_alone(
    computer: Computer, body: str, reason: str
) -> None:
    command = computer.script(body)
    told = failure(
        lambda: computer.resolve(f"credential_process = {command} --password hidden"), errors.SourceFailed
    )
    assert told == f"profile x gets no credentials from credential_process {command}: {reason}"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("no-such-program hidden", "credential_process no-such-program: No such file or directory"),
        ("'hidden", "credential_process: its words cannot be told apart"),
    ],
)
def test_a_command_that_cannot_be_started_is_told(computer: Computer, command: str, reason: str) -> None:
    told = failure(lambda: computer.resolve(f"credential_process = {command}"), errors.SourceFailed)
    assert told.endswith(reason)


def test_a_process_that_leads_back_to_its_profile_is_not_started_again(computer: Computer) -> None:
    command = computer.script(
        f"""open('{computer.home}/asking', 'w').write(os.environ['VAULTPY_ASKING'])
print(json.dumps({PRINTED}))"""
    )
    computer.environ["VAULTPY_ASKING"] = "another"
    computer.resolve(f"credential_process = {command}")
    asking = computer.environ["VAULTPY_ASKING"] = (computer.home / "asking").read_text()
    assert asking == "another\nx"
    told = failure(lambda: computer.resolve(f"credential_process = {command}"), errors.SourceFailed)
    assert told.endswith("it asks vaultpy for this very profile")


def test_an_included_process_is_run(computer: Computer) -> None:
    command = computer.script(f"print(json.dumps({PRINTED | {'Expiration': ISO_END}}))")
    more = f"[profile y]\ncredential_process = {command}"
    assert computer.resolve("include_profile = y", more=more) == TEMPORARY


# ---- Identity Center -------------------------------------------------------------------------------------


def role_credentials(end: int = END) -> Reply:
    keys = {"accessKeyId": "ASIAEXAMPLE", "secretAccessKey": SECRET, "sessionToken": TOKEN}
    return as_json({"roleCredentials": {**keys, "expiration": end * 1000}})


def test_identity_center_gives_the_role_of_the_account(computer: Computer, service: Service) -> None:
    computer.log_in()
    computer.environ["AWS_ENDPOINT_URL_SSO"] = service.server.url
    service.replies = [role_credentials()]
    assert computer.resolve(SSO, more=COMPANY) == TEMPORARY
    (request,) = service.requests
    assert "role_name=ReadOnly" in request.target
    assert "account_id=123456789012" in request.target
    assert dict(request.headers)["x-amz-sso_bearer_token"] == "access-hidden"
    assert computer.confirmed == [service.server.url, None]


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_no_name_of_certificates_is_no_mistake_of_identity_centers_either(
    computer: Computer, service: Service, variable: str
) -> None:
    computer.log_in()
    computer.write(f"{SSO}\nca_bundle =", more=COMPANY)
    computer.environ |= {"AWS_ENDPOINT_URL_SSO": service.server.url, variable: ""}
    service.replies = [role_credentials()]
    assert computer.in_a_process()[0] == repr(TEMPORARY)


def test_identity_center_in_the_old_form_needs_no_section_of_its_own(
    computer: Computer, service: Service
) -> None:
    computer.log_in()
    cache = computer.home / ".aws/sso/cache"
    (old,) = cache.iterdir()
    old.rename(cache / f"{hashlib.sha1(b'https://company.example').hexdigest()}.json")  # noqa: S324  # the AWS CLI's name for it
    computer.environ["AWS_ENDPOINT_URL_SSO"] = service.server.url
    service.replies = [role_credentials()]
    settings = SSO.replace("sso_session = company", COMPANY.partition("\n")[2])
    assert computer.resolve(settings) == TEMPORARY


def test_a_role_of_identity_center_may_be_included(computer: Computer, service: Service) -> None:
    computer.log_in()
    computer.environ["AWS_ENDPOINT_URL_SSO"] = service.server.url
    service.replies = [role_credentials()]
    assert computer.resolve("include_profile = y", more=f"{COMPANY}[profile y]\n{SSO}") == TEMPORARY


def test_a_token_is_renewed_where_the_aws_cli_finds_it(computer: Computer, service: Service) -> None:
    registration = {"clientId": "c", "clientSecret": "hidden", "refreshToken": "hidden-1"}
    computer.log_in("2020-01-01T00:00:00Z", registrationExpiresAt=ISO_END, **registration)
    computer.environ["AWS_ENDPOINT_URL"] = service.server.url
    renewed = {"accessToken": "access-new", "expiresIn": 3600, "refreshToken": "hidden-2"}
    service.replies = [as_json(renewed), role_credentials()]
    assert computer.resolve(SSO, more=COMPANY) == TEMPORARY
    (kept,) = (computer.home / ".aws/sso/cache").iterdir()
    token = json.loads(kept.read_text())
    assert (token["accessToken"], token["refreshToken"]) == ("access-new", "hidden-2")
    assert token["expiresAt"].endswith("Z")


def log_in_expired(computer: Computer) -> None:
    computer.log_in("2020-01-01T00:00:00Z")


def log_in_damaged(computer: Computer) -> None:
    computer.log_in()
    (token,) = (computer.home / ".aws/sso/cache").iterdir()
    token.write_text("{")


@pytest.mark.parametrize("login", [lambda _: None, log_in_expired, log_in_damaged])
def test_without_a_login_that_holds_the_hint_is_to_log_in(
    computer: Computer, login: Callable[[Computer], None]
) -> None:
    login(computer)
    with pytest.raises(errors.SsoLoginNeeded) as told:
        computer.resolve(SSO, more=COMPANY)
    assert told.value.__context__ is None
    assert told.value.hint.endswith("aws sso login --profile x")


def test_a_login_that_aws_no_longer_takes_needs_another(computer: Computer, service: Service) -> None:
    computer.log_in()
    computer.environ["AWS_ENDPOINT_URL"] = service.server.url
    refused = as_json({"message": "hidden"}, 401)
    refused.headers["x-amzn-ErrorType"] = "UnauthorizedException"
    service.replies = [refused]
    failure(lambda: computer.resolve(SSO, more=COMPANY), errors.SsoLoginNeeded)


def test_a_role_that_the_login_may_not_have_is_told(computer: Computer, service: Service) -> None:
    computer.log_in()
    computer.environ["AWS_ENDPOINT_URL"] = service.server.url
    refused = as_json({"message": "hidden"}, 403)
    refused.headers["x-amzn-ErrorType"] = "ForbiddenException"
    service.replies = [refused]
    told = failure(lambda: computer.resolve(SSO, more=COMPANY), errors.SourceFailed)
    assert told == "profile x gets no credentials from Identity Center: AWS refused: ForbiddenException"


@pytest.mark.parametrize(
    ("settings", "company", "reason"),
    [
        (SSO, "", "the specified sso-session does not exist"),
        (SSO.rpartition("\n")[0], COMPANY, "missing required configuration: sso_role_name"),
    ],
)
def test_settings_that_do_not_suffice_are_told(
    computer: Computer, settings: str, company: str, reason: str
) -> None:
    told = failure(lambda: computer.resolve(settings, more=company), errors.SourceFailed)
    assert reason in told


def test_a_region_that_is_none_never_becomes_part_of_a_host(computer: Computer) -> None:
    computer.log_in()
    more = COMPANY.replace("eu-west-1", "s3")
    failure(lambda: computer.resolve(SSO, more=more), errors.RegionUnknown)


def test_no_token_goes_to_an_endpoint_that_is_not_confirmed(computer: Computer, service: Service) -> None:
    def refuse(url: str | None, _: Mapping[str, str]) -> None:
        raise errors.EndpointUnconfirmed(host=url)

    computer.log_in()
    computer.environ["AWS_ENDPOINT_URL_SSO"] = service.server.url
    computer.confirm = refuse
    with pytest.raises(errors.EndpointUnconfirmed):
        computer.resolve(SSO, more=COMPANY)
    assert service.requests == []


def test_without_a_person_to_ask_only_aws_and_this_computer_get_tokens(computer: Computer) -> None:
    computer.log_in()
    computer.environ["AWS_ENDPOINT_URL_SSO"] = "https://sso.example.com"
    computer.confirm = trusted_alone
    failure(lambda: computer.resolve(SSO, more=COMPANY), errors.EndpointUnconfirmed)


def test_an_endpoint_on_this_computer_is_asked_as_it_stands(computer: Computer, service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        computer.environ["HTTP_PROXY"] = f"http://127.0.0.1:{closed.getsockname()[1]}"
    computer.environ |= {"AWS_ENDPOINT_URL_SSO": service.server.url, "AWS_USE_FIPS_ENDPOINT": "true"}
    computer.log_in()
    computer.write(SSO, more=COMPANY)
    service.replies = [role_credentials()]
    assert computer.in_a_process()[0] == repr(TEMPORARY)


def test_no_file_leads_a_token_to_another_host(computer: Computer, service: Service) -> None:
    rules = {
        "version": "1.0",
        "parameters": {},
        "rules": [{"conditions": [], "type": "endpoint", "endpoint": {"url": service.server.url}}],
    }
    model = computer.home / ".aws/models/sso/2019-06-10"
    model.mkdir(parents=True)
    (model / "endpoint-rule-set-1.json").write_text(json.dumps(rules))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        computer.environ["HTTPS_PROXY"] = f"http://127.0.0.1:{closed.getsockname()[1]}"
    computer.log_in()
    computer.write(SSO, more=COMPANY)
    service.replies = [role_credentials()]
    told, _ = computer.in_a_process()
    assert service.requests == []
    assert told == "Unreachable: cannot reach portal.sso.eu-west-1.amazonaws.com: connection refused"


def test_a_service_that_cannot_be_reached_is_named(computer: Computer, service: Service) -> None:
    computer.log_in()
    computer.environ["AWS_ENDPOINT_URL"] = service.server.url
    service.replies = [None]
    told = failure(lambda: computer.resolve(SSO, more=COMPANY), errors.Unreachable)
    assert told.startswith("cannot reach 127.0.0.1: ")


# ---- web identity ----------------------------------------------------------------------------------------

ASSUMED = f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/dev/x</Arn>
<AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId>
<SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{TOKEN}</SessionToken>
<Expiration>{ISO_END}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>""".encode()
NOT_ASSUMED = b"""<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>
<Message>hidden</Message></Error></ErrorResponse>"""


@pytest.fixture
def web_identity(computer: Computer, service: Service) -> str:
    """Return the settings of a profile with a web identity, whose STS is `service`."""
    (computer.home / "jwt").write_text("hidden-jwt")
    computer.environ["AWS_ENDPOINT_URL_STS"] = service.server.url
    return f"role_arn = {ROLE}\nweb_identity_token_file = {computer.home}/jwt\nrole_session_name = alice"


def test_a_web_identity_becomes_its_role(computer: Computer, service: Service, web_identity: str) -> None:
    service.replies = [Reply(200, ASSUMED, {"Content-Type": "text/xml"})]
    assert computer.resolve(web_identity) == TEMPORARY
    (request,) = service.requests
    sent = parse_qs(request.body.decode())
    assert sent["WebIdentityToken"] == ["hidden-jwt"]
    assert (sent["RoleArn"], sent["RoleSessionName"]) == ([ROLE], ["alice"])
    assert "authorization" not in {name.lower() for name, _ in request.headers}
    assert computer.confirmed == [service.server.url]


def test_a_web_identity_that_aws_refuses_is_told(
    computer: Computer, service: Service, web_identity: str
) -> None:
    service.replies = [Reply(400, NOT_ASSUMED, {"Content-Type": "text/xml"})]
    told = failure(lambda: computer.resolve(web_identity), errors.SourceFailed)
    assert told == "profile x gets no credentials from a web identity: AWS refused: ExpiredTokenException"


def test_a_web_identity_without_its_file_or_role_is_told(computer: Computer, web_identity: str) -> None:
    (computer.home / "jwt").unlink()
    told = failure(lambda: computer.resolve(web_identity), errors.SourceFailed)
    assert told.endswith("No such file or directory")
    told = failure(lambda: computer.resolve(web_identity.partition("\n")[2]), errors.SourceFailed)
    assert "no role ARN configured" in told


# ---- the machine's own -----------------------------------------------------------------------------------


def test_a_container_gives_what_its_endpoint_says(computer: Computer, service: Service) -> None:
    computer.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{service.server.url}/creds"
    computer.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "hidden"
    service.replies = [as_json(FROM_CONTAINER)]
    assert computer.resolve(f"{SOURCE} = EcsContainer") == TEMPORARY
    (request,) = service.requests
    assert request.target == "/creds"
    assert dict(request.headers)["Authorization"] == "hidden"


def test_a_container_without_an_endpoint_is_told(computer: Computer) -> None:
    told = failure(lambda: computer.resolve(f"{SOURCE} = EcsContainer"), errors.SourceFailed)
    assert "no AWS_CONTAINER_CREDENTIALS_FULL_URI" in told


def test_an_answer_of_a_containers_that_makes_no_sense_is_told(computer: Computer, service: Service) -> None:
    computer.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{service.server.url}/creds"
    service.replies = [as_json({"AccessKeyId": "hidden"})]
    told = failure(lambda: computer.resolve(f"{SOURCE} = EcsContainer"), errors.SourceFailed)
    assert told == "profile x gets no credentials from the container: its answer makes no sense"


class Metadata(BaseHTTPRequestHandler):
    """The instance's metadata, version 2."""

    def do_PUT(self) -> None:
        """Hand out the token of a session."""
        self._send("the-session")

    def do_GET(self) -> None:
        """Name the role, then give its credentials."""
        assert self.headers["x-aws-ec2-metadata-token"] == "the-session"
        self._send(json.dumps({"Code": "Success", **FROM_CONTAINER}) if self.path.endswith("/box") else "box")

    def _send(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:  # noqa: ANN401  # the base class's
        """Say nothing."""


def test_an_instance_gives_its_role(computer: Computer) -> None:
    del computer.environ["AWS_EC2_METADATA_DISABLED"]
    with ThreadingHTTPServer(("127.0.0.1", 0), Metadata) as server:
        Thread(target=server.serve_forever, args=(0.05,)).start()
        endpoint = f"ec2_metadata_service_endpoint = http://127.0.0.1:{server.server_port}/"
        found = computer.resolve(f"{SOURCE} = Ec2InstanceMetadata\n{endpoint}")
        server.shutdown()
    assert found == TEMPORARY


def test_a_machine_without_a_role_is_told(computer: Computer) -> None:
    told = failure(lambda: computer.resolve(f"{SOURCE} = Ec2InstanceMetadata"), errors.SourceFailed)
    assert told.endswith("there is no answer, or no role")


# ---- the files -------------------------------------------------------------------------------------------


def test_files_that_botocore_cannot_read_are_told(computer: Computer) -> None:
    told = failure(lambda: computer.resolve(KEYS, more="[profile y]\nno setting"), errors.SourceFailed)
    assert told.endswith(f"botocore cannot read {computer.home}/.aws/config")
