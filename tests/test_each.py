"""`vaultpy each` as people meet it: two hundred roles of a simulated AWS, one touch."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from support.pcscd import missing
from support.preloaded import Preloaded
from support.processes import is_gone
from support.pseudo_terminal import PseudoTerminal
from support.schemas import assert_promised
from support.world import ACCOUNT, BIN, World
from vaultpy.mfa import STEP_SECONDS
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.terminal import Terminal
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vaultpy.simulated.aws import Call
    from vaultpy.simulated.aws_accounts import Role

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))
COUNT = 200
VAULTPY = str(BIN / "vaultpy")
_ASIDE = ("touch the YubiKey", " s left", "this computer's clock is")


class Clock:
    """AWS's clock, which is ahead of this computer's."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return time.time() + self.ahead


class Cloud:
    """A world in which alice may assume two hundred roles, `p000` to `p199`."""

    def __init__(self, world: World, clock: Clock, preloaded: Preloaded) -> None:
        self.world = world
        self.clock = clock
        self._preloaded = preloaded
        world.enrol()
        config = world.home / ".aws" / "config"
        self.roles: list[Role] = []
        text = config.read_text()
        for number in range(COUNT):
            role = world.alice.account.role(f"r{number:03}", requires_mfa=True)
            self.roles.append(role)
            text += f"[profile p{number:03}]\nrole_arn = {role.arn}\nsource_profile = dev\n"
        config.write_text(text)
        self.config = config

    def forget(self) -> None:
        """Let all sessions be forgotten, and AWS take the next code, for which it would have to be waited.

        AWS's step has just begun, so that none ends between a code's making and its arrival.
        """
        environment = self.world.environment
        Wiring(environment, Terminal(environment, listens=False)).sessions.forget()
        self.clock.ahead += STEP_SECONDS + 1 - self.clock() % STEP_SECONDS

    @contextmanager
    def calls(self) -> Iterator[list[Call]]:
        """Give the calls that AWS gets meanwhile."""
        before = len(self.world.aws.calls)
        found: list[Call] = []
        yield found
        found += self.world.aws.calls[before:]

    def each(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run it to its end, without a terminal."""
        return self._preloaded.run(("each", *words), self.world.environment, stdin)

    def denied(self, number: int) -> Role:
        """Return a role that alice may not assume, in the place of the one with this number."""
        role = self.roles[number]
        stranger = self.world.alice.account.role(f"stranger{number}", external_id="unknown to alice")
        self.config.write_text(self.config.read_text().replace(role.arn + "\n", stranger.arn + "\n"))
        return stranger


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    clock = Clock()
    with (
        Preloaded() as preloaded,
        World(tmp_path_factory.mktemp("each"), finger=SteadyFinger(), clock=clock) as world,
    ):
        yield Cloud(world, clock, preloaded)


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what was said on stderr, without the touch, which only the first run asks for."""
    lines = [line.removeprefix("vaultpy: ") for line in done.stderr.splitlines()]
    return [line for line in lines if not any(text in line for text in _ASIDE)]


# ---- two hundred roles ----------------------------------------------------------------------------------


def test_two_hundred_roles_cost_one_touch_and_a_call_each(cloud: Cloud) -> None:
    cloud.forget()
    touches = cloud.world.yubikey.calculations
    with cloud.calls() as calls:
        done = cloud.each("p*", "--", "sh", "-c", "echo $VAULTPY $AWS_ACCOUNT_ID $AWS_ACCESS_KEY_ID")
    assert (done.returncode, said(done)) == (0, [])
    assert cloud.world.yubikey.calculations == touches + 1
    actions = [call.action for call in calls]
    assert actions == ["GetSessionToken", *["AssumeRole"] * COUNT]
    assert {call.parameters["RoleArn"] for call in calls[1:]} == {role.arn for role in cloud.roles}
    shown = [
        re.fullmatch(rf"(p\d+) \| (p\d+) {ACCOUNT} (ASIA\w+)", line) for line in done.stdout.splitlines()
    ]
    assert len(shown) == COUNT
    assert all(line and line[1] == line[2] for line in shown)
    assert len({line and line[3] for line in shown}) == COUNT


def test_only_the_mfa_session_is_kept(cloud: Cloud) -> None:
    cloud.each("p00?", "--", "true")
    listed = json.loads(cloud.world.vaultpy("list", "--json").stdout)
    kept = {row["profile"]: row["expiration"] for row in listed if row["expiration"]}
    assert set(kept) <= {"dev"}  # other tests use the kernel's keyring too, which has room for a few


def test_one_denied_one_throttled_and_one_without_an_answer_are_told_and_the_rest_is_done(
    cloud: Cloud,
) -> None:
    config = cloud.config.read_text()
    cloud.denied(3)
    cloud.world.aws.fail_role(cloud.roles[5].arn, Fault.THROTTLING, 2)
    cloud.world.aws.fail_role(cloud.roles[7].arn, Fault.CLOSE_AFTER, 2)
    try:
        done = cloud.each("p0[0-4]?", "--keep-going", "--json", "--", "echo", "hi")
    finally:
        cloud.config.write_text(config)
    rows = {row["profile"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1
    assert len(rows) == 50
    failed = {name: row for name, row in rows.items() if row["outcome"] != "done"}
    assert set(failed) == {"p003", "p007"}
    assert "assume" in failed["p003"]["error"]
    assert "did not answer" in failed["p007"]["error"]
    assert {row["output"] for name, row in rows.items() if name not in failed} == {"hi\n"}
    assert re.fullmatch(r"48 done, 2 failed \(p00[37], p00[37]\), in .*", said(done)[-1])


@pytest.mark.long
def test_one_that_hangs_is_told_and_holds_up_nobody_else(cloud: Cloud) -> None:
    cloud.world.aws.fail_role(cloud.roles[2].arn, Fault.HANG, 2)
    done = cloud.each("p0*", "--keep-going", "--", "true")
    assert done.returncode == 1
    assert any(line.startswith("p002 failed: 127.0.0.1 did not answer") for line in said(done))
    assert said(done)[-1].startswith("99 done, 1 failed (p002), in ")


def test_after_a_failure_nothing_more_is_begun_and_what_was_not_run_is_named(cloud: Cloud) -> None:
    done = cloud.each("p00?", "--jobs", "1", "--json", "--", "sh", "-c", "test $VAULTPY != p002")
    assert done.returncode == 1
    rows = list(map(json.loads, done.stdout.splitlines()))
    assert [row["profile"] for row in rows] == [f"p00{number}" for number in range(10)]
    assert [row["outcome"] for row in rows] == ["done", "done", "failed", *["not run"] * 7]
    *_, told, hint = said(done)
    assert told.startswith(
        "2 done, 1 failed (p002), 7 not run (p003, p004, p005, p006, p007 and 2 more), in "
    )
    assert hint == "after a failure nothing more is begun; with --keep-going it is"


def test_the_json_lines_are_as_promised(cloud: Cloud) -> None:
    script = 'printf "a\\377\\033[1m"; echo wrong >&2; [ $VAULTPY = p000 ] || kill -KILL $$'
    done = cloud.each("p00[01]", "--jobs", "1", "--json", "--", "sh", "-c", script)
    rows = list(map(json.loads, done.stdout.splitlines()))
    assert_promised("each", rows)
    assert [row["status"] for row in rows] == [0, 128 + signal.SIGKILL]
    assert rows[0] | {"seconds": 0} == {
        "profile": "p000",
        "account": ACCOUNT,
        "outcome": "done",
        "status": 0,
        "output": "a\ufffd\x1b[1m",
        "errors": "wrong\n",
        "truncated": False,
        "seconds": 0,
        "error": None,
        "hint": None,
    }
    assert done.stdout.isascii()


# ---- which profiles, and how ----------------------------------------------------------------------------


def test_profiles_come_from_a_file_or_from_standard_input_too(cloud: Cloud, tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("# two of them\np001\n\np002\n")
    first = cloud.each("--profiles-from", str(names), "p000", "--jobs", "1", "--", "echo", "hi")
    assert first.stdout == "p000 | hi\np001 | hi\np002 | hi\n"
    second = cloud.each("--profiles-from", "-", "--", "cat", stdin="p001\n")
    assert (second.stdout, second.returncode) == ("", 0)


def test_a_pattern_leaves_users_out_and_says_so(cloud: Cloud) -> None:
    done = cloud.each("de*", "--", "echo", "hi")
    assert done.stdout == "dev-role | hi\n"
    assert said(done) == ["left out, for want of a role: dev"]
    assert cloud.each("dev", "--", "echo", "hi").stdout == "dev | hi\n"


def test_a_session_that_ends_meanwhile_costs_one_touch_more(cloud: Cloud, tmp_path: Path) -> None:
    cloud.forget()
    touches = cloud.world.yubikey.calculations
    script = f"echo $VAULTPY; until [ -e {tmp_path}/go ]; do sleep 0.05; done"
    command = [VAULTPY, "each", "p00[0-4]", "--jobs", "2", "--", "sh", "-c", script]
    with PseudoTerminal(command, cloud.world.environment) as terminal:
        terminal.expect("p000 | p000")
        terminal.expect("p001 | p001")
        cloud.world.aws._cloud.sessions.clear()
        (tmp_path / "go").touch()
        terminal.expect("5 done, in ")
        assert terminal.wait() == 0
    assert cloud.world.yubikey.calculations == touches + 2


def test_that_aws_limits_them_to_an_hour_is_said_once(cloud: Cloud) -> None:
    with cloud.calls() as calls:
        done = cloud.each("p00[0-2]", "--duration", "8h", "--", "true")
    wanted = [call.parameters["DurationSeconds"] for call in calls if call.action == "AssumeRole"]
    assert wanted == ["3600"] * 3
    assert said(done) == [
        "AWS limits roles that share an MFA session to 1h, less than is wanted of p000, p001, p002"
    ]


def test_the_region_is_for_the_command(cloud: Cloud) -> None:
    done = cloud.each("p000", "--region", "us-west-2", "--", "printenv", "AWS_REGION")
    assert done.stdout == "p000 | us-west-2\n"


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("q*", "--", "true"), 125, "error: no profile in "),
        (("p000", "devv", "--", "true"), 125, "error: no profile devv in "),
        (("p*", "--", "no-such-command"), 127, "error: no-such-command is not found"),
        (("p*",), 2, "error: there is no command: it stands behind --"),
        (("", "--", "true"), 2, "error: a profile, FILE or the command is empty"),
        (("--profiles-from", "/no/such", "--", "true"), 2, "error: cannot read --profiles-from /no/such"),
        (("p*", "--profiles-from", "-", "-t", "-", "--", "true"), 2, "error: --profiles-from - and"),
        (("p*", "--duration", "soon", "--", "true"), 2, "error: soon is not a duration"),
    ],
)
def test_an_error_of_its_own_has_a_status_of_its_own_and_asks_nobody(
    cloud: Cloud, words: tuple[str, ...], status: int, message: str
) -> None:
    with cloud.calls() as calls:
        done = cloud.each(*words)
    assert done.returncode == status
    assert (done.stdout, calls) == ("", [])
    error, hint = said(done)
    assert error.startswith(message)
    assert hint.startswith("hint: ")


def test_each_user_is_asked_once(cloud: Cloud) -> None:
    world = cloud.world
    bob = world.alice.account.user("bob")
    key, device = bob.access_key(), bob.mfa_device()
    world.yubikey.add_account(device.serial, device.seed, touch=True)
    environ = world.environment | {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
    words = [f"bobs{number}={cloud.roles[number].arn}" for number in range(2)]
    added = world.vaultpy("add", "bob", "--env", "--role", words[0], "--role", words[1], env=environ)
    assert added.returncode == 0, added.stderr
    cloud.forget()
    touches = world.yubikey.calculations
    refused = cloud.each("p00?", "bobs*", "-t", "123456", "--", "true")
    assert refused.returncode == 2
    assert "--mfa-token is one user's, and these profiles are of 2: dev, bob" in refused.stderr
    with cloud.calls() as calls:
        assert cloud.each("p00?", "bobs*", "--", "true").returncode == 0
    assert world.yubikey.calculations == touches + 2
    assert [call.action for call in calls] == [*["GetSessionToken"] * 2, *["AssumeRole"] * 12]


# ---- what ends it ---------------------------------------------------------------------------------------


def test_ctrl_c_ends_all_commands_and_what_they_have_started(cloud: Cloud) -> None:
    command = [VAULTPY, "each", "p0*", "--", "sh", "-c", "sleep 100 & echo pids $$ $! ready; wait"]
    with PseudoTerminal(command, cloud.world.environment) as terminal:
        while len(re.findall(r"pids (\d+) (\d+) ready", terminal.screen)) < 8:
            terminal._read(1.0)
        terminal.type("\x03")
        terminal.expect("92 not run")
        assert terminal.wait() == -signal.SIGINT
        pids = [int(pid) for pair in re.findall(r"pids (\d+) (\d+) ready", terminal.screen) for pid in pair]
    assert len(pids) == 16
    assert all(map(is_gone, pids))


def test_what_sends_sigterm_ends_them_and_is_told_so(cloud: Cloud) -> None:
    run = subprocess.Popen(
        [VAULTPY, "each", "p00?", "--", "sh", "-c", "echo $$; exec sleep 100"],
        env=cloud.world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert run.stdout is not None
    pids = [int(run.stdout.readline().rpartition("|")[2]) for _ in range(8)]
    run.terminate()
    run.communicate(timeout=60)
    assert run.returncode == 128 + signal.SIGTERM
    assert all(map(is_gone, pids))


def test_a_reader_that_goes_away_ends_it(cloud: Cloud) -> None:
    run = subprocess.Popen(
        [VAULTPY, "each", "p*", "--", "sh", "-c", "echo $$; while :; do echo more; sleep 0.05; done"],
        env=cloud.world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stderr is not None
    process = int(run.stdout.readline().rpartition("|")[2])
    run.stdout.close()
    assert run.wait(timeout=60) == 1
    assert "error" not in run.stderr.read()
    run.stderr.close()
    assert is_gone(process)


@pytest.mark.long
def test_a_reader_that_goes_away_ends_even_what_hears_no_sigterm(cloud: Cloud) -> None:
    script = "trap '' TERM PIPE; echo $$; while :; do echo more; sleep 0.1; done"
    run = subprocess.Popen(
        [VAULTPY, "each", "p000", "--", "sh", "-c", script],
        env=cloud.world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert run.stdout is not None
    process = int(run.stdout.readline().rpartition("|")[2])
    run.stdout.close()
    try:
        assert run.wait(timeout=60) == 1
        assert is_gone(process)
    finally:
        run.kill()
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def test_a_file_with_no_room_for_all_that_was_not_run_is_an_error(cloud: Cloud, tmp_path: Path) -> None:
    script = f'ulimit -f 16; exec "$0" each "p*" --jobs 1 --json -- false > {tmp_path}/rows'
    done = subprocess.run(
        ["sh", "-c", script, VAULTPY],
        env=cloud.world.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said(done)[-2] == "error: cannot write to standard output: File too large"
    assert done.returncode == 125


def test_at_a_terminal_a_live_line_tells_how_far_it_is(cloud: Cloud) -> None:
    command = [VAULTPY, "each", "p00?", "--jobs", "2", "--", "sh", "-c", "sleep 0.4; echo hi"]
    with PseudoTerminal(command, cloud.world.environment | {"NO_COLOR": "1"}, size=(30, 60)) as terminal:
        terminal.expect("running, ")
        terminal.expect("10 done, in ")
        assert terminal.wait() == 0
        assert terminal.screen.count(" | hi") == 10
        assert "\x1b[K[####" in terminal.screen
    dumb = cloud.world.environment | {"TERM": "dumb"}
    with PseudoTerminal(command, dumb) as terminal:
        assert terminal.wait() == 0
        assert "running" not in terminal.screen
        assert "vaultpy: 10 done, in " in terminal.screen
        assert "\x1b" not in terminal.screen
