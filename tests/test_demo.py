"""The demo by the installed command, and the stage that it plays on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

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


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Provide the environment of a user with AWS's config at home and a directory for temporary files."""
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


def test_enter_is_the_finger_and_the_command_is_the_role(environment: dict[str, str]) -> None:
    with at_a_terminal(environment) as terminal:
        terminal.expect("press Enter: your finger on the key")
        terminal.expect(PROMPT)
        terminal.expect("s left")
        terminal.type("\r")
        assert terminal.wait() == 0
    assert f'"Arn": "{ARN}"' in terminal.screen
    assert "done: 1 touch; nothing is left behind" in terminal.screen


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


def test_it_touches_by_itself_and_only_the_commands_output_is_on_stdout(environment: dict[str, str]) -> None:
    done = without_terminal(environment, "--yes")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"] == ARN
    assert PROMPT in done.stderr
    assert "\x1b" not in done.stderr


def test_each_step_says_what_is_simulated_and_how_it_is_done_for_real(environment: dict[str, str]) -> None:
    told = without_terminal(environment, "--yes", "--", "echo", "a b").stderr
    _, *steps = told.split("\n\n")
    numbered = [step for step in steps if step[:3] in {"1  ", "2  ", "3  "}]
    assert len(numbered) == 3
    assert all("   simulated  " in step and "   for real   " in step for step in numbered)
    assert "vaultpy exec dev-role -- echo 'a b'" in told
    assert told.endswith("docs/start.md leads from nothing to the first exec for real\n")


def test_the_simulated_aws_tells_what_it_verified_and_nothing_of_what_the_command_asks(
    environment: dict[str, str],
) -> None:
    told = without_terminal(environment, "--yes").stderr
    calls = [line.split()[1] for line in told.splitlines() if line.startswith("   AWS ")]
    assert calls == ["GetCallerIdentity:", "ListMFADevices:", "GetSessionToken:", "AssumeRole:"]


def test_the_users_command_keeps_its_options_and_its_status(environment: dict[str, str]) -> None:
    done = without_terminal(
        environment, "--yes", "--", "sh", "-c", "echo $0 $1 $AWS_VAULT; exit 3", "-y", "--yes"
    )
    assert (done.returncode, done.stdout) == (3, "-y --yes dev-role\n")
    assert "done: 1 touch, the command's status 3;" in done.stderr


def test_a_command_that_is_not_there_costs_no_touch(environment: dict[str, str]) -> None:
    done = without_terminal(environment, "--yes", "no-such-command")
    assert done.returncode == 127
    assert "no-such-command is not found" in done.stderr
    assert PROMPT not in done.stderr
    assert "done:" not in done.stderr


def test_neither_secret_nor_passphrase_nor_pipe_reaches_the_command(environment: dict[str, str]) -> None:
    done = without_terminal(environment, "--yes", "--", "sh", "-c", "env; ls /proc/self/fd | wc -l")
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert variables["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert "VAULTPY_KEYSTORE_PASSPHRASE" not in variables
    assert int(done.stdout.splitlines()[-1]) == 4, "stdin, stdout, stderr, and what ls itself opens"


def test_nothing_is_left_behind_and_nothing_of_the_users_is_touched(environment: dict[str, str]) -> None:
    before = contents(environment)
    assert without_terminal(environment, "--yes").returncode == 0
    assert without_terminal(environment, "--yes", "no-such-command").returncode == 127
    assert contents(environment) == before


def test_what_the_caller_has_set_leads_nowhere_else(environment: dict[str, str]) -> None:
    before = contents(environment)
    done = without_terminal(environment | ELSEWHERE, "--yes")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"] == ARN
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


def test_the_narration_is_seen_also_when_the_output_is_captured(environment: dict[str, str]) -> None:
    read, write = os.pipe()
    with at_a_terminal(environment, "--", "echo", "out", stdout=write) as terminal:
        os.close(write)
        terminal.expect("s left")
        terminal.type("\r")
        assert terminal.wait() == 0
    with os.fdopen(read) as captured:
        assert captured.read() == "out\n"
    assert "1  an IAM user's access key goes into a keystore" in terminal.screen


def test_it_is_coloured_only_where_that_is_wanted(environment: dict[str, str]) -> None:
    with at_a_terminal(environment, "--yes", "true") as coloured:
        assert coloured.wait() == 0
    assert "\x1b[1;35m   simulated\x1b[0m" in coloured.screen
    with at_a_terminal(environment | {"NO_COLOR": "1"}, "--yes", "true") as plain:
        assert plain.wait() == 0
    assert "\x1b[3" not in plain.screen
    with at_a_terminal(environment | {"TERM": "dumb"}, "--yes", "true") as dumb:
        assert dumb.wait() == 0
    assert "\x1b" not in dumb.screen


def test_its_lines_keep_to_a_narrow_window(environment: dict[str, str]) -> None:
    with at_a_terminal(environment | {"TERM": "dumb"}, "--yes", "true", size=(40, 60)) as terminal:
        assert terminal.wait() == 0
    lines = [line for line in terminal.screen.splitlines() if not line.startswith("vaultpy: ")]
    lines = [line for line in lines if environment["TMPDIR"] not in line]  # one long word
    assert [line for line in lines if len(line) > 60] == []


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

        def played(*words: str, env: dict[str, str] = env) -> str:
            return subprocess.run(
                stage.vaultpy(*words),
                env=env,
                pass_fds=stage.descriptors,
                stdout=subprocess.PIPE,
                text=True,
                timeout=60,
                check=True,
            ).stdout

        played("add", "dev", "--env", "--role", f"dev-role={stage.role.arn}", env=stage.with_access_key(env))
        assert stage.yubikey.calculations == 0
        heard.clear()
        key_id = played("exec", "dev-role", "--", "printenv", "AWS_ACCESS_KEY_ID").strip()
        signed = [call for call in heard if call.signed]
        assert [(call.action, call.verdict) for call in signed] == [
            ("GetSessionToken", "OK"),
            ("AssumeRole", "OK"),
        ]
        assert "TokenCode" in signed[0].parameters
        assert stage.aws.session(key_id).mfa_at is None, "it is the role's, and AWS issued it"
        assert stage.yubikey.calculations == 1
        played("exec", "dev-role", "--", "true")
        assert stage.yubikey.calculations == 2, "no session is kept"
