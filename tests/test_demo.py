"""The demo by the installed command, and the stage that it plays on."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from support.pseudo_terminal import PseudoTerminal
from vaultpy.demo.stage import Stage

if TYPE_CHECKING:
    from vaultpy.simulated.aws import Call

VAULTPY = str(Path(sys.executable).parent / "vaultpy")
ARN = "arn:aws:sts::123456789012:assumed-role/dev/alice"
PROMPT = "touch the YubiKey: arn:aws:iam::123456789012:role/dev for dev-role"
# What a user may have set for other things; each would lead a real run elsewhere.
ELSEWHERE = {
    "AWS_ACCESS_KEY_ID": "AKIAELSEWHERE0000000",
    "AWS_CONFIG_FILE": "/nonexistent/config",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
    "AWS_MFA_SERIAL": "arn:aws:iam::123456789012:mfa/elsewhere",
    "AWS_PROFILE": "elsewhere",
    "AWS_REGION": "nowhere-1",
    "AWS_SECRET_ACCESS_KEY": "elsewhere",
    "AWS_VAULT": "elsewhere",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent/bus",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "PCSCLITE_CSOCK_NAME": "/nonexistent/pcscd",
    "VAULTPY": "elsewhere",
    "VAULTPY_KEYSTORE": "system",
    "VAULTPY_KEYSTORE_FILE": "/nonexistent/keystore",
    "VAULTPY_KEYSTORE_PASSPHRASE_FILE": "/nonexistent/passphrase",
    "VAULTPY_READER": "elsewhere",
    "VAULTPY_SESSIONS": "kernel",
    "VAULTPY_YUBIKEY": "1",
    "http_proxy": "http://127.0.0.1:9",
}


def computer(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a user with AWS's config at home and a directory for temporary files."""
    (tmp_path / "home" / ".aws").mkdir(parents=True)
    (tmp_path / "home" / ".aws" / "config").write_text("[profile mine]\nregion = eu-west-1\n")
    (tmp_path / "tmp").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Provide such an environment."""
    return computer(tmp_path)


def contents(environment: dict[str, str]) -> dict[str, bytes]:
    """Return the files and directories at home and among the temporary files; these have no content."""
    places = [Path(environment["HOME"]), Path(environment["TMPDIR"])]
    found = [path for place in places for path in place.rglob("*")]
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in found}


def without_terminal(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [VAULTPY, "demo", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )


def at_a_terminal(
    environment: dict[str, str], *words: str, size: tuple[int, int] = (40, 100), stdout: int | None = None
) -> PseudoTerminal:
    return PseudoTerminal([VAULTPY, "demo", *words], environment, size=size, stdout=stdout)


class Played(NamedTuple):
    """A demo that was played to its end: its status and output, and the files of its user around it."""

    status: int
    stdout: str
    told: str
    before: dict[str, bytes]
    after: dict[str, bytes]


# ---- by itself, without a terminal -----------------------------------------------------------------------


def played(directory: Path, variables: dict[str, str], *words: str) -> Played:
    environment = computer(directory)
    before = contents(environment)
    done = without_terminal(environment | variables, "--yes", *words)
    return Played(done.returncode, done.stdout, done.stderr, before, contents(environment))


@pytest.fixture(scope="module")
def misled(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Play it where everything that its caller has set would lead elsewhere."""
    return played(tmp_path_factory.mktemp("misled"), ELSEWHERE)


def test_what_the_caller_has_set_leads_nowhere_else(misled: Played) -> None:
    assert misled.status == 0, misled.told
    assert json.loads(misled.stdout)["Arn"] == ARN


def test_it_touches_by_itself_and_only_the_commands_output_is_on_stdout(misled: Played) -> None:
    assert set(json.loads(misled.stdout)) == {"UserId", "Account", "Arn"}
    assert PROMPT in misled.told
    assert "\x1b" not in misled.told


def test_nothing_is_left_behind_and_nothing_of_the_users_is_touched(misled: Played) -> None:
    assert misled.after == misled.before


def test_the_simulated_aws_tells_what_it_verified_and_nothing_of_what_the_command_asks(
    misled: Played,
) -> None:
    calls = [line.split()[1] for line in misled.told.splitlines() if line.startswith("   AWS ")]
    assert calls == ["GetCallerIdentity:", "ListMFADevices:", "GetSessionToken:", "AssumeRole:"]


COMMAND = (
    "sh",
    "-c",
    "echo $0 $1 $2 $AWS_VAULT; env; ls /proc/self/fd | wc -l; exit 3",
    "a b",
    "-y",
    "--yes",
)


@pytest.fixture(scope="module")
def commanded(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Play it with a command of the user's."""
    return played(tmp_path_factory.mktemp("commanded"), {}, "--", *COMMAND)


def test_each_step_says_what_is_simulated_and_how_it_is_done_for_real(commanded: Played) -> None:
    _, *steps = commanded.told.split("\n\n")
    numbered = [step for step in steps if step[:3] in {"1  ", "2  ", "3  "}]
    assert len(numbered) == 3
    assert all("   simulated  " in step and "   for real   " in step for step in numbered)
    assert f"vaultpy exec dev-role -- {shlex.join(COMMAND)}" in " ".join(
        commanded.told.replace("\\\n", "").split()
    )
    assert commanded.told.endswith("docs/start.md leads from nothing to the first exec for real\n")


def test_the_users_command_keeps_its_options_and_its_status(commanded: Played) -> None:
    assert commanded.status == 3
    assert commanded.stdout.startswith("a b -y --yes dev-role\n")
    assert "done: 1 touch, the command's status 3;" in commanded.told


def test_neither_secret_nor_passphrase_nor_pipe_reaches_the_command(commanded: Played) -> None:
    variables = dict(line.split("=", 1) for line in commanded.stdout.splitlines() if "=" in line)
    assert variables["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert "VAULTPY_KEYSTORE_PASSPHRASE" not in variables
    assert int(commanded.stdout.splitlines()[-1]) == 4, "stdin, stdout, stderr, and what ls itself opens"


# ---- at a terminal ---------------------------------------------------------------------------------------


def test_enter_is_the_finger_and_the_command_is_the_role_in_colours(environment: dict[str, str]) -> None:
    with at_a_terminal(environment) as terminal:
        terminal.expect("press Enter: your finger on the key")
        terminal.expect(PROMPT)
        terminal.expect("s left")
        terminal.type("\r")
        assert terminal.wait() == 0
    assert f'"Arn": "{ARN}"' in terminal.screen
    assert "done: 1 touch; nothing is left behind" in terminal.screen
    assert "\x1b[1;35m   simulated\x1b[0m" in terminal.screen


def test_the_narration_is_seen_also_when_the_output_is_captured_and_uncoloured_where_that_is_wanted(
    environment: dict[str, str],
) -> None:
    read, write = os.pipe()
    uncoloured = environment | {"NO_COLOR": "1"}
    with at_a_terminal(uncoloured, "--", "echo", "out", stdout=write) as terminal:
        os.close(write)
        terminal.expect("s left")
        terminal.type("\r")
        assert terminal.wait() == 0
    with os.fdopen(read) as captured:
        assert captured.read() == "out\n"
    assert "1  an IAM user's access key goes into a keystore" in terminal.screen
    assert "\x1b[3" not in terminal.screen


def test_a_narrow_window_that_knows_no_colours_gets_lines_that_fit_and_none(
    environment: dict[str, str],
) -> None:
    with at_a_terminal(environment | {"TERM": "dumb"}, "--yes", "true", size=(40, 60)) as terminal:
        assert terminal.wait() == 0
    assert "\x1b" not in terminal.screen
    lines = [line for line in terminal.screen.splitlines() if not line.startswith("vaultpy: ")]
    lines = [line for line in lines if environment["TMPDIR"] not in line]  # one long word
    assert [line for line in lines if len(line) > 60] == []


def test_a_letter_is_no_finger(environment: dict[str, str]) -> None:
    with at_a_terminal(environment, "--", "true") as terminal:
        terminal.expect("15 s left")
        terminal.type("x ")
        terminal.expect("14 s left")
        assert "GetSessionToken" not in terminal.screen
        terminal.type("\r")
        assert terminal.wait() == 0


def test_without_a_terminal_it_wants_to_be_told_to_touch_by_itself(environment: dict[str, str]) -> None:
    done = without_terminal(environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "vaultpy: error: the demo's finger is the Enter key, and there is no terminal to press it at\n"
        "vaultpy: hint: let it touch the key by itself: vaultpy demo --yes\n"
    )


def test_a_command_that_is_not_there_costs_no_touch(environment: dict[str, str]) -> None:
    before = contents(environment)
    done = without_terminal(environment, "--yes", "no-such-command")
    assert done.returncode == 127
    assert "no-such-command is not found" in done.stderr
    assert PROMPT not in done.stderr
    assert "done:" not in done.stderr
    assert contents(environment) == before


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)])
def test_ended_during_the_touch_it_leaves_nothing_behind(
    environment: dict[str, str], number: signal.Signals, status: int
) -> None:
    before = contents(environment)
    with at_a_terminal(environment) as terminal:
        terminal.expect("s left")
        assert contents(environment) != before
        if number == signal.SIGINT:
            terminal.type("\x03")
        else:
            os.kill(terminal.pid, number)
        assert terminal.wait() == status
    assert contents(environment) == before
    assert "Traceback" not in terminal.screen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_while_it_enrols_it_leaves_nothing_behind(
    environment: dict[str, str], number: signal.Signals
) -> None:
    before = contents(environment)
    with at_a_terminal(environment) as terminal:
        terminal.expect("ListMFADevices")
        os.killpg(terminal.pid, number)
        assert terminal.wait() == -signal.SIGINT
    assert contents(environment) == before
    assert "Traceback" not in terminal.screen


def test_without_a_place_for_temporary_files_it_says_so(environment: dict[str, str]) -> None:
    program = (
        "import sys, tempfile; tempfile.tempdir = '/nonexistent'\n"
        "from vaultpy.cli.run import run; import os; sys.exit(run(['demo', '--yes'], os.environ))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.endswith("vaultpy: hint: name a directory of your own: export TMPDIR=DIRECTORY\n")


def test_on_the_stage_plays_the_real_exec(environment: dict[str, str]) -> None:
    heard: list[Call] = []
    with Stage(by_itself=True, heard=heard.append) as stage:
        env = stage.environment(environment | ELSEWHERE)

        def on_stage(*words: str, env: dict[str, str] = env) -> str:
            return subprocess.run(
                stage.vaultpy(*words),
                env=env,
                pass_fds=stage.descriptors,
                stdout=subprocess.PIPE,
                text=True,
                timeout=60,
                check=True,
            ).stdout

        on_stage(
            "add", "dev", "--env", "--role", f"dev-role={stage.role.arn}", env=stage.with_access_key(env)
        )
        assert stage.yubikey.calculations == 0
        heard.clear()
        key_id = on_stage("exec", "dev-role", "--", "printenv", "AWS_ACCESS_KEY_ID").strip()
        signed = [call for call in heard if call.signed]
        assert [(call.action, call.verdict) for call in signed] == [
            ("GetSessionToken", "OK"),
            ("AssumeRole", "OK"),
        ]
        assert "TokenCode" in signed[0].parameters
        assert stage.aws.session(key_id).mfa_at is None, "it is the role's, and AWS issued it"
        assert stage.yubikey.calculations == 1
        rows = {row["profile"]: row for row in json.loads(on_stage("list", "--json"))}
        assert rows["dev-role"]["expiration"] is None, "no session is kept"
