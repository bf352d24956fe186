"""`exec --server` by the installed command: SDKs as children, ends and signals, roles, touches."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from support.pcscd import missing
from support.pseudo_terminal import PseudoTerminal
from support.session_at_hand import forget_codes, session_at_hand
from support.world import BIN, World
from vaultpy.simulated.finger import PressedFinger, SteadyFinger

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
VAULTPY = str(BIN / "vaultpy")
PATIENCE_SECONDS = 30
SAY_VARIABLES = "import json, os; print(json.dumps(dict(os.environ)), flush=True)"
WAIT = f"{SAY_VARIABLES}; import time; time.sleep(60)"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide a world with a session at hand, so that no test waits for a finger."""
    with session_at_hand(World(tmp_path_factory.mktemp("world"), finger=SteadyFinger(0.1))) as world:
        yield world


def python(code: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", code)


def served(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    return world.vaultpy("exec", "--server", *words)


def start(world: World, *words: str, code: str = WAIT) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """Start `exec --server`; return it once its child runs, and the child's variables."""
    command = [VAULTPY, "exec", "--server", *words, *python(code)]
    process = subprocess.Popen(
        command, env=world.environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout
    return process, json.loads(process.stdout.readline())


def get(variables: dict[str, str], path: str | None = None) -> dict[str, Any]:
    """Ask the server as an SDK does; its refusal has the key `status`."""
    url = variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    if path is not None:
        url = f"http://{urlsplit(url).netloc}{path}"
    request = Request(url, headers={"Authorization": variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"]})  # noqa: S310  # ours
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=PATIENCE_SECONDS) as answer:
            document: dict[str, Any] = json.load(answer)
    except HTTPError as refusal:
        document = {**json.load(refusal), "status": refusal.code}
    return document


def is_open(variables: dict[str, str]) -> bool:
    port = urlsplit(variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"]).port
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port or 0)) == 0


def await_credentials(variables: dict[str, str], path: str | None = None) -> dict[str, Any]:
    """Ask until there are some; until then they are being fetched."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "AccessKeyId" not in (document := get(variables, path)):
        assert document["status"] == 503, document
        assert "they are being fetched" in document["message"]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return document


def await_refusal(variables: dict[str, str]) -> None:
    """Ask until the credentials have ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "status" not in get(variables):
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ---- what the command finds -----------------------------------------------------------------------------


def test_the_child_finds_a_server_and_no_key(world: World) -> None:
    poison = {"AWS_PROFILE": "x", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x", "AWS_SESSION_TOKEN": "x"}
    done = world.vaultpy("exec", "dev-role", "-s", *python(SAY_VARIABLES), env=world.environment | poison)
    assert done.returncode == 0, done.stderr
    variables = json.loads(done.stdout)
    assert {name for name in variables if name.startswith("AWS_")} == {
        "AWS_ACCOUNT_ID",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_VAULT",
    }
    assert variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"].startswith("http://127.0.0.1:")
    assert (variables["VAULTPY"], variables["AWS_REGION"]) == ("dev-role", "eu-central-1")


def test_boto3_is_the_role(world: World) -> None:
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    done = served(world, "dev-role", *python(code))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"arn:aws:sts::{world.alice.account.id}:assumed-role/dev/alice"


def test_nothing_secret_stands_in_an_argument_or_on_stderr(world: World) -> None:
    process, variables = start(world, "dev-role")
    with process:
        document = get(variables)
        secrets = [document["SecretAccessKey"], document["Token"]]
        secrets.append(variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
        words = Path(f"/proc/{process.pid}/cmdline").read_text()
        process.terminate()
    assert not any(secret in words for secret in secrets)
    done = world.vaultpy("--debug", "exec", "--server", "dev-role", *python("pass"))
    assert not any(secret in done.stderr for secret in secrets)


# ---- its end --------------------------------------------------------------------------------------------


def test_the_status_of_the_child_is_ours_and_the_server_ends_with_it(world: World) -> None:
    process, variables = start(world, "dev-role", code=f"{SAY_VARIABLES}; raise SystemExit(7)")
    with process:
        assert process.wait(PATIENCE_SECONDS) == 7
    assert not is_open(variables)


def test_a_signal_is_passed_on_and_the_child_s_end_by_it_is_our_status(world: World) -> None:
    process, variables = start(world, "dev-role")
    with process:
        assert get(variables)["AccountId"] == world.alice.account.id
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 128 + signal.SIGTERM
    assert not is_open(variables)


def test_killing_vaultpy_closes_the_port(world: World) -> None:
    until_then = "while os.getppid() == vaultpy: time.sleep(0.05)"
    code = f"import os, time; vaultpy = os.getppid(); {SAY_VARIABLES}\n{until_then}"
    process, variables = start(world, "dev-role", code=code)
    with process:
        assert is_open(variables)
        process.kill()
        process.wait(PATIENCE_SECONDS)
        assert not is_open(variables)


def test_ctrl_c_ends_the_child_and_then_us(world: World) -> None:
    words = [VAULTPY, "exec", "--server", "dev-role", "--", "sh", "-c", "echo ready; read line"]
    with PseudoTerminal(words, world.environment) as terminal:
        terminal.expect("ready")
        terminal.type("\x03")
        assert terminal.wait() in {-signal.SIGINT, 130}
    assert "Traceback" not in terminal.screen


def test_a_shell_is_told_that_its_credentials_last_and_is_warned_of_nothing(world: World) -> None:
    with PseudoTerminal(
        [VAULTPY, "exec", "-s", "dev-role"], world.environment | {"SHELL": "/bin/sh", "PS1": "$ "}
    ) as terminal:
        terminal.expect("whose credentials are renewed as long as it runs")
        terminal.type("test -z $AWS_ACCESS_KEY_ID && exit 3\n")
        assert terminal.wait() == 3


# ---- what is refused before a touch ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--server", "--direct", "dev-role", "--", "true"), "--direct wants a touch for each renewal"),
        (("--server", "--no-cache", "dev-role", "--", "true"), "--no-cache keeps no MFA session"),
        (("--ecs-server", "dev-role", "--", "true"), "no such option: --ecs-server; here it is --server"),
        (("--allow-role", "arn:aws:iam::1:role/x", "dev-role", "--", "true"), "--allow-role goes with"),
        (("--server", "--allow-role", "a b", "dev-role", "--", "true"), "a b is not the ARN of a role"),
    ],
)
def test_options_that_do_not_go_together_are_refused(world: World, words: tuple[str, ...], said: str) -> None:
    before = list(world.aws.calls)
    done = world.vaultpy("exec", *words)
    assert done.returncode == 125
    assert said in done.stderr
    assert world.aws.calls == before


def test_a_command_that_is_not_there_is_127_before_anything_else(world: World) -> None:
    before = list(world.aws.calls)
    done = served(world, "dev-role", "--", "no-such-command")
    assert (done.returncode, world.aws.calls) == (127, before)


def test_a_default_section_with_keys_of_its_own_is_refused_as_sdks_would_take_these(
    world: World, tmp_path: Path
) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text("[default]\naws_access_key_id = AKIAX\naws_secret_access_key = x\n")
    env = world.environment | {"AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    done = world.vaultpy("exec", "--server", "dev-role", "--", "true", env=env)
    assert done.returncode == 125
    assert "SDKs would take the credentials of [default] (its keys)" in done.stderr


def test_a_role_of_more_than_an_hour_is_cut_and_that_is_said_once(world: World) -> None:
    done = served(world, "--duration", "4h", "dev-role", "--", "true")
    assert done.returncode == 0
    assert done.stderr.count("AWS limits a role that another session assumes to 1h") == 1


# ---- roles ----------------------------------------------------------------------------------------------


def test_a_role_that_is_allowed_is_served_and_another_is_not(world: World) -> None:
    ops = world.alice.account.role("ops", requires_mfa=True)
    logs = world.alice.account.role("logs", requires_mfa=True)
    process, variables = start(world, "--allow-role", ops.arn, "dev-role")
    with process:
        document = await_credentials(variables, f"/role-arn/{ops.arn}")
        assert world.aws.session(document["AccessKeyId"]).principal.role is ops  # type: ignore[union-attr]  # of a role
        assert get(variables, f"/role-arn/{logs.arn}")["status"] == 404
        process.terminate()


def test_a_role_that_aws_refuses_is_told_to_the_person_and_to_whoever_asks(world: World) -> None:
    foreign = world.alice.account.role("foreign", trusts=["999999999999"])
    command = [VAULTPY, "exec", "--server", "--allow-role", foreign.arn, "dev-role", *python(WAIT)]
    with subprocess.Popen(
        command,
        env=world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        variables = json.loads(process.stdout.readline())
        while f"no new credentials of {foreign.arn} yet" not in (told := process.stderr.readline()):
            assert told
        assert f"AWS does not let {world.alice.arn}" in told
        document = get(variables, f"/role-arn/{foreign.arn}")
        assert document["status"] == 503
        assert "AWS does not let" in document["message"]
        assert "AccessKeyId" in get(variables)
        process.terminate()


# ---- touches --------------------------------------------------------------------------------------------


def test_without_any_place_for_sessions_one_touch_serves_all(world: World) -> None:
    ops = world.alice.account.role("more-ops", requires_mfa=True)
    touches = world.yubikey.calculations
    env = world.environment | {"VAULTPY_SESSIONS": "off"}
    forget_codes(world)
    code = (
        "import os, time, urllib.request as r, urllib.parse as p\n"
        "base = p.urlsplit(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI']).netloc\n"
        f"q = r.Request(f'http://{{base}}/role-arn/{ops.arn}',"
        " headers={'Authorization': os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN']})\n"
        "for _ in range(300):\n"
        "    try: r.urlopen(q); break\n"
        "    except r.HTTPError: time.sleep(0.05)\n"
        "else: raise SystemExit(1)\n"
    )
    done = world.vaultpy("exec", "--server", "--allow-role", ops.arn, "dev-role", *python(code), env=env)
    assert done.returncode == 0, done.stderr
    assert world.yubikey.calculations == touches + 1


def test_a_touch_that_is_due_is_asked_for_behind_the_command_and_requests_get_a_clean_error_until_then(
    tmp_path: Path,
) -> None:
    finger, ahead = PressedFinger(), [0]
    with World(tmp_path, finger=finger, clock=lambda: time.time() + ahead[0]) as world:
        world.enrol()
        code = world.device.code(time.time())
        words = ("exec", "-s", "--session-duration", "15m", "--mfa-token", code, "dev")
        with PseudoTerminal([VAULTPY, *words, *python(WAIT)], world.environment, size=(30, 4000)) as terminal:
            variables = json.loads(terminal.expect("}").splitlines()[-1])
            assert "AccessKeyId" in get(variables)
            ahead[0] = 14 * 60 + 58  # and its clock is known to be so far ahead
            offset = f"{ahead[0]}.000 {time.time():.0f}\n"
            (world.home / "state" / "vaultpy" / "ledger" / "clock-offset").write_text(offset)
            await_refusal(variables)
            terminal.expect("touch the YubiKey when it blinks, for a new MFA session of ")
            finger.wait_until_blinking()
            refusal = get(variables)
            assert refusal["status"] == 503
            assert "there are no credentials of dev now" in refusal["message"]
            assert "vaultpy exec dev --min-ttl 1h -- true" in refusal["message"]
            finger.press()
            terminal.expect("there is a new MFA session of ")
            await_credentials(variables)
            terminal.type("\x03")
            terminal.wait()
