"""`login`: whose credentials go to which sign-in, and a browser that comes out on the console's page."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import shutil
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import botocore
import pytest

from support.aws import Clock
from support.broking import Desk, role
from support.hurry import HurriedWorld
from support.pcscd import missing
from support.world import BIN, PASSPHRASE
from vaultpy import errors
from vaultpy.config import Config
from vaultpy.console_page import page_of
from vaultpy.credentials import AccessKey, Credentials
from vaultpy.execution import asked
from vaultpy.login import console_url, show
from vaultpy.plan import make_plan
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.world import World
    from vaultpy.credentials import LongTerm
    from vaultpy.plan import Plan
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.aws_fixtures"]
needs_pcscd = pytest.mark.skipif(missing() is not None, reason=str(missing()))
# scripts/setup leaves it out: the other tests of this file follow the same way, and it takes 300 MB.
needs_chromium = pytest.mark.skipif(
    not shutil.which("chromium"), reason="chromium is not installed (on Debian: apt-get install chromium)"
)
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
ROLE = "arn:aws:iam::123456789012:role/dev"
CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-default-apps --disable-dev-shm-usage "
    "'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' --user-data-dir={} --dump-dom"
)


# ---- what is asked of whom ------------------------------------------------------------------------------


class Run:
    """The objects of one run at a desk, which keep what they are asked."""

    def __init__(self, desk: Desk, config: str, **environ: str) -> None:
        (desk.directory / "config").write_text(f"[profile dev]\nregion = eu-central-1\n{config}")
        self.environ = desk.environ | environ
        self.config = Config.load(self.environ)
        self.index = desk.index
        self.signer: AccessKey | Credentials = AccessKey("AKIA", Secret("secret"))
        self.role_credentials = Credentials("ASIAROLE", Secret("s"), Secret("t"), 1)
        self.events: list[tuple[object, ...]] = []
        self.failure: errors.VaultpyError | None = None

    def credentials(self, plan: Plan, options: Mapping[str, str]) -> Credentials:
        """Note who is asked for."""
        self.events.append(("credentials", plan.profile.name, dict(options)))
        return self.role_credentials

    def access_key(self, plan: Plan) -> AccessKey | Credentials:
        """Open the keystore."""
        self.events.append(("keystore", plan.signer.name))
        return self.signer

    def federation_token(
        self, plan: Plan, signer: LongTerm, name: str, policy_arn: str, seconds: int
    ) -> Credentials:
        """Make a federated user's session."""
        assert isinstance(signer, AccessKey)
        self.events.append(("federation", signer.id, name, policy_arn, seconds))
        assert plan.profile.name == "dev"
        if self.failure:
            raise self.failure
        return Credentials("ASIAFED", Secret("s"), Secret("t"), 1)

    def signin_token(
        self, plan: Plan, endpoint: str, credentials: Credentials, seconds: int | None
    ) -> Secret:
        """Sign in."""
        assert plan.signer.name == "dev"
        self.events.append(("signin", endpoint, credentials.access_key_id, seconds))
        return Secret("a token/+=")

    def note(self, text: str) -> None:
        """Remember what was said."""
        self.events.append(("note", text))


@pytest.fixture
def desk(tmp_path: Path, aws: SimulatedAws, key: AwsAccessKey, device: MfaDevice) -> Desk:
    """Return alice's computer."""
    assert isinstance(aws.clock, Clock)
    return Desk(tmp_path, aws, key, device)


def test_a_role_signs_in_with_its_own_credentials(desk: Desk) -> None:
    run = Run(desk, role(ROLE))
    url = console_url(run, "role", {})
    assert run.events == [
        ("credentials", "role", {}),
        ("signin", "https://signin.aws.amazon.com", "ASIAROLE", None),
    ]
    parts = urlsplit(url.reveal())
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "signin.aws.amazon.com", "/federation")
    assert parse_qs(parts.query) == {
        "Action": ["login"],
        "Issuer": ["vaultpy"],
        "Destination": ["https://console.aws.amazon.com/console/home?region=eu-central-1"],
        "SigninToken": ["a token/+="],
    }


@pytest.mark.parametrize(
    ("more", "options", "seconds"),
    [
        ("", {"--duration": "8h"}, 8 * 3600),
        ("duration_seconds = 43200", {}, 43200),
        ("", {"--direct": ""}, None),  # an hour of it at hand may have been assumed with a session
        ("duration_seconds = 43200\nvaultpy_mfa = shared", {}, None),
    ],
)
def test_the_consoles_time_is_said_only_where_aws_surely_allows_it(
    desk: Desk, more: str, options: dict[str, str], seconds: int | None
) -> None:
    run = Run(desk, role(ROLE, more=more))
    console_url(run, "role", options)
    assert run.events[-1][-1] == seconds


def test_a_user_without_a_role_is_federated_under_a_policy_that_is_named(desk: Desk) -> None:
    run = Run(desk, "")
    console_url(run, "dev", {"--duration": "36h"})
    policy = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert run.events[0] == ("keystore", "dev")
    assert policy in str(run.events[1])
    assert "without MFA" in str(run.events[1])
    assert run.events[2:] == [
        ("federation", "AKIA", "alice", policy, 129600),
        ("signin", "https://signin.aws.amazon.com", "ASIAFED", None),
    ]


@pytest.mark.parametrize(
    ("policy", "arn"),
    [
        ("ReadOnlyAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ("job-function/Billing", "arn:aws:iam::aws:policy/job-function/Billing"),
        ("arn:aws:iam::123456789012:policy/mine", "arn:aws:iam::123456789012:policy/mine"),
    ],
)
def test_another_policy_can_be_named(desk: Desk, policy: str, arn: str) -> None:
    run = Run(desk, "")
    console_url(run, "dev", {"--policy": policy})
    assert run.events[2][3] == arn


def test_a_user_who_may_not_be_federated_is_shown_the_way_by_a_role(desk: Desk) -> None:
    run = Run(desk, "")
    run.failure = errors.AwsRefused(code="AccessDenied", reason="explicit deny")
    with pytest.raises(errors.FederationDenied, match="needs MFA") as caught:
        console_url(run, "dev", {})
    assert caught.value.hint.endswith("vaultpy login dev --role NAME")
    run.failure = errors.AwsRefused(code="PackedPolicyTooLarge", reason="")
    with pytest.raises(errors.AwsRefused):
        console_url(run, "dev", {})


def test_credentials_that_turn_out_to_be_temporary_sign_in_as_they_are(desk: Desk) -> None:
    run = Run(desk, "")
    run.signer = Credentials("ASIASSO", Secret("s"), Secret("t"), 1)
    console_url(run, "dev", {})
    assert run.events[1:] == [("signin", "https://signin.aws.amazon.com", "ASIASSO", None)]


@pytest.mark.parametrize(
    ("profile", "options", "said"),
    [
        ("role", {"--service": "s3", "--path": "s3/home"}, "exclude each other"),
        ("role", {"--service": "s3/../x"}, "not the name of a service"),
        ("role", {"--service": ""}, "not the name of a service"),
        ("role", {"--path": "https://example.com/"}, "what follows the host"),
        ("role", {"--path": "a b"}, "what follows the host"),
        ("role", {"--path": ""}, "what follows the host"),
        ("role", {"--path": "\\\\example.com"}, "what follows the host"),
        ("role", {"--policy": "ReadOnlyAccess"}, "for a profile without a role"),
        ("dev", {"--policy": "no such policy"}, "neither the name"),
        ("dev", {"--policy": ""}, "neither the name"),
        ("role", {"--region": "cn-north-1"}, "not of the partition"),
        ("role", {"--region": "nonsense"}, "--region nonsense is not written like a region"),
    ],
)
def test_what_makes_no_sense_is_said_before_anybody_is_asked(
    desk: Desk, profile: str, options: dict[str, str], said: str
) -> None:
    run = Run(desk, role(ROLE))
    with pytest.raises(errors.UsageError, match=said):
        console_url(run, profile, options)
    assert run.events == []


@pytest.mark.parametrize("url", ["https://signin.example.com", "http://127.0.0.1@example.com", "nonsense"])
def test_no_variable_leads_credentials_to_another_host(desk: Desk, url: str) -> None:
    run = Run(desk, role(ROLE), VAULTPY_SIGNIN_ENDPOINT=url)
    with pytest.raises(errors.BadVariable, match="VAULTPY_SIGNIN_ENDPOINT"):
        console_url(run, "role", {})
    assert run.events == []


# ---- which page -----------------------------------------------------------------------------------------


def page(desk: Desk, options: dict[str, str], arn: str = ROLE, **environ: str) -> tuple[str, str]:
    desk.plan(role(arn))
    variables = desk.environ | environ
    plan = make_plan(Config.load(variables), desk.index, "role", asked(options, "login"), variables)
    found = page_of(plan, options, variables)
    return found.destination, found.endpoint


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "console/home?region=eu-central-1"),
        ({"--service": "s3"}, "s3/home?region=eu-central-1"),
        ({"--path": "/s3/buckets/x?tab=objects"}, "s3/buckets/x?tab=objects&region=eu-central-1"),
        (
            {"--path": "cloudwatch/home#logsV2:log-groups"},
            "cloudwatch/home?region=eu-central-1#logsV2:log-groups",
        ),
        ({"--path": "ec2/home?region=us-west-2#Instances:"}, "ec2/home?region=us-west-2#Instances:"),
        ({"--path": "//example.com/x"}, "example.com/x?region=eu-central-1"),
        ({"--path": "@example.com"}, "@example.com?region=eu-central-1"),
        ({"--region": "us-west-2"}, "console/home?region=us-west-2"),
    ],
)
def test_the_page_is_the_one_that_is_named_in_its_region(
    desk: Desk, options: dict[str, str], path: str
) -> None:
    assert page(desk, options)[0] == f"https://console.aws.amazon.com/{path}"


@pytest.mark.parametrize(
    ("partition", "endpoint", "console"),
    [
        ("aws-cn", "signin.amazonaws.cn", "console.amazonaws.cn/console/home?region=cn-north-1"),
        (
            "aws-us-gov",
            "signin.amazonaws-us-gov.com",
            "console.amazonaws-us-gov.com/console/home?region=us-gov-west-1",
        ),
        (
            "aws-eusc",
            "eusc-de-east-1.signin.amazonaws-eusc.eu",
            "console.amazonaws-eusc.eu/console/home?region=eusc-de-east-1",
        ),
    ],
)
def test_each_partition_has_its_own_sign_in(desk: Desk, partition: str, endpoint: str, console: str) -> None:
    arn = ROLE.replace("arn:aws:", f"arn:{partition}:")
    found = page(desk, {}, arn, AWS_REGION="eu-west-1")
    assert found == (f"https://{console}", f"https://{endpoint}")


def test_every_partition_that_botocore_knows_is_known(desk: Desk) -> None:
    data = Path(botocore.__file__).parent / "data"
    rules = gzip.decompress((data / "signin/2023-01-01/endpoint-rule-set-1.json.gz").read_bytes()).decode()
    partitions = json.loads((data / "partitions.json").read_text())["partitions"]
    for partition in partitions:
        arn = ROLE.replace("arn:aws:", f"arn:{partition['id']}:")
        destination, endpoint = page(desk, {}, arn)
        domain = urlsplit(endpoint).netloc.partition("signin.")[2]
        assert f"{{Region}}.signin.{domain}" in rules, partition["id"]
        assert urlsplit(destination).netloc == f"console.{domain}"
        region = parse_qs(urlsplit(destination).query)["region"][0]
        assert region in partition["regions"] or partition["id"] == "aws"


# ---- the browser ----------------------------------------------------------------------------------------


class Address:
    """An address for which somebody comes after some looks."""

    url = "http://127.0.0.1:1/x"

    def __init__(self, clock: Clock, looks: int) -> None:
        self._clock = clock
        self._looks = looks

    def wait(self, seconds: float) -> bool:
        """Let the time pass."""
        self._looks -= 1
        self._clock.advance(seconds)
        return self._looks < 0


class Browser:
    """A browser that may have failed."""

    def __init__(self, reason: str | None = None) -> None:
        self._reason = reason

    def failure(self) -> str | None:
        """Say why."""
        return self._reason


def test_the_browser_gets_the_address_on_this_computer_and_is_waited_for() -> None:
    clock, opened = Clock(0), []

    def open_browser(address: str) -> Browser:
        opened.append(address)
        return Browser()

    show("dev", nullcontext(Address(clock, 10)), open_browser, clock=clock)
    assert opened == [Address.url]


def test_a_browser_that_fails_is_told_at_once() -> None:
    clock = Clock(0)
    with pytest.raises(errors.NoBrowser, match="xdg-open ended with status 3"):
        show(
            "dev",
            nullcontext(Address(clock, 10)),
            lambda _: Browser("xdg-open ended with status 3"),
            clock=clock,
        )
    assert clock.now < 1


def test_a_browser_that_never_comes_is_not_waited_for_for_ever() -> None:
    clock = Clock(0)
    with pytest.raises(errors.BrowserSilent, match="within 60 s"):
        show("dev", nullcontext(Address(clock, 10**6)), lambda _: Browser(), clock=clock)
    assert 60 <= clock.now < 61


# ---- the command ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a computer on which `dev` and `dev-role` are enrolled."""
    with HurriedWorld(tmp_path_factory.mktemp("login"), finger=SteadyFinger(0.1)) as world:
        world.enrol()
        yield world


def follow(url: str) -> tuple[int, str, str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, response.headers.get("Location", ""), text


@needs_pcscd
def test_a_proxy_that_may_read_a_roles_sign_in_alone_is_asked_about_too(world: World, tmp_path: Path) -> None:
    config = (world.home / ".aws" / "config").read_text()
    section = "[profile dev-role]\n"
    assert section in config
    bundled = tmp_path / "config"
    bundled.write_text(config.replace(section, f"{section}ca_bundle = {tmp_path}/company.pem\n"))
    environ = {
        "AWS_CONFIG_FILE": str(bundled),
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "VAULTPY_SIGNIN_ENDPOINT": "",
    }
    done = world.vaultpy("login", "dev-role", "--stdout", env=world.environment | environ)
    assert "the proxy 127.0.0.1:1 could read MFA codes and sessions" in done.stderr
    assert done.stdout == ""


@needs_pcscd
@pytest.mark.parametrize(
    ("profile", "who"),
    [("dev-role", "assumed-role/dev/alice"), ("dev", "federated-user/alice")],
)
def test_the_printed_address_is_the_console_of_the_profile(world: World, profile: str, who: str) -> None:
    done = world.vaultpy("login", profile, "--stdout", "--service", "s3")
    assert done.returncode == 0, done.stderr
    assert "keep it to yourself" in done.stderr
    assert "SigninToken" not in done.stderr
    [url] = done.stdout.splitlines()
    status, _, text = follow(url)
    assert status == 200
    assert f"sts::123456789012:{who} for" in text
    assert "at https://console.aws.amazon.com/s3/home?region=eu-central-1" in text


def browser_at(directory: Path, what: str) -> str:
    script = directory / "browser"
    script.write_text(f"#!/bin/sh\n{what}\n")
    script.chmod(0o700)
    return str(script)


@needs_pcscd
@needs_strace
def test_the_consoles_address_is_in_no_command_line_and_no_file(world: World, tmp_path: Path) -> None:
    fetch = (
        f"{BIN}/python -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())'"
    )
    browser = browser_at(
        tmp_path, f'env > {tmp_path}/env; {fetch} "$1" > {tmp_path}/page; touch {tmp_path}/done'
    )
    environment = world.with_key | {"BROWSER": browser, "VAULTPY_KEYSTORE_PASSPHRASE": PASSPHRASE}
    done = subprocess.run(
        [
            *(
                "strace",
                "-f",
                "--seccomp-bpf",
                "-s",
                "9999",
                "-e",
                "trace=execve,write",
                "-o",
                tmp_path / "trace",
            ),
            *(BIN / "vaultpy", "--debug", "login", "dev"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "the browser opens the console as dev" in done.stderr
    trace = (tmp_path / "trace").read_text()
    started = [line for line in trace.splitlines() if "execve(" in line and "http://127.0.0.1:" in line]
    assert started
    lines = [line for line in trace.splitlines() if "SigninToken=" in line and "write(" in line]
    assert "SigninToken=" not in done.stderr + "".join(started)
    assert lines == []  # sockets are written to by sendto; write is for files and terminals
    inherited = (tmp_path / "env").read_text()
    assert "AWS_" not in inherited
    assert "VAULTPY_" not in inherited
    assert world.access_key.secret not in inherited


@needs_pcscd
def test_the_browsers_address_leads_there_once(world: World, tmp_path: Path) -> None:
    browser = browser_at(
        tmp_path, f'echo "$1" > {tmp_path}/address.new; mv {tmp_path}/address.new {tmp_path}/address'
    )
    with subprocess.Popen(
        [BIN / "vaultpy", "login", "dev", "--region", "us-west-2"],
        env=world.environment | {"BROWSER": browser},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        address = tmp_path / "address"
        while process.poll() is None and not address.exists():
            os.sched_yield()
        url = address.read_text().strip()
        status, location, _ = follow(url)
        assert status == 302
        assert process.wait(30) == 0
    with pytest.raises(ConnectionRefusedError):
        follow(url)
    assert "region=us-west-2" in follow(location)[2]


@needs_pcscd
@needs_chromium
def test_chromium_comes_out_on_the_consoles_page(world: World, tmp_path: Path) -> None:
    chromium = CHROMIUM.format(tmp_path / "profile")
    browser = browser_at(
        tmp_path, f'{chromium} "$1" > {tmp_path}/page 2> /dev/null; mv {tmp_path}/page {tmp_path}/done'
    )
    done = world.vaultpy(
        "login", "dev-role", "--path", "ec2/home#Instances:", env=world.environment | {"BROWSER": browser}
    )
    assert done.returncode == 0, done.stderr
    page = tmp_path / "done"
    waiting = subprocess.run(
        ["timeout", "50", "sh", "-c", f"until test -e {page}; do sleep 0.1; done"], check=False
    )
    assert waiting.returncode == 0
    assert "assumed-role/dev/alice" in page.read_text()
    assert "https://console.aws.amazon.com/ec2/home?region=eu-central-1#Instances:" in page.read_text()
